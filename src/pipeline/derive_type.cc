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
using Dims = std::vector<Dim>;

enum class Shape { kUnknown, kOfFirst, kBroadcast, kProduct, kGemm, kConv };

bool IsOneOf(const Node& node, std::initializer_list<std::string_view> types) {
  return std::any_of(types.begin(), types.end(),
                     [&](std::string_view type) { return node.Is(type); });
}

// Of the standard or, for codes of 16 bits, of com.microsoft.
bool IsPairEnd(const Node& node, std::string_view type) {
  return node.op_type == type && (node.domain.empty() || node.domain == "com.microsoft") &&
         node.inputs.size() >= 2;
}

Shape ShapeOf(const Node& node) {
  if (node.outputs.size() != 1 || node.inputs.empty()) return Shape::kUnknown;
  if (IsPairEnd(node, "QuantizeLinear") || IsPairEnd(node, "DequantizeLinear"))
    return Shape::kOfFirst;
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
  if (node.Is("Gemm") && node.inputs.size() >= 2) return Shape::kGemm;
  if (node.Is("Conv") && node.inputs.size() >= 2) return Shape::kConv;
  return Shape::kUnknown;
}

// Each a number or a name; nothing where one is neither.
std::optional<Dims> DimsOf(const ValueType* type) {
  if (type == nullptr || !type->is_tensor() || !type->shape) return std::nullopt;
  const auto is_said = [](const Dim& dim) { return dim.is_said(); };
  if (!std::all_of(type->shape->begin(), type->shape->end(), is_said)) return std::nullopt;
  return type->shape;
}

// Nothing where they do not go together.
std::optional<Dims> Broadcast(const Dims& a, const Dims& b) {
  Dims out(std::max(a.size(), b.size()), Dim{1, {}});
  for (const Dims* one : {&a, &b}) {
    for (size_t k = 0; k < one->size(); ++k) {
      Dim& dim = out[out.size() - one->size() + k];
      const Dim& own = (*one)[k];
      if (own.value == 1 || own == dim) continue;
      if (dim.value != 1) return std::nullopt;
      dim = own;
    }
  }
  return out;
}

std::optional<Dims> Product(const Dims& a, const Dims& b) {
  if (a.size() < 2 || b.size() < 2 || a.back() != b[b.size() - 2]) return std::nullopt;
  auto out = Broadcast({a.begin(), a.end() - 2}, {b.begin(), b.end() - 2});
  if (!out) return std::nullopt;
  out->push_back(a[a.size() - 2]);
  out->push_back(b.back());
  return out;
}

std::optional<Dims> OfGemm(const Node& node, const Dims& a, const Dims& b) {
  if (a.size() != 2 || b.size() != 2) return std::nullopt;
  const size_t row = node.GetInt("transA", 0) != 0 ? 1 : 0;
  const size_t column = node.GetInt("transB", 0) != 0 ? 0 : 1;
  if (a[1 - row] != b[1 - column]) return std::nullopt;
  return Dims{a[row], b[column]};
}

std::optional<Dims> Convolved(const Node& node, const Dims& x, const Dims& w) {
  const size_t rank = x.size();
  const auto known = [](const Dim& dim) { return dim.known(); };
  if (rank < 3 || w.size() != rank || node.GetString("auto_pad", "NOTSET") != "NOTSET" ||
      !std::all_of(w.begin(), w.end(), known) || !std::all_of(x.begin() + 2, x.end(), known))
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
  Dims out = {x[0], w[0]};
  for (size_t k = 0; k < spatial; ++k) {
    const int64_t covered = (w[k + 2].value - 1) * dilations[k] + 1;
    const int64_t padded = x[k + 2].value + pads[k] + pads[k + spatial];
    if (strides[k] < 1 || padded < covered) return std::nullopt;
    out.push_back({(padded - covered) / strides[k] + 1, {}});
  }
  return out;
}

// Of two that compute with each other.
std::optional<Dims> Combined(Shape shape, const Node& node, const Dims& first, const Dims& second) {
  switch (shape) {
    case Shape::kBroadcast:
      return Broadcast(first, second);
    case Shape::kProduct:
      return Product(first, second);
    case Shape::kGemm:
      return OfGemm(node, first, second);
    case Shape::kConv:
      return Convolved(node, first, second);
    default:
      return std::nullopt;
  }
}

}  // namespace

bool IsAsSaid(const std::vector<Dim>& said, const std::vector<Dim>& found) {
  return std::equal(said.begin(), said.end(), found.begin(), found.end(),
                    [](const Dim& a, const Dim& b) { return !a.known() || a.value == b.value; });
}

bool MayDerive(const Node& node) { return ShapeOf(node) != Shape::kUnknown; }

std::optional<ValueType> DeriveType(
    const Node& node, const std::function<const ValueType*(const std::string&)>& type_of) {
  const Shape shape = ShapeOf(node);
  if (shape == Shape::kUnknown) return std::nullopt;
  const ValueType* first = type_of(node.input(0));
  std::optional<Dims> dims = DimsOf(first);
  if (!dims) return std::nullopt;
  DataType element = first->element;
  if (IsPairEnd(node, "QuantizeLinear") || IsPairEnd(node, "DequantizeLinear")) {
    // Attributes that say another type are newer than what is written here.
    if (node.GetInt("output_dtype", 0) != 0) return std::nullopt;
    const bool to_codes = node.op_type == "QuantizeLinear";
    const std::string& says = node.input(to_codes ? 2 : 1);
    const ValueType* as = says.empty() ? nullptr : type_of(says);
    if (as == nullptr && !(to_codes && says.empty())) return std::nullopt;
    // Without a zero point codes are uint8 (ONNX).
    element = as == nullptr ? DataType::kUint8 : as->element;
  } else if (shape != Shape::kOfFirst) {
    const ValueType* second = type_of(node.input(1));
    const std::optional<Dims> others = DimsOf(second);
    if (!others || second->element != first->element) return std::nullopt;
    dims = Combined(shape, node, *dims, *others);
    if (!dims) return std::nullopt;
  }
  return ValueType{element, std::move(dims), {}};
}

}  // namespace qconvert
