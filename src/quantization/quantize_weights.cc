#include "qconvert/quantization/quantize_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "qconvert/quantization/quantize.h"

namespace qconvert {
namespace {

constexpr double kMaxBias = 1073741824.0;  // 2^30
// Two weights that round up may sum to one more than their real sum: 127 here keeps the integers at
// 128.
constexpr double kMaxPair = 127.0;
constexpr double kSmallestChannel = 1.0 / 65536;  // of the largest channel's scale

// Largest magnitude per slice along `axis`, or of all values.
std::vector<double> MaxMagnitudes(std::span<const float> values, const std::vector<int64_t>& dims,
                                  int64_t axis) {
  size_t inner = 1;
  size_t channels = 1;
  if (axis >= 0) {
    channels = static_cast<size_t>(dims[static_cast<size_t>(axis)]);
    for (size_t d = static_cast<size_t>(axis) + 1; d < dims.size(); ++d)
      inner *= static_cast<size_t>(dims[d]);
  }
  std::vector<double> out(channels, 0.0);
  for (size_t i = 0; i < values.size(); ++i) {
    double& largest = out[i / inner % channels];
    largest = std::max(largest, std::fabs(static_cast<double>(values[i])));
  }
  return out;
}

// Largest |w1 + w2| per channel over neighbours of one sign in kernel order.
std::vector<double> MaxPairs(std::span<const float> values, const WeightOrder& order) {
  std::vector<double> out(static_cast<size_t>(order.channels), 0.0);
  for (int64_t b = 0; b < order.batches; ++b) {
    for (int64_t o = 0; o < order.channels; ++o) {
      const auto at = [&](int64_t k) {
        return static_cast<double>(
            values[static_cast<size_t>(b * order.batch_stride + o * order.channel_stride +
                                       k / order.inner_count * order.outer_stride +
                                       k % order.inner_count * order.inner_stride)]);
      };
      double& largest = out[static_cast<size_t>(o)];
      for (int64_t k = 0; k + 1 < order.count; k += 2) {
        const double first = at(k);
        const double second = at(k + 1);
        if ((first > 0) == (second > 0)) largest = std::max(largest, std::fabs(first + second));
      }
    }
  }
  return out;
}

// The scale floor that keeps pairs from saturating, per scale.
std::vector<double> PairFloors(std::span<const float> values, const WeightOrder& order,
                               size_t scales) {
  std::vector<double> floors(scales, 0.0);
  if (!order.pairs_in_16_bits) return floors;
  const std::vector<double> pairs = MaxPairs(values, order);
  for (size_t o = 0; o < pairs.size(); ++o) {
    double& floor = floors[scales == 1 ? 0 : o];
    floor = std::max(floor, pairs[o] / kMaxPair);
  }
  return floors;
}

}  // namespace

QuantizedWeights QuantizeWeights(const Tensor& weight, const WeightOrder& order,
                                 std::span<const float> bias, float input_scale,
                                 const TensorSettings& settings) {
  const IntegerGrid grid = GridOf(settings);
  const auto values = weight.values<float>();
  const int64_t scale_axis = settings.per_channel ? order.axis : -1;
  const std::vector<double> magnitudes = MaxMagnitudes(values, weight.dims, scale_axis);
  const double largest = *std::max_element(magnitudes.begin(), magnitudes.end());
  const double floor = largest > 0 ? largest / grid.qmax * kSmallestChannel : 1.0;
  QuantizedWeights out;
  const std::vector<double> pair_floors = PairFloors(values, order, magnitudes.size());
  out.params = {grid.type, scale_axis, {}, std::vector<int32_t>(magnitudes.size(), 0)};
  for (size_t c = 0; c < magnitudes.size(); ++c) {
    double scale = std::max({magnitudes[c] / grid.qmax, floor, pair_floors[c]});
    for (size_t b = 0; b < bias.size(); ++b) {
      if (magnitudes.size() > 1 && b != c) continue;
      scale = std::max(scale, std::fabs(static_cast<double>(bias[b])) / (input_scale * kMaxBias));
    }
    out.params.scales.push_back(
        std::max(static_cast<float>(scale), std::numeric_limits<float>::min()));
  }
  out.weight.type = grid.type;
  out.weight.dims = weight.dims;
  out.weight.bytes = std::make_shared<const std::string>(
      QuantizeToBytes(values, weight.dims, out.params, grid.qmin, grid.qmax));
  if (bias.empty()) return out;
  std::vector<int32_t> integers;
  for (const float scale : out.params.scales) {
    out.bias_scales.push_back(std::max(input_scale * scale, std::numeric_limits<float>::min()));
  }
  for (size_t b = 0; b < bias.size(); ++b) {
    const double scale = out.bias_scales[out.bias_scales.size() > 1 ? b : 0];
    const double q = std::nearbyint(static_cast<double>(bias[b]) / scale);
    integers.push_back(static_cast<int32_t>(std::clamp(q, -kMaxBias, kMaxBias)));
  }
  out.bias =
      MakeTensor<int32_t>("", DataType::kInt32, {static_cast<int64_t>(bias.size())}, integers);
  return out;
}

}  // namespace qconvert
