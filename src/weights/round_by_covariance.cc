#include "qconvert/weights/round_by_covariance.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "fixed_blocking.h"
#include "matrix_product.h"
#include "qconvert/base/check.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/weights/code_steps.h"
#include "qconvert/weights/output_positions.h"

namespace qconvert {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Index = Eigen::Index;

constexpr int64_t kMostRows = 2048;
constexpr int64_t kMostElements = int64_t{8} << 20;  // 64 MiB
constexpr int64_t kLeastPositions = 512;
constexpr Index kBlock = 128;  // positions that are multiplied at a time
// Of the mean of the diagonal, added to it: inputs that depend on each other leave no inverse.
constexpr double kDamping = 0.01;
constexpr double kRidge = 0.05;
// That scales are tried with; the first wins a tie.
constexpr std::array kScaleFactors = {1.0,  0.7, 0.75, 0.8, 0.85, 0.9, 0.95,
                                      1.05, 1.1, 1.15, 1.2, 1.25, 1.3};

// The upper factor U of H^-1 = U^T U; empty where there is none.
Matrix FactorOfInverse(Matrix covariance) {
  const Index count = covariance.rows();
  const double mean = covariance.diagonal().mean();
  if (!(mean > 0) || !std::isfinite(mean)) return {};
  covariance.diagonal().array() += kDamping * mean;
  const Eigen::LLT<Matrix> factor(covariance);
  if (factor.info() != Eigen::Success) return {};
  const Eigen::LLT<Matrix> inverse(factor.solve(Matrix::Identity(count, count)));
  return inverse.info() == Eigen::Success ? Matrix(inverse.matrixU()) : Matrix();
}

// Rounds the channels of one group: `weights` and the codes that come back are [count, channels].
class GroupRounder {
 public:
  GroupRounder(const NumericFormat& format, int32_t pair_limit, Matrix scales)
      : format_(format), pair_limit_(pair_limit), scales_(std::move(scales)) {}

  struct Rounded {
    Matrix codes;
    Matrix errors;  // of row k: (w - s code) / U[k][k]; their squares are what it leaves in all
  };

  Rounded Round(Matrix weights, const Matrix& factor) const {
    Matrix codes(weights.rows(), weights.cols());
    Matrix errors(weights.rows(), weights.cols());
    for (Index k = 0; k < weights.rows(); ++k) {
      for (Index o = 0; o < weights.cols(); ++o) {
        const double code = format_.round(weights(k, o) / scales_(k, o));
        codes(k, o) = std::clamp(code, Least(codes, k, o), Most(codes, k, o));
      }
      errors.row(k) = (weights.row(k) - codes.row(k).cwiseProduct(scales_.row(k))) / factor(k, k);
      const Index rest = weights.rows() - k - 1;
      // What this row is off by, the rows that follow make up for.
      weights.bottomRows(rest).noalias() -= factor.row(k).tail(rest).transpose() * errors.row(k);
    }
    return {std::move(codes), std::move(errors)};
  }

 private:
  // What the code before leaves to the second of a pair.
  double Most(const Matrix& codes, Index k, Index o) const {
    const bool paired = pair_limit_ > 0 && k % 2 == 1 && codes(k - 1, o) > 0;
    const double most = format_.qmax;
    return paired ? std::min(most, pair_limit_ - codes(k - 1, o)) : most;
  }
  double Least(const Matrix& codes, Index k, Index o) const {
    const bool paired = pair_limit_ > 0 && k % 2 == 1 && codes(k - 1, o) < 0;
    const double least = format_.qmin;
    return paired ? std::max(least, -pair_limit_ - codes(k - 1, o)) : least;
  }

  const NumericFormat& format_;
  int32_t pair_limit_;
  Matrix scales_;
};

// The output channels that read the inputs of one covariance; matrices are [count, channels].
struct Group {
  int64_t first = 0;  // channel
  Matrix covariance;
  Matrix weights;
  Matrix codes;
  Matrix scales;
};

Group GatherGroup(const Tensor& weight, const WeightOrder& order, std::span<const int32_t> codes,
                  std::span<const float> scales, int64_t block_size,
                  const InputCovariances& covariances, size_t g) {
  const auto values = weight.values<float>();
  const int64_t channels = order.channels / static_cast<int64_t>(covariances.size());
  Group out{static_cast<int64_t>(g) * channels,
            Eigen::Map<const Matrix>(covariances[g].data(), order.count, order.count),
            Matrix(order.count, channels), Matrix(order.count, channels),
            Matrix(order.count, channels)};
  for (int64_t o = 0; o < channels; ++o) {
    const int64_t channel = out.first + o;
    for (int64_t k = 0; k < order.count; ++k) {
      out.scales(k, o) = scales[ScaleOf(order, scales.size(), block_size, channel, k)];
      out.weights(k, o) = values[PlaceOf(order, channel, k)];
      out.codes(k, o) = codes[PlaceOf(order, channel, k)];
    }
  }
  return out;
}

// About so many output positions per weight of a channel, spread evenly over samples.
class SomePositions {
 public:
  SomePositions(const Node& node, const Tensor& weight, std::span<const Tensor> inputs,
                int64_t positions_per_weight)
      : inputs_(inputs), count_(KernelOrder(node, weight).count) {
    int64_t all = 0;
    for (const Tensor& input : inputs) {
      samples_.emplace_back(node, weight, input.dims);
      all += samples_.back().count();
    }
    step_ = StepOverPositions(
        node, std::max<int64_t>(1, all / std::max(kLeastPositions, positions_per_weight * count_)));
  }

  Index count() const { return count_; }
  const OutputPositions& of(size_t sample) const { return samples_[sample]; }

  // Whether these have a row of `channels` for every position.
  bool Fit(std::span<const Tensor> outputs, int64_t channels) const {
    for (size_t s = 0; s < samples_.size(); ++s)
      if (outputs[s].element_count() != samples_[s].count() * channels) return false;
    return true;
  }

  // Calls `visit` with the rows of inputs of at most kBlock positions, and with these.
  template <typename Visit>
  void ForEachBlock(int64_t group, const Visit& visit) const {
    Matrix rows(kBlock, count_);
    std::vector<SamplePosition> places;
    std::vector<float> row(static_cast<size_t>(count_));
    const auto flush = [&] {
      if (!places.empty()) visit(Matrix(rows.topRows(static_cast<Index>(places.size()))), places);
      places.clear();
    };
    int64_t skip = 0;
    for (size_t s = 0; s < samples_.size(); ++s) {
      int64_t p = skip;
      for (; p < samples_[s].count(); p += step_) {
        samples_[s].Gather(inputs_[s].values<float>(), p, group, row);
        rows.row(static_cast<Index>(places.size())) =
            Eigen::Map<const Eigen::RowVectorXf>(row.data(), count_).cast<double>();
        places.push_back({s, p});
        if (static_cast<Index>(places.size()) == kBlock) flush();
      }
      // Steps go on from sample to sample.
      skip = p - samples_[s].count();
    }
    flush();
  }

 private:
  std::span<const Tensor> inputs_;
  std::vector<OutputPositions> samples_;
  Index count_;
  int64_t step_ = 1;
};

// Sum over positions of (x - mean x) (r - mean r)^T, r = y - x W: [count, channels].
Matrix MissingProducts(const SomePositions& positions, const Group& group, size_t g,
                       std::span<const Tensor> outputs, int64_t all_channels) {
  const Index channels = group.weights.cols();
  const Matrix minus_weights = -group.weights;
  Matrix products = Matrix::Zero(positions.count(), channels);
  Eigen::RowVectorXd inputs = Eigen::RowVectorXd::Zero(positions.count());
  Eigen::RowVectorXd rests = Eigen::RowVectorXd::Zero(channels);
  double seen = 0;
  std::vector<float> row(static_cast<size_t>(channels));
  positions.ForEachBlock(
      static_cast<int64_t>(g), [&](const Matrix& rows, const std::vector<SamplePosition>& places) {
        Matrix rest = Matrix::Zero(rows.rows(), channels);
        AddProduct(rows, minus_weights, Transposed::kNone, rest);
        for (size_t i = 0; i < places.size(); ++i) {
          const auto& [sample, position] = places[i];
          positions.of(sample).GatherOutputs(outputs[sample].values<float>(), position,
                                             all_channels, group.first, row);
          rest.row(static_cast<Index>(i)) +=
              Eigen::Map<const Eigen::RowVectorXf>(row.data(), channels).cast<double>();
        }
        AddProduct(rows, rest, Transposed::kFirst, products);
        inputs += rows.colwise().sum();
        rests += rest.colwise().sum();
        seen += static_cast<double>(places.size());
      });
  if (seen > 0) products -= inputs.transpose() * rests / seen;
  return products;
}

// e^T H e of every channel.
Eigen::RowVectorXd ErrorOf(const Matrix& weights, const Matrix& codes, const Matrix& scales,
                           const Matrix& covariance) {
  const Matrix error = weights - codes.cwiseProduct(scales);
  Matrix products = Matrix::Zero(error.rows(), error.cols());
  AddProduct(covariance, error, Transposed::kNone, products);
  return products.cwiseProduct(error).colwise().sum();
}

// Tries factors of scales, of which some are of all channels, of one, or of a block of one.
class ScaleFitter {
 public:
  ScaleFitter(const WeightOrder& order, const FittedWeights& nearest)
      : order_(order), nearest_(nearest) {
    for (std::vector<double>& of : errors_) of.assign(nearest.params.scales.size(), 0.0);
  }

  void Look(Group& group, const Matrix& factor) {
    const Index rows = nearest_.block_size > 0 ? nearest_.block_size : order_.count;
    for (Index first = 0; first < order_.count; first += rows) {
      const Matrix weights = group.weights.middleRows(first, rows);
      const Matrix scales = group.scales.middleRows(first, rows);
      const Matrix of_rows = factor.block(first, first, rows, rows);
      for (size_t f = 0; f < kScaleFactors.size(); ++f) {
        const Matrix errors = Round(scales * kScaleFactors[f], weights, of_rows).errors;
        for (Index o = 0; o < errors.cols(); ++o)
          errors_[f][PlaceOfScale(group, o, first)] += errors.col(o).squaredNorm();
      }
      const Index rest = order_.count - first - rows;
      if (rest == 0) continue;
      // As they are then, the blocks behind make up for what this one leaves.
      Matrix chosen = scales;
      for (Index o = 0; o < chosen.cols(); ++o)
        chosen.col(o) *= kScaleFactors[Best(PlaceOfScale(group, o, first))];
      group.weights.bottomRows(rest) -= factor.block(first, first + rows, rows, rest).transpose() *
                                        Round(std::move(chosen), weights, of_rows).errors;
    }
  }

  std::vector<float> Scales() const {
    std::vector<float> scales = nearest_.params.scales;
    for (size_t s = 0; s < scales.size(); ++s)
      scales[s] *= static_cast<float>(kScaleFactors[Best(s)]);
    return scales;
  }

 private:
  GroupRounder::Rounded Round(Matrix scales, const Matrix& weights, const Matrix& factor) const {
    return GroupRounder(nearest_.format, nearest_.pair_limit, std::move(scales))
        .Round(weights, factor);
  }
  size_t PlaceOfScale(const Group& group, Index o, Index row) const {
    return ScaleOf(order_, nearest_.params.scales.size(), nearest_.block_size, group.first + o,
                   row);
  }
  // The first of equal ones.
  size_t Best(size_t scale) const {
    size_t best = 0;
    for (size_t f = 1; f < errors_.size(); ++f)
      if (errors_[f][scale] < errors_[best][scale]) best = f;
    return best;
  }

  const WeightOrder& order_;
  const FittedWeights& nearest_;
  std::array<std::vector<double>, kScaleFactors.size()> errors_;  // by factor and scale
};

}  // namespace

bool HasInputCovariance(const Node& node, const Tensor& weight) {
  if (!HasOutputPositions(node, weight)) return false;
  const int64_t count = KernelOrder(node, weight).count;
  return count > 0 && count <= kMostRows && GroupsOf(node) * count * count <= kMostElements;
}

InputCovariances CollectCovariances(const Node& node, const Tensor& weight,
                                    std::span<const Tensor> inputs, int64_t positions_per_weight) {
  FixBlocking();
  const SomePositions positions(node, weight, inputs, positions_per_weight);
  const Index count = positions.count();
  InputCovariances out;
  for (int64_t group = 0; group < GroupsOf(node); ++group) {
    Matrix sum = Matrix::Zero(count, count);
    positions.ForEachBlock(
        group, [&](const Matrix& rows, const std::vector<SamplePosition>& /*places*/) {
          AddSquare({rows.data(), rows.rows(), count, rows.outerStride()}, sum.data());
        });
    // The other half is the same: it is not computed.
    sum.triangularView<Eigen::StrictlyUpper>() = sum.transpose();
    out.emplace_back(sum.data(), sum.data() + sum.size());
  }
  return out;
}

Tensor RefitWeights(const Node& node, const Tensor& weight, std::span<const Tensor> inputs,
                    std::span<const Tensor> outputs, const InputCovariances& covariances,
                    int64_t positions_per_weight) {
  FixBlocking();
  const WeightOrder order = KernelOrder(node, weight);
  const SomePositions positions(node, weight, inputs, positions_per_weight);
  if (!positions.Fit(outputs, order.channels)) return weight;
  std::vector<float> refitted = ToFloats(weight);
  const std::vector<int32_t> none(refitted.size(), 0);
  const std::vector<float> one(1, 1.0F);
  for (size_t g = 0; g < covariances.size(); ++g) {
    Group group = GatherGroup(weight, order, none, one, 0, covariances, g);
    // Inputs that are all 0 or not finite tell nothing.
    const double mean = group.covariance.diagonal().mean();
    if (!(mean > 0) || !std::isfinite(mean)) continue;
    group.covariance.diagonal().array() += kRidge * mean;
    const Eigen::LLT<Matrix> factor(group.covariance);
    if (factor.info() != Eigen::Success) continue;
    group.weights += factor.solve(MissingProducts(positions, group, g, outputs, order.channels));
    for (Index o = 0; o < group.weights.cols(); ++o)
      for (Index k = 0; k < group.weights.rows(); ++k)
        refitted[PlaceOf(order, group.first + o, k)] = static_cast<float>(group.weights(k, o));
  }
  return MakeFloatTensor(weight.name, weight.dims, refitted);
}

FittedWeights RoundByCovariance(const Tensor& weight, const WeightOrder& order,
                                const FittedWeights& nearest, const InputCovariances& covariances) {
  QCONVERT_CHECK(nearest.format.symmetric && order.batches == 1);
  FixBlocking();
  std::vector<int32_t> codes = CodesOf(nearest.weight);
  for (size_t g = 0; g < covariances.size(); ++g) {
    const Group group = GatherGroup(weight, order, codes, nearest.params.scales, nearest.block_size,
                                    covariances, g);
    const Matrix factor = FactorOfInverse(group.covariance);
    if (factor.size() == 0) continue;
    const Matrix after = GroupRounder(nearest.format, nearest.pair_limit, group.scales)
                             .Round(group.weights, factor)
                             .codes;
    const Eigen::RowVectorXd error_before =
        ErrorOf(group.weights, group.codes, group.scales, group.covariance);
    const Eigen::RowVectorXd error_after =
        ErrorOf(group.weights, after, group.scales, group.covariance);
    for (Index o = 0; o < after.cols(); ++o) {
      const double farthest = (after.col(o) - group.codes.col(o)).lpNorm<Eigen::Infinity>();
      // Else the nearest stay, also where a file could not tell the steps.
      if (!(error_after(o) < error_before(o)) || farthest > kMostCodeSteps) continue;
      for (Index k = 0; k < after.rows(); ++k)
        codes[PlaceOf(order, group.first + o, k)] = static_cast<int32_t>(after(k, o));
    }
  }
  FittedWeights out = nearest;
  out.weight.bytes = std::make_shared<const std::string>(PackCodes(codes, nearest.params.type));
  return out;
}

std::vector<float> FitScalesByCovariance(const Tensor& weight, const WeightOrder& order,
                                         const FittedWeights& nearest,
                                         const InputCovariances& covariances) {
  QCONVERT_CHECK(nearest.format.symmetric && order.batches == 1);
  FixBlocking();
  const std::vector<int32_t> codes = CodesOf(nearest.weight);
  ScaleFitter fitter(order, nearest);
  for (size_t g = 0; g < covariances.size(); ++g) {
    Group group = GatherGroup(weight, order, codes, nearest.params.scales, nearest.block_size,
                              covariances, g);
    const Matrix factor = FactorOfInverse(group.covariance);
    // Inputs that are all 0 or not finite tell nothing: every factor keeps an error of 0.
    if (factor.size() != 0) fitter.Look(group, factor);
  }
  return fitter.Scales();
}

}  // namespace qconvert
