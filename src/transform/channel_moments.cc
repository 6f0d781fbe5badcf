#include "qconvert/transform/channel_moments.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "qconvert/ir/value_types.h"

namespace qconvert {
namespace {

using MomentsByValue = std::map<std::string, ChannelMoments>;

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

// Of the normal distribution with mean 0 and variance 1.
// erfc keeps its digits far below the mean, where 1 + erf is a difference of nearly equal numbers.
double Distribution(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }
double Density(double x) {
  return std::exp(-x * x / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

std::optional<ChannelMoments> OfNormalization(const Graph& graph, const Node& node) {
  const Tensor* scale = graph.FindInitializer(node.input(1));
  const Tensor* bias = graph.FindInitializer(node.input(2));
  const bool are_known = scale != nullptr && bias != nullptr && IsFloatingPoint(scale->type) &&
                         IsFloatingPoint(bias->type) && node.GetInt("training_mode", 0) == 0 &&
                         scale->element_count() == bias->element_count();
  if (!are_known) return std::nullopt;
  ChannelMoments moments;
  for (const float b : ToFloats(*bias)) moments.mean.push_back(b);
  for (const float s : ToFloats(*scale))
    moments.variance.push_back(static_cast<double>(s) * static_cast<double>(s));
  return moments;
}

// Nothing for a bound that is computed.
std::optional<double> BoundOf(const Graph& graph, const Node& clip, size_t slot, const char* key,
                              double fallback) {
  if (clip.input(slot).empty())
    return clip.attributes.contains(key) ? clip.GetFloat(key, 0) : fallback;
  const Tensor* bound = graph.FindInitializer(clip.input(slot));
  if (bound == nullptr || bound->element_count() != 1 || !IsFloatingPoint(bound->type))
    return std::nullopt;
  return ToFloats(*bound)[0];
}

std::optional<ChannelMoments> OfClipped(const ChannelMoments& in, std::optional<double> low,
                                        std::optional<double> high) {
  // Of bounds in the wrong order the formula knows nothing.
  if (!low || !high || *low > *high) return std::nullopt;
  ChannelMoments out;
  for (size_t c = 0; c < in.mean.size(); ++c) {
    const Moments one = ClippedNormal({in.mean[c], in.variance[c]}, *low, *high);
    out.mean.push_back(one.mean);
    out.variance.push_back(one.variance);
  }
  return out;
}

std::optional<ChannelMoments> OfSum(const ChannelMoments& a, const ChannelMoments& b) {
  if (a.mean.size() != b.mean.size()) return std::nullopt;
  ChannelMoments out = a;
  for (size_t c = 0; c < a.mean.size(); ++c) {
    out.mean[c] += b.mean[c];
    out.variance[c] += b.variance[c];
  }
  return out;
}

std::optional<ChannelMoments> OfConcat(const Node& node, const MomentsByValue& known) {
  if (node.GetInt("axis", 0) != 1) return std::nullopt;
  ChannelMoments out;
  for (const std::string& input : node.inputs) {
    const auto part = known.find(input);
    if (part == known.end()) return std::nullopt;
    out.mean.insert(out.mean.end(), part->second.mean.begin(), part->second.mean.end());
    out.variance.insert(out.variance.end(), part->second.variance.begin(),
                        part->second.variance.end());
  }
  return out;
}

bool KeepsMeans(const Node& node) {
  return node.Is("Identity") || node.Is("Dropout") || node.Is("AveragePool") ||
         node.Is("GlobalAveragePool");
}

std::optional<ChannelMoments> MomentsOf(const Graph& graph, const Node& node,
                                        const MomentsByValue& known) {
  if (node.Is("BatchNormalization")) return OfNormalization(graph, node);
  if (node.Is("Concat")) return OfConcat(node, known);
  const auto in = known.find(node.input(0));
  if (in == known.end()) return std::nullopt;
  if (KeepsMeans(node)) return in->second;
  if (node.Is("Relu")) return OfClipped(in->second, 0, kUnbounded);
  if (node.Is("Clip")) {
    return OfClipped(in->second, BoundOf(graph, node, 1, "min", -kUnbounded),
                     BoundOf(graph, node, 2, "max", kUnbounded));
  }
  if (node.Is("Add")) {
    const auto other = known.find(node.input(1));
    return other == known.end() ? std::nullopt : OfSum(in->second, other->second);
  }
  if (!node.Is("Flatten") && !node.Is("Reshape") && !node.Is("Squeeze")) return std::nullopt;
  // Of more than one pixel, channels would be pixels behind it.
  const std::vector<Dim>* shape = FindShape(graph, node.outputs[0]);
  const bool are_channels = shape != nullptr && shape->size() == 2 &&
                            (*shape)[1].value == static_cast<int64_t>(in->second.mean.size());
  return are_channels ? std::optional(in->second) : std::nullopt;
}

}  // namespace

Moments ClippedNormal(const Moments& x, double low, double high) {
  const double s = std::sqrt(x.variance);
  // Also where damaged scales have made NaN of it.
  if (!(s > 0)) return {std::clamp(x.mean, low, high), 0};
  const double a = (low - x.mean) / s;
  const double b = (high - x.mean) / s;
  const double below = std::isinf(a) ? 0 : Distribution(a);
  const double not_above = std::isinf(b) ? 1 : Distribution(b);
  const double at_low = std::isinf(a) ? 0 : Density(a);
  const double at_high = std::isinf(b) ? 0 : Density(b);
  const double inside = not_above - below;
  double mean = x.mean * inside + s * (at_low - at_high);
  double square = (x.mean * x.mean + x.variance) * inside + 2 * x.mean * s * (at_low - at_high);
  // For infinite bounds infinity times 0 would be NaN; the limit is 0.
  if (!std::isinf(a)) {
    mean += low * below;
    square += low * low * below + x.variance * a * at_low;
  }
  if (!std::isinf(b)) {
    mean += high * (1 - not_above);
    square += high * high * (1 - not_above) - x.variance * b * at_high;
  }
  // The difference of nearly equal numbers may come out below 0.
  return {mean, std::max(square - mean * mean, 0.0)};
}

MomentsByValue FindChannelMoments(const Graph& graph) {
  MomentsByValue known;
  for (const Node& node : graph.nodes) {
    if (node.outputs.empty() || node.inputs.empty()) continue;
    std::optional<ChannelMoments> moments = MomentsOf(graph, node, known);
    if (moments) known.emplace(node.outputs[0], *std::move(moments));
  }
  return known;
}

}  // namespace qconvert
