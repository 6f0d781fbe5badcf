#include "qconvert/quantization/quantize_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "qconvert/quantization/quantize.h"

namespace qconvert {
namespace {

constexpr double kMaxBias = 1073741824.0;       // 2^30
constexpr double kSmallestChannel = 1.0 / 65536;  // of the largest channel's scale

// Largest magnitude per slice along `axis`, or of all values.
std::vector<double> MaxMagnitudes(std::span<const float> values, const std::vector<int64_t>& dims, int64_t axis) {
  size_t inner = 1;
  size_t channels = 1;
  if (axis >= 0) {
    channels = static_cast<size_t>(dims[static_cast<size_t>(axis)]);
    for (size_t d = static_cast<size_t>(axis) + 1; d < dims.size(); ++d) inner *= static_cast<size_t>(dims[d]);
  }
  std::vector<double> out(channels, 0.0);
  for (size_t i = 0; i < values.size(); ++i) {
    double& largest = out[i / inner % channels];
    largest = std::max(largest, std::fabs(static_cast<double>(values[i])));
  }
  return out;
}

}  // namespace

QuantizedWeights QuantizeWeights(const Tensor& weight, int64_t axis, std::span<const float> bias, float input_scale,
                                 const TensorSettings& settings) {
  const IntegerGrid grid = GridOf(settings);
  const auto values = weight.values<float>();
  const int64_t scale_axis = settings.per_channel ? axis : -1;
  const std::vector<double> magnitudes = MaxMagnitudes(values, weight.dims, scale_axis);
  const double largest = *std::max_element(magnitudes.begin(), magnitudes.end());
  const double floor = largest > 0 ? largest / grid.qmax * kSmallestChannel : 1.0;
  QuantizedWeights out;
  out.params = {grid.type, scale_axis, {}, std::vector<int32_t>(magnitudes.size(), 0)};
  for (size_t c = 0; c < magnitudes.size(); ++c) {
    double scale = std::max(magnitudes[c] / grid.qmax, floor);
    for (size_t b = 0; b < bias.size(); ++b) {
      if (magnitudes.size() > 1 && b != c) continue;
      scale = std::max(scale, std::fabs(static_cast<double>(bias[b])) / (input_scale * kMaxBias));
    }
    out.params.scales.push_back(std::max(static_cast<float>(scale), std::numeric_limits<float>::min()));
  }
  out.weight.type = grid.type;
  out.weight.dims = weight.dims;
  out.weight.bytes =
      std::make_shared<const std::string>(QuantizeToBytes(values, weight.dims, out.params, grid.qmin, grid.qmax));
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
  out.bias = MakeTensor<int32_t>("", DataType::kInt32, {static_cast<int64_t>(bias.size())}, integers);
  return out;
}

}  // namespace qconvert
