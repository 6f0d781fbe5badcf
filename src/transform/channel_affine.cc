#include "channel_affine.h"

#include <algorithm>
#include <cmath>

#include "qconvert/base/finite.h"

namespace qconvert {
namespace {

// True when broadcasting `dims` against a value of `rank` gives one number per channel of `axis`,
// or one in all.
bool IsPerChannel(const std::vector<int64_t>& dims, int64_t channels, size_t rank, size_t axis) {
  if (dims.size() > rank) return false;
  for (size_t d = 0; d < dims.size(); ++d) {
    const bool is_axis = rank - dims.size() + d == axis;
    if (dims[d] != 1 && !(is_axis && dims[d] == channels)) return false;
  }
  return true;
}

}  // namespace

std::optional<ChannelAffine> BatchNormalizationAffine(const Graph& graph, const Node& node,
                                                      int64_t channels) {
  if (!node.Is("BatchNormalization") || node.inputs.size() != 5 ||
      node.GetInt("training_mode", 0) != 0)
    return std::nullopt;
  for (size_t o = 1; o < node.outputs.size(); ++o) {
    if (!node.outputs[o].empty()) return std::nullopt;
  }
  std::vector<std::vector<float>> parameters;
  for (size_t i = 1; i < 5; ++i) {
    const Tensor* tensor = graph.FindInitializer(node.inputs[i]);
    if (tensor == nullptr || tensor->type != DataType::kFloat ||
        tensor->element_count() != channels)
      return std::nullopt;
    parameters.push_back(ToFloats(*tensor));
  }
  const double epsilon = node.GetFloat("epsilon", 1e-5F);
  ChannelAffine affine;
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    const double variance = parameters[3][c] + epsilon;
    // Damaged statistics: the square root would put NaN into every weight.
    if (!(variance > 0)) return std::nullopt;
    const double k = parameters[0][c] / std::sqrt(variance);
    affine.scale.push_back(k);
    affine.shift.push_back(parameters[1][c] - parameters[2][c] * k);
    if (!std::isfinite(k) || !std::isfinite(affine.shift.back())) return std::nullopt;
  }
  return affine;
}

std::optional<ChannelAffine> ArithmeticAffine(const Graph& graph, const Node& node,
                                              int64_t channels, size_t rank, const std::string& x,
                                              size_t axis) {
  if (node.inputs.size() != 2 ||
      !(node.Is("Mul") || node.Is("Add") || node.Is("Sub") || node.Is("Div")))
    return std::nullopt;
  ChannelAffine affine;
  affine.input = node.inputs[0] == x ? 0 : 1;
  const bool reversed = affine.input == 1;
  const Tensor* constant = graph.FindInitializer(node.inputs[1 - affine.input]);
  if (constant == nullptr || constant->type != DataType::kFloat ||
      !IsPerChannel(constant->dims, channels, rank, axis)) {
    return std::nullopt;
  }
  std::vector<float> values = ToFloats(*constant);
  if (values.empty() || !AllFinite(values) ||
      // c / x is no affine of x, and by 0 is no number.
      (node.Is("Div") && (reversed || std::count(values.begin(), values.end(), 0.0F) > 0))) {
    return std::nullopt;
  }
  if (values.size() == 1) values.assign(static_cast<size_t>(channels), values[0]);
  for (const double c : values) {
    affine.scale.push_back(node.Is("Mul")               ? c
                           : node.Is("Div")             ? 1.0 / c
                           : node.Is("Sub") && reversed ? -1.0
                                                        : 1.0);
    affine.shift.push_back(node.Is("Add") ? c : node.Is("Sub") ? (reversed ? c : -c) : 0.0);
  }
  return affine;
}

}  // namespace qconvert
