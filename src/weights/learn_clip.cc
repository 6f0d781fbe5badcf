#include "qconvert/weights/learn_clip.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "fixed_blocking.h"
#include "layer_loss.h"
#include "qconvert/base/spread.h"
#include "qconvert/numbers/quant_params.h"
#include "qconvert/weights/output_positions.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

constexpr int64_t kLookedAt = 16384;  // positions of a reader, for those that reach furthest
constexpr int64_t kFurthest = 128;    // of these
constexpr int64_t kOthers = 256;
constexpr int64_t kChannels = 32;
// Of a reader without weights: a number is a position.
constexpr int64_t kNumbersPerPosition = 16;
// Of a bound, in octaves: from the first to the last, each a half of the one before.
constexpr double kFirstStep = 0.5;
constexpr double kLastStep = 1.0 / 32;
constexpr int kRounds = 2;  // the bounds of both sides hang together

// Q and back. Codes are integers in floats: exact up to 16 bits.
void RoundToGrid(Range range, const NumericFormat& format, const FloatMatrix& in,
                 FloatMatrix& out) {
  const QuantParams params = ParamsFromRange(range, format);
  const float scale = params.scales[0];
  const auto zero = static_cast<float>(params.zero_points[0]);
  const float low = static_cast<float>(format.qmin) - zero;
  const float high = static_cast<float>(format.qmax) - zero;
  out = (in.array() / scale).rint().max(low).min(high) * scale;
}

// Rows that stand for all: those with the numbers furthest out, of which there are few and which
// decide about clipping, and some of the others, each for as many as there are.
struct Rows {
  FloatMatrix inputs;
  Eigen::VectorXd weights;
};

// Of `all` rows, `Fill(k, row)` writes row k of `width` numbers.
template <typename Fill>
Rows ChooseRows(int64_t all, Index width, int64_t furthest, int64_t others, const Fill& fill) {
  FloatRow row(width);
  // Negative, so that the furthest sort first; equal ones by their place.
  std::vector<std::pair<float, int64_t>> reach;
  for (int64_t k = 0; k < all; ++k) {
    fill(k, std::span(row.data(), static_cast<size_t>(width)));
    reach.emplace_back(-row.cwiseAbs().maxCoeff(), k);
  }
  const auto far = static_cast<ptrdiff_t>(std::min(all, furthest));
  std::partial_sort(reach.begin(), reach.begin() + far, reach.end());
  // The others in the order that they came in, so that they are spread over the samples.
  std::sort(reach.begin() + far, reach.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  const std::vector<int64_t> some = SpreadEvenly(all - far, others);
  Rows out{FloatMatrix(far + std::ssize(some), width), Eigen::VectorXd(far + std::ssize(some))};
  for (Index k = 0; k < out.inputs.rows(); ++k) {
    const auto at = static_cast<size_t>(k < far ? k : far + some[static_cast<size_t>(k - far)]);
    fill(reach[at].second, std::span(row.data(), static_cast<size_t>(width)));
    out.inputs.row(k) = row;
    // Together they weigh as much as all rows.
    out.weights(k) =
        k < far ? 1.0 : static_cast<double>(all - far) / static_cast<double>(some.size());
  }
  return out;
}

// What one group of a reader computes at some positions for some of its channels.
class Part {
 public:
  Part(Rows rows, FloatMatrix weights, FloatRow bias, LayerActivation activation)
      : rows_(std::move(rows)),
        weights_(std::move(weights)),
        bias_(std::move(bias)),
        activation_(activation),
        expected_(Outputs(rows_.inputs)) {}

  double signal() const { return Power(expected_); }
  double Error(Range range, const NumericFormat& format) {
    RoundToGrid(range, format, rows_.inputs, rounded_);
    return Power(Outputs(rounded_) - expected_);
  }

 private:
  double Power(const FloatMatrix& values) const {
    return values.cast<double>().rowwise().squaredNorm().dot(rows_.weights);
  }
  FloatMatrix Outputs(const FloatMatrix& inputs) const {
    if (weights_.size() == 0) return inputs;
    FloatMatrix out = (inputs * weights_).rowwise() + bias_;
    Activate(activation_, out);
    return out;
  }

  Rows rows_;
  FloatMatrix weights_;  // empty: the identity
  FloatRow bias_;
  LayerActivation activation_;
  FloatMatrix expected_;
  FloatMatrix rounded_;
};

// Positions of all samples, at most `most` spread evenly over each.
template <typename Count>
std::vector<SamplePosition> SomePlaces(std::span<const Tensor> samples, int64_t most,
                                       const Count& count) {
  std::vector<SamplePosition> places;
  // Every sample has a say, however many there are.
  const auto each = std::max<int64_t>(most / std::ssize(samples), 1);
  for (size_t s = 0; s < samples.size(); ++s)
    for (const int64_t p : SpreadEvenly(count(s), each)) places.push_back({s, p});
  return places;
}

// Of a reader: its parts and the power of what they write.
struct Reader {
  std::vector<Part> parts;
  double signal = 0;
};

Reader AsTheyAre(std::span<const Tensor> samples) {
  const std::vector<SamplePosition> places =
      SomePlaces(samples, kNumbersPerPosition * kLookedAt,
                 [&](size_t s) { return samples[s].element_count(); });
  Reader out;
  out.parts.emplace_back(
      ChooseRows(
          std::ssize(places), 1, kNumbersPerPosition * kFurthest, kNumbersPerPosition * kOthers,
          [&](int64_t k, std::span<float> row) {
            const SamplePosition& place = places[static_cast<size_t>(k)];
            row[0] = samples[place.sample].values<float>()[static_cast<size_t>(place.position)];
          }),
      FloatMatrix(), FloatRow(), LayerActivation());
  return out;
}

// The channels of a group whose outputs are looked at.
Part GroupPart(const ClipReader& reader, std::span<const Tensor> samples, int64_t group,
               int64_t most_channels) {
  const WeightOrder order = KernelOrder(*reader.node, *reader.weight);
  const int64_t per_group = order.channels / GroupsOf(*reader.node);
  const auto weight = reader.weight->values<float>();
  const std::vector<int64_t> channels = SpreadEvenly(per_group, most_channels);
  FloatMatrix weights(order.count, std::ssize(channels));
  FloatRow bias = FloatRow::Zero(std::ssize(channels));
  for (Index c = 0; c < weights.cols(); ++c) {
    const int64_t channel = group * per_group + channels[static_cast<size_t>(c)];
    for (Index k = 0; k < weights.rows(); ++k) weights(k, c) = weight[PlaceOf(order, channel, k)];
    if (!reader.bias.empty()) bias(c) = reader.bias[static_cast<size_t>(channel)];
  }
  std::vector<OutputPositions> positions;
  for (const Tensor& sample : samples)
    positions.emplace_back(*reader.node, *reader.weight, sample.dims);
  const std::vector<SamplePosition> places =
      SomePlaces(samples, kLookedAt, [&](size_t s) { return positions[s].count(); });
  Rows rows = ChooseRows(std::ssize(places), order.count, kFurthest, kOthers,
                         [&](int64_t k, std::span<float> row) {
                           const SamplePosition& place = places[static_cast<size_t>(k)];
                           positions[place.sample].Gather(samples[place.sample].values<float>(),
                                                          place.position, group, row);
                         });
  return {std::move(rows), std::move(weights), std::move(bias), reader.activation};
}

Reader ReaderOf(const ClipReader& reader, std::span<const Tensor> samples) {
  if (reader.node == nullptr) return AsTheyAre(samples);
  const int64_t groups = GroupsOf(*reader.node);
  const std::vector<int64_t> looked_at = SpreadEvenly(groups, kChannels);
  const int64_t channels = std::max<int64_t>(kChannels / std::ssize(looked_at), 1);
  Reader out;
  for (const int64_t group : looked_at)
    out.parts.push_back(GroupPart(reader, samples, group, channels));
  return out;
}

class Search {
 public:
  Search(std::span<const Tensor> samples, std::span<const ClipReader> readers,
         const NumericFormat& format)
      : format_(format) {
    for (const ClipReader& reader : readers) {
      Reader one = ReaderOf(reader, samples);
      for (const Part& part : one.parts) one.signal += part.signal();
      // Errors count relative to the signal: there has to be one.
      if (one.signal > 0 && std::isfinite(one.signal)) readers_.push_back(std::move(one));
    }
    for (const Tensor& sample : samples) {
      for (const float x : sample.values<float>()) {
        seen_.min = std::min(seen_.min, x);
        seen_.max = std::max(seen_.max, x);
      }
    }
  }

  LearnedClip Run(Range start) {
    LearnedClip out{.range = start};
    out.error_before = out.error_after = Error(start);
    if (readers_.empty() || !std::isfinite(out.error_before)) return out;
    for (int round = 0; round < kRounds; ++round) {
      for (double step = kFirstStep; step >= kLastStep; step /= 2) {
        // The bounds of a symmetric format are one number.
        if (format_.symmetric) {
          Move(step, {&Range::min, &Range::max}, out);
        } else {
          Move(step, {&Range::max}, out);
          Move(step, {&Range::min}, out);
        }
      }
    }
    return out;
  }

 private:
  double Error(Range range) {
    double sum = 0;
    for (Reader& reader : readers_) {
      double error = 0;
      for (Part& part : reader.parts) error += part.Error(range, format_);
      sum += error / reader.signal;
    }
    return sum;
  }

  // Bounds by `step` octaves, inwards or else outwards, as long as the error falls.
  void Move(double step, std::vector<float Range::*> bounds, LearnedClip& out) {
    for (const double octaves : {-step, step}) {
      bool fell = false;
      while (TryBounds(std::exp2(octaves), bounds, out)) fell = true;
      if (fell) return;
    }
  }

  bool TryBounds(double factor, const std::vector<float Range::*>& bounds, LearnedClip& out) {
    Range range = out.range;
    for (float Range::*const bound : bounds)
      range.*bound = static_cast<float>(static_cast<double>(range.*bound) * factor);
    // Nothing lies beyond what was seen.
    if (factor > 1) {
      range.min = std::max(range.min, std::min(seen_.min, out.range.min));
      range.max = std::min(range.max, std::max(seen_.max, out.range.max));
    }
    if (range == out.range) return false;
    const double error = Error(range);
    if (!(error < out.error_after)) return false;
    out.range = range;
    out.error_after = error;
    return true;
  }

  const NumericFormat& format_;
  std::vector<Reader> readers_;
  Range seen_;
};

}  // namespace

LearnedClip LearnClip(std::span<const Tensor> samples, std::span<const ClipReader> readers,
                      Range start, const NumericFormat& format) {
  FixBlocking();
  return Search(samples, readers, format).Run(start);
}

}  // namespace qconvert
