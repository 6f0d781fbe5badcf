#include "derive_type.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace qconvert {
namespace {

using Lengths = std::vector<int64_t>;

enum class Shape { kUnknown, kOfFirst, kBroadcast, kProduct, kConv };

bool IsOneOf(const Node& node, std::initializer_list<std::string_view> types) {
  return std::any_of(types.begin(), types.end(),
                     [&](std::string_view type) { return node.Is(type); });
}

Shape ShapeOf(const Node& node) {
  if (node.outputs.size() != 1 || node.inputs.empty()) return Shape::kUnknown;
  if (IsOneOf(node, {"Relu",      "Sigmoid",
                     "Tanh",      "Neg",
                     "Abs",       "Exp",
                     "Log",       "Sqrt",
                     "Erf",       "LeakyRelu",
                     "Elu",       "HardSigmoid",
                     "Softplus",  "Softsign",
                     "Clip",      "Reciprocal",
                     "HardSwish", "Softmax",
                     "Floor",     "LayerNormalization",
                     "Ceil",      "BatchNormalization"}))
    return Shape::kOfFirst;
  if (IsOneOf(node, {"Add", "Sub", "Mul", "Div"}) && node.inputs.size() == 2)
    return Shape::kBroadcast;
  if (node.Is("MatMul") && node.inputs.size() == 2) return Shape::kProduct;
  if (node.Is("Conv") && node.inputs.size() >= 2) return Shape::kConv;
  return Shape::kUnknown;
}

std::optional<Lengths> LengthsOf(const ValueType* type) {
  if (type == nullptr || !type->is_tensor() || !type->shape) return std::nullopt;
  Lengths lengths;
  for (const Dim& dim : *type->shape) {
    if (!dim.known()) return std::nullopt;
    lengths.push_back(dim.value);
  }
  return lengths;
}

// Nothing where they do not go together.
std::optional<Lengths> Broadcast(const Lengths& a, const Lengths& b) {
  Lengths out(std::max(a.size(), b.size()), 1);
  for (const Lengths* one : {&a, &b}) {
    for (size_t k = 0; k < one->size(); ++k) {
      int64_t& length = out[out.size() - one->size() + k];
      const int64_t own = (*one)[k];
      if (own == 1 || own == length) continue;
      if (length != 1) return std::nullopt;
      length = own;
    }
  }
  return out;
}

std::optional<Lengths> Product(const Lengths& a, const Lengths& b) {
  if (a.size() < 2 || b.size() < 2 || a.back() != b[b.size() - 2]) return std::nullopt;
  auto out = Broadcast({a.begin(), a.end() - 2}, {b.begin(), b.end() - 2});
  if (!out) return std::nullopt;
  out->push_back(a[a.size() - 2]);
  out->push_back(b.back());
  return out;
}

std::optional<Lengths> Convolved(const Node& node, const Lengths& x, const Lengths& w) {
  const size_t rank = x.size();
  if (rank < 3 || w.size() != rank || node.GetString("auto_pad", "NOTSET") != "NOTSET")
    return std::nullopt;
  const size_t spatial = rank - 2;
  const auto ints = [&](std::string_view key, size_t count, int64_t fallback) {
    const Lengths* given = node.FindInts(key);
    return given == nullptr ? Lengths(count, fallback) : *given;
  };
  const Lengths pads = ints("pads", 2 * spatial, 0);
  const Lengths strides = ints("strides", spatial, 1);
  const Lengths dilations = ints("dilations", spatial, 1);
  if (pads.size() != 2 * spatial || strides.size() != spatial || dilations.size() != spatial)
    return std::nullopt;
  Lengths out = {x[0], w[0]};
  for (size_t k = 0; k < spatial; ++k) {
    const int64_t covered = (w[k + 2] - 1) * dilations[k] + 1;
    const int64_t padded = x[k + 2] + pads[k] + pads[k + spatial];
    if (strides[k] < 1 || padded < covered) return std::nullopt;
    out.push_back((padded - covered) / strides[k] + 1);
  }
  return out;
}

}  // namespace

bool MayDerive(const Node& node) { return ShapeOf(node) != Shape::kUnknown; }

std::optional<ValueType> DeriveType(
    const Node& node, const std::function<const ValueType*(const std::string&)>& type_of) {
  const Shape shape = ShapeOf(node);
  if (shape == Shape::kUnknown) return std::nullopt;
  const ValueType* first = type_of(node.input(0));
  std::optional<Lengths> lengths = LengthsOf(first);
  if (!lengths) return std::nullopt;
  if (shape != Shape::kOfFirst) {
    const ValueType* second = type_of(node.input(1));
    const std::optional<Lengths> others = LengthsOf(second);
    if (!others || second->element != first->element) return std::nullopt;
    lengths = shape == Shape::kBroadcast ? Broadcast(*lengths, *others)
              : shape == Shape::kProduct ? Product(*lengths, *others)
                                         : Convolved(node, *lengths, *others);
    if (!lengths) return std::nullopt;
  }
  ValueType type{first->element, std::vector<Dim>{}, {}};
  for (const int64_t length : *lengths) type.shape->push_back({length, {}});
  return type;
}

}  // namespace qconvert
