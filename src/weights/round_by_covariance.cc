#include "qconvert/weights/round_by_covariance.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "fixed_blocking.h"
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
constexpr int64_t kPositionsPerWeight = 4;
constexpr int64_t kLeastPositions = 512;
constexpr Index kBlock = 128;  // positions that are multiplied at a time
constexpr double kDamping = 0.01;

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
  GroupRounder(const NumericFormat& format, int32_t pair_limit, Eigen::ArrayXd scales)
      : format_(format), pair_limit_(pair_limit), scales_(std::move(scales)) {}

  Matrix Round(Matrix weights, const Matrix& factor) const {
    Matrix codes(weights.rows(), weights.cols());
    for (Index k = 0; k < weights.rows(); ++k) {
      for (Index o = 0; o < weights.cols(); ++o) {
        const double code = format_.round(weights(k, o) / scales_(o));
        codes(k, o) = std::clamp(code, Least(codes, k, o), Most(codes, k, o));
      }
      const Eigen::RowVectorXd error =
          (weights.row(k).array() - codes.row(k).array() * scales_.transpose()) / factor(k, k);
      const Index rest = weights.rows() - k - 1;
      weights.bottomRows(rest).noalias() -= factor.row(k).tail(rest).transpose() * error;
    }
    return codes;
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
  Eigen::ArrayXd scales_;
};

// e^T H e of every channel.
Eigen::RowVectorXd ErrorOf(const Matrix& weights, const Matrix& codes, const Eigen::ArrayXd& scales,
                           const Matrix& covariance) {
  const Matrix error = weights - codes * scales.matrix().asDiagonal();
  return (covariance * error).cwiseProduct(error).colwise().sum();
}

}  // namespace

bool HasInputCovariance(const Node& node, const Tensor& weight) {
  if (!HasOutputPositions(node, weight)) return false;
  const int64_t count = KernelOrder(node, weight).count;
  return count > 0 && count <= kMostRows && GroupsOf(node) * count * count <= kMostElements;
}

InputCovariances CollectCovariances(const Node& node, const Tensor& weight,
                                    std::span<const Tensor> inputs) {
  FixBlocking();
  const int64_t count = KernelOrder(node, weight).count;
  std::vector<OutputPositions> samples;
  int64_t positions = 0;
  for (const Tensor& input : inputs) {
    samples.emplace_back(node, weight, input.dims);
    positions += samples.back().count();
  }
  const int64_t wanted = std::max(kLeastPositions, kPositionsPerWeight * count);
  const int64_t step = std::max<int64_t>(1, positions / wanted);
  InputCovariances out;
  Matrix block(kBlock, count);
  std::vector<float> row(static_cast<size_t>(count));
  for (int64_t group = 0; group < GroupsOf(node); ++group) {
    Matrix sum = Matrix::Zero(count, count);
    Index filled = 0;
    const auto add = [&] {
      if (filled == 0) return;
      sum.selfadjointView<Eigen::Lower>().rankUpdate(block.topRows(filled).transpose());
      filled = 0;
    };
    int64_t skip = 0;
    for (size_t s = 0; s < samples.size(); ++s) {
      int64_t p = skip;
      for (; p < samples[s].count(); p += step) {
        samples[s].Gather(inputs[s].values<float>(), p, group, row);
        block.row(filled) = Eigen::Map<const Eigen::RowVectorXf>(row.data(), count).cast<double>();
        if (++filled == kBlock) add();
      }
      skip = p - samples[s].count();
    }
    add();
    sum.triangularView<Eigen::StrictlyUpper>() = sum.transpose();
    out.emplace_back(sum.data(), sum.data() + sum.size());
  }
  return out;
}

FittedWeights RoundByCovariance(const Tensor& weight, const WeightOrder& order,
                                const FittedWeights& nearest, const InputCovariances& covariances) {
  QCONVERT_CHECK(nearest.format.symmetric && order.batches == 1);
  FixBlocking();
  const auto values = weight.values<float>();
  std::vector<int32_t> codes = CodesOf(nearest.weight);
  const std::vector<float>& all_scales = nearest.params.scales;
  const auto groups = static_cast<int64_t>(covariances.size());
  const int64_t channels = order.channels / groups;
  for (int64_t g = 0; g < groups; ++g) {
    const Matrix covariance = Eigen::Map<const Matrix>(covariances[static_cast<size_t>(g)].data(),
                                                       order.count, order.count);
    const Matrix factor = FactorOfInverse(covariance);
    if (factor.size() == 0) continue;
    Matrix weights(order.count, channels);
    Matrix before(order.count, channels);
    Eigen::ArrayXd scales(channels);
    for (int64_t o = 0; o < channels; ++o) {
      const int64_t channel = g * channels + o;
      scales(o) = all_scales[all_scales.size() > 1 ? static_cast<size_t>(channel) : 0];
      for (int64_t k = 0; k < order.count; ++k) {
        weights(k, o) = values[PlaceOf(order, channel, k)];
        before(k, o) = codes[PlaceOf(order, channel, k)];
      }
    }
    const Matrix after =
        GroupRounder(nearest.format, nearest.pair_limit, scales).Round(weights, factor);
    const Eigen::RowVectorXd error_before = ErrorOf(weights, before, scales, covariance);
    const Eigen::RowVectorXd error_after = ErrorOf(weights, after, scales, covariance);
    for (int64_t o = 0; o < channels; ++o) {
      const double farthest = (after.col(o) - before.col(o)).lpNorm<Eigen::Infinity>();
      if (!(error_after(o) < error_before(o)) || farthest > kMostCodeSteps) continue;
      for (int64_t k = 0; k < order.count; ++k)
        codes[PlaceOf(order, g * channels + o, k)] = static_cast<int32_t>(after(k, o));
    }
  }
  FittedWeights out = nearest;
  out.weight.bytes = std::make_shared<const std::string>(PackCodes(codes, nearest.params.type));
  return out;
}

}  // namespace qconvert
