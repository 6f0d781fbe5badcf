#include "qconvert/rewrite/store_float16.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <variant>

#include "qconvert/rewrite/store_weights.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

constexpr int64_t kCastBytes = 48;  // of the node and two short names, in the file
constexpr float kLeastNormal = 0x1p-14F;
constexpr float kOverflow = 65520;  // from here on they round to infinity
constexpr int64_t kSavedBytes = 2;  // an element

bool IsHalf(const Tensor& tensor) { return tensor.type == DataType::kFloat16; }

bool IsHalf(const Attribute& attribute) {
  const auto* tensor = std::get_if<Tensor>(&attribute.data);
  return tensor != nullptr && IsHalf(*tensor);
}

bool IsInRange(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return largest >= kLeastNormal && largest < kOverflow;
}

// Nearly all weights are normal numbers: in range, and zero in the bits that float16 has not.
bool IsExactNormal(float value) {
  constexpr uint32_t kMagnitude = 0x7FFFFFFF;
  constexpr uint32_t kLostBits = 0x1FFF;
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & kMagnitude;
  return (bits & kLostBits) == 0 && magnitude >= std::bit_cast<uint32_t>(kLeastNormal) &&
         magnitude < std::bit_cast<uint32_t>(kOverflow);
}

bool IsExact(const Tensor& constant) {
  const auto values = constant.values<float>();
  return std::all_of(values.begin(), values.end(), [](float value) {
    // By bits: NaN equals nothing, and zero has a sign.
    return IsExactNormal(value) || std::bit_cast<uint32_t>(HalfToFloat(FloatToHalf(value))) ==
                                       std::bit_cast<uint32_t>(value);
  });
}

}  // namespace

bool HoldsFloat16(const Graph& graph) {
  const auto is_half = [](const auto& item) { return IsHalf(item.second); };
  return std::any_of(graph.initializers.begin(), graph.initializers.end(), is_half) ||
         std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
           return std::any_of(node.attributes.begin(), node.attributes.end(), is_half);
         });
}

std::optional<Tensor> ExactHalf(const Tensor& constant) {
  return IsExact(constant) ? std::optional(Narrowed(constant, DataType::kFloat16)) : std::nullopt;
}

size_t RoundToFloat16(Graph& graph) {
  size_t rounded = 0;
  for (const Node& node : graph.nodes) {
    for (const std::string& name : WeightsOf(node)) {
      const auto it = graph.initializers.find(name);
      if (it == graph.initializers.end() || it->second.type != DataType::kFloat) continue;
      Tensor& weight = it->second;
      if (IsExact(weight) || !IsInRange(weight.values<float>())) continue;
      weight = MakeFloatTensor(name, weight.dims, ToFloats(Narrowed(weight, DataType::kFloat16)));
      ++rounded;
    }
  }
  return rounded;
}

bool IsSmallerAsFloat16(const Tensor& constant) {
  return constant.type == DataType::kFloat && kSavedBytes * constant.element_count() > kCastBytes &&
         IsExact(constant);
}

size_t StoreFloat16(const std::set<std::string>& names, Model& model) {
  std::map<std::string, StoredWeight> halves;
  for (const auto& [name, tensor] : model.graph.initializers) {
    if (!names.contains(name) || !IsSmallerAsFloat16(tensor)) continue;
    StoredWeight& stored = halves[name];
    stored.name = name;
    stored.codes = Narrowed(tensor, DataType::kFloat16);
  }
  StoreWeights(model, halves);
  return halves.size();
}

}  // namespace qconvert
