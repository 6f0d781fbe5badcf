#include "qconvert/transform/infer_symbolic_shapes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qconvert/base/checked.h"
#include "qconvert/ir/one_of.h"
#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

constexpr int64_t kLongestVector = 64;  // of shape arithmetic

// A number, a symbol, or unknown.
struct Length {
  std::optional<int64_t> number;
  std::string symbol;
  bool at_most = false;  // the symbol or less: min(512, S)

  bool is_exact() const { return number.has_value() || (!symbol.empty() && !at_most); }
  bool operator==(const Length&) const = default;
};
using Lengths = std::vector<Length>;

Length Exactly(int64_t number) { return {number, {}, false}; }

Lengths LengthsOf(const std::vector<Dim>& dims) {
  Lengths out;
  for (const Dim& dim : dims)
    out.push_back(dim.known() ? Exactly(dim.value) : Length{{}, dim.symbol, false});
  return out;
}

// What two dimensions become side by side, in every run that the operator accepts: min(512, S) and
// S are equal, or the first is one because S is.
Length Broadcast(const Length& a, const Length& b) {
  if (a == b || b.number == 1) return a;
  if (a.number == 1) return b;
  // What every run that succeeds has. Of 0 and a symbol nothing is said.
  if (a.number && *a.number > 1) return a;
  if (b.number && *b.number > 1) return b;
  const bool same_symbol = !a.symbol.empty() && a.symbol == b.symbol;
  return same_symbol ? (a.at_most ? b : a) : Length{};
}

bool IsElementwise(const Node& node) {
  static constexpr std::array<std::string_view, 12> kTypes = {
      "Add", "Sub", "Mul", "Div", "Pow", "Where", "Min", "Max", "And", "Or", "Equal", "PRelu"};
  return IsOneOf(node, kTypes);
}

// Output 0 has the shape of input 0.
bool KeepsShape(const Node& node) {
  static constexpr std::array<std::string_view, 32> kTypes = {"Abs",
                                                              "LayerNormalization",
                                                              "Cast",
                                                              "Ceil",
                                                              "Clip",
                                                              "Elu",
                                                              "Erf",
                                                              "Exp",
                                                              "Floor",
                                                              "Gelu",
                                                              "Identity",
                                                              "HardSwish",
                                                              "HardSigmoid",
                                                              "Log",
                                                              "Neg",
                                                              "LeakyRelu",
                                                              "LogSoftmax",
                                                              "Not",
                                                              "Mish",
                                                              "Reciprocal",
                                                              "Relu",
                                                              "Round",
                                                              "Sigmoid",
                                                              "Softmax",
                                                              "Softplus",
                                                              "Sqrt",
                                                              "Tanh",
                                                              "Dropout",
                                                              "Softsign",
                                                              "QuantizeLinear",
                                                              "DequantizeLinear",
                                                              "DynamicQuantizeLinear"};
  return IsOneOf(node, kTypes);
}

class ShapeInferrer {
 public:
  explicit ShapeInferrer(Graph& graph) : graph_(graph), scope_(graph), topology_(graph) {}

  size_t Run() {
    size_t improved = 0;
    for (const Node& node : graph_.nodes) {
      if (node.outputs.empty() || node.outputs[0].empty()) continue;
      if (const auto elements = Compute(node))
        if (!elements->empty()) elements_[node.outputs[0]] = *elements;
      if (const auto shape = Shape(node)) improved += Refine(node.outputs[0], *shape) ? 1 : 0;
    }
    return improved;
  }

 private:
  std::optional<Lengths> ShapeOf(const std::string& value) const {
    const auto it = shapes_.find(value);
    if (it != shapes_.end()) return it->second;
    const std::optional<ValueType> type = scope_.FindType(value);
    if (!type || !type->is_tensor() || !type->shape) return std::nullopt;
    return LengthsOf(*type->shape);
  }

  // The numbers in a small integer vector or scalar.
  std::optional<Lengths> ElementsOf(const std::string& value) const {
    const auto it = elements_.find(value);
    if (it != elements_.end()) return it->second;
    const auto numbers = ConstantsOf(value);
    if (!numbers) return std::nullopt;
    Lengths out;
    for (const int64_t number : *numbers) out.push_back(Exactly(number));
    return out;
  }

  std::optional<std::vector<int64_t>> ConstantsOf(const std::string& value) const {
    const Tensor* tensor = graph_.FindInitializer(value);
    if (tensor == nullptr || tensor->type != DataType::kInt64 || tensor->dims.size() > 1 ||
        tensor->element_count() > kLongestVector)
      return std::nullopt;
    return ToInt64s(*tensor);
  }

  // Shape arithmetic.
  std::optional<Lengths> Compute(const Node& node) const {
    if (node.Is("Shape")) return ComputeShape(node);
    if (node.Is("ConstantOfShape")) return ComputeConstant(node);
    if (node.Is("Concat")) return ComputeConcat(node);
    if (node.Is("Gather")) return ComputeGather(node);
    if (node.Is("Where") || node.Is("Equal") || node.Is("Mul")) return ComputeElementwise(node);
    // Of vectors and scalars these change the rank alone, which is not kept here.
    const bool same = node.Is("Unsqueeze") || node.Is("Squeeze") || node.Is("Identity") ||
                      node.Is("Cast") || node.Is("Reshape");
    const auto type = scope_.FindType(node.outputs[0]);
    // In floats what is followed here as exact would be rounded.
    if (!same || !type || type->element != DataType::kInt64 || !type->shape ||
        type->shape->size() > 1)
      return std::nullopt;
    return ElementsOf(node.inputs[0]);
  }

  std::optional<Lengths> ComputeShape(const Node& node) const {
    const auto shape = ShapeOf(node.inputs[0]);
    if (!shape) return std::nullopt;
    const auto rank = static_cast<int64_t>(shape->size());
    const auto clamp = [&](int64_t axis) {
      return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
    };
    const int64_t start = clamp(node.GetInt("start", 0));
    const int64_t end = std::max(clamp(node.GetInt("end", rank)), start);
    return Lengths(shape->begin() + start, shape->begin() + end);
  }

  std::optional<Lengths> ComputeConstant(const Node& node) const {
    const auto count = ElementsOf(node.inputs[0]);
    const auto attribute = node.attributes.find("value");
    const auto* fill =
        attribute == node.attributes.end() ? nullptr : std::get_if<Tensor>(&attribute->second.data);
    // Without a value the node fills with float zeros, which are no shape.
    if (!count || count->size() != 1 || !(*count)[0].number || *(*count)[0].number < 0 ||
        *(*count)[0].number > kLongestVector || fill == nullptr || fill->type != DataType::kInt64 ||
        fill->element_count() != 1)
      return std::nullopt;
    return Lengths(static_cast<size_t>(*(*count)[0].number), Exactly(ToInt64s(*fill)[0]));
  }

  std::optional<Lengths> ComputeConcat(const Node& node) const {
    Lengths out;
    for (const std::string& input : node.inputs) {
      const auto part = ElementsOf(input);
      if (!part) return std::nullopt;
      out.insert(out.end(), part->begin(), part->end());
    }
    return static_cast<int64_t>(out.size()) <= kLongestVector ? std::optional(out) : std::nullopt;
  }

  std::optional<Lengths> ComputeGather(const Node& node) const {
    const auto from = ElementsOf(node.inputs[0]);
    const auto indices = ConstantsOf(node.inputs[1]);
    if (!from || !indices || node.GetInt("axis", 0) != 0) return std::nullopt;
    const auto size = static_cast<int64_t>(from->size());
    Lengths out;
    for (int64_t index : *indices) {
      index += index < 0 ? size : 0;
      if (index < 0 || index >= size) return std::nullopt;
      out.push_back((*from)[static_cast<size_t>(index)]);
    }
    return out;
  }

  std::optional<Lengths> ComputeElementwise(const Node& node) const {
    std::vector<Lengths> inputs;
    size_t size = 1;
    for (const std::string& input : node.inputs) {
      auto elements = ElementsOf(input);
      if (!elements || elements->empty()) return std::nullopt;
      size = std::max(size, elements->size());
      inputs.push_back(*std::move(elements));
    }
    Lengths out;
    for (size_t i = 0; i < size; ++i) {
      std::vector<Length> row;
      for (const Lengths& input : inputs) {
        if (input.size() != 1 && input.size() != size) return std::nullopt;
        row.push_back(input[input.size() == 1 ? 0 : i]);
      }
      out.push_back(ComputeElement(node, row));
    }
    return out;
  }

  static Length ComputeElement(const Node& node, const std::vector<Length>& row) {
    if (node.Is("Where")) return row[0].number ? row[*row[0].number != 0 ? 1 : 2] : Length{};
    if (node.Is("Mul")) {
      const auto product = row[0].number && row[1].number
                               ? CheckedMul(*row[0].number, *row[1].number)
                               : std::nullopt;
      return product ? Exactly(*product) : Length{};
    }
    if (row[0].number && row[1].number) return Exactly(*row[0].number == *row[1].number ? 1 : 0);
    // A dimension is no negative number: "-1 means as it is" of exporters.
    const Length& other = row[0].number ? row[1] : row[0];
    const int64_t number = row[0].number.value_or(row[1].number.value_or(0));
    return number < 0 && !other.symbol.empty() ? Exactly(0) : Length{};
  }

  // The shape of output 0 by those of the inputs.
  std::optional<Lengths> Shape(const Node& node) const {
    if (KeepsShape(node)) return ShapeOf(node.inputs[0]);
    if (IsElementwise(node)) return ShapeOfBroadcast(node);
    if (node.Is("Gather")) return ShapeOfGather(node);
    if (node.Is("MatMul") || node.Is("MatMulInteger")) return ShapeOfProduct(node);
    if (node.Is("Slice")) return ShapeOfSlice(node);
    if (node.Is("Reshape")) return ShapeOfReshape(node);
    if (node.Is("Expand")) {
      const auto shape = ShapeOf(node.inputs[0]);
      const auto to = ElementsOf(node.inputs[1]);
      return shape && to ? std::optional(BroadcastAll({*shape, *to})) : std::nullopt;
    }
    if (!node.Is("Transpose")) return std::nullopt;
    const auto shape = ShapeOf(node.inputs[0]);
    const auto* perm = node.FindInts("perm");
    if (!shape || perm == nullptr || perm->size() != shape->size()) return std::nullopt;
    Lengths out;
    for (const int64_t axis : *perm) out.push_back(shape->at(static_cast<size_t>(axis)));
    return out;
  }

  static Lengths BroadcastAll(const std::vector<Lengths>& shapes) {
    size_t rank = 0;
    for (const Lengths& shape : shapes) rank = std::max(rank, shape.size());
    Lengths out(rank, Exactly(1));
    for (const Lengths& shape : shapes) {
      const size_t offset = rank - shape.size();
      for (size_t d = 0; d < shape.size(); ++d)
        out[offset + d] = Broadcast(out[offset + d], shape[d]);
    }
    return out;
  }

  std::optional<Lengths> ShapeOfBroadcast(const Node& node) const {
    std::vector<Lengths> shapes;
    for (const std::string& input : node.inputs) {
      const auto shape = ShapeOf(input);
      if (!shape) return std::nullopt;
      shapes.push_back(*shape);
    }
    return BroadcastAll(shapes);
  }

  std::optional<Lengths> ShapeOfGather(const Node& node) const {
    const auto table = ShapeOf(node.inputs[0]);
    const auto indices = ShapeOf(node.inputs[1]);
    if (!table || !indices) return std::nullopt;
    const auto rank = static_cast<int64_t>(table->size());
    int64_t axis = node.GetInt("axis", 0);
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank) return std::nullopt;
    Lengths out(table->begin(), table->begin() + axis);
    out.insert(out.end(), indices->begin(), indices->end());
    out.insert(out.end(), table->begin() + axis + 1, table->end());
    return out;
  }

  std::optional<Lengths> ShapeOfProduct(const Node& node) const {
    const auto a = ShapeOf(node.inputs[0]);
    const auto b = ShapeOf(node.inputs[1]);
    // A vector loses its axis in the product and is not followed.
    if (!a || !b || a->size() < 2 || b->size() < 2) return std::nullopt;
    Lengths out = BroadcastAll({{a->begin(), a->end() - 2}, {b->begin(), b->end() - 2}});
    out.push_back((*a)[a->size() - 2]);
    out.push_back(b->back());
    return out;
  }

  // From 0 to a computed end along one axis.
  std::optional<Lengths> ShapeOfSlice(const Node& node) const {
    if (node.inputs.size() < 4 || node.inputs[3].empty()) return std::nullopt;
    auto shape = ShapeOf(node.inputs[0]);
    const auto starts = ConstantsOf(node.inputs[1]);
    const auto ends = ElementsOf(node.inputs[2]);
    const auto axes = ConstantsOf(node.inputs[3]);
    const auto steps = node.input(4).empty() ? std::optional(std::vector<int64_t>{1})
                                             : ConstantsOf(node.inputs[4]);
    const std::vector<int64_t> zero = {0};
    const std::vector<int64_t> one = {1};
    if (!shape || starts != zero || !ends || ends->size() != 1 || !axes || axes->size() != 1 ||
        steps != one)
      return std::nullopt;
    const auto rank = static_cast<int64_t>(shape->size());
    const int64_t axis = (*axes)[0] + ((*axes)[0] < 0 ? rank : 0);
    if (axis < 0 || axis >= rank) return std::nullopt;
    const Length& end = (*ends)[0];
    Length& length = (*shape)[static_cast<size_t>(axis)];
    if (!(length == end)) {
      // An empty axis would be no row at all, and broadcasts otherwise than one of min(512, S).
      const bool has_rows = length.number.value_or(0) > 0;
      length = has_rows ? Length{{}, end.symbol, true} : Length{};
    }
    return shape;
  }

  std::optional<Lengths> ShapeOfReshape(const Node& node) const {
    const auto to = ElementsOf(node.inputs[1]);
    const auto from = ShapeOf(node.inputs[0]);
    if (!to || node.GetInt("allowzero", 0) != 0) return std::nullopt;
    Lengths out;
    for (size_t d = 0; d < to->size(); ++d) {
      const Length& length = (*to)[d];
      if (length.number == 0)
        out.push_back(from && d < from->size() ? (*from)[d] : Length{});
      else if (length.number && *length.number < 0)
        out.push_back({});
      else
        out.push_back(length);
    }
    return out;
  }

  // Completes the type of a value; true when the file will say more of it than before.
  bool Refine(const std::string& value, Lengths shape) {
    const auto it = graph_.value_info.find(value);
    if (it == graph_.value_info.end() || !it->second.type.is_tensor()) return false;
    std::optional<std::vector<Dim>>& known = it->second.type.shape;
    if (shape.empty() || (known && known->size() != shape.size())) return false;
    std::vector<Dim> dims = known.value_or(std::vector<Dim>(shape.size()));
    for (size_t d = 0; d < dims.size(); ++d) {
      // What the engine says stays; only what it leaves open is filled in.
      if (dims[d].is_said()) {
        shape[d] = LengthsOf({dims[d]})[0];
      } else if (shape[d].is_exact() && shape[d].number.value_or(0) >= 0) {
        dims[d] = {shape[d].number.value_or(-1), shape[d].symbol};
      }
    }
    shapes_[value] = std::move(shape);
    if (known == dims) return false;
    known = std::move(dims);
    // Declared, so that the file says it: types that are inferred again would not.
    if (!topology_.IsGraphOutput(value)) graph_.declared.insert(value);
    return true;
  }

  Graph& graph_;
  const Scope scope_;
  const Topology topology_;
  std::unordered_map<std::string, Lengths> shapes_;
  std::unordered_map<std::string, Lengths> elements_;
};

}  // namespace

size_t InferSymbolicShapes(Graph& graph) { return ShapeInferrer(graph).Run(); }

}  // namespace qconvert
