#include "qconvert/transform/infer_symbolic_shapes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "operator_shapes.h"
#include "qconvert/base/checked.h"
#include "qconvert/ir/one_of.h"
#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

constexpr int64_t kLongestVector = 64;  // of shape arithmetic
constexpr size_t kLeastRankOfMaps = 4;

class ShapeInferrer {
 public:
  explicit ShapeInferrer(Graph& graph)
      : graph_(graph), scope_(graph), topology_(graph), names_(graph) {}

  size_t Run() {
    size_t improved = 0;
    const KnownSizes known = {
        [this](const std::string& value) { return ShapeOf(value); },
        [this](const std::string& value) { return ElementsOf(value); },
        [this](const std::string& value) { return graph_.FindInitializer(value); }};
    for (const Node& node : graph_.nodes) {
      if (node.outputs.empty() || node.outputs[0].empty()) continue;
      if (const auto elements = Compute(node))
        if (!elements->empty()) elements_[node.outputs[0]] = *elements;
      const auto shapes = ShapesOfOutputs(node, known, names_);
      for (size_t o = 0; o < std::min(shapes.size(), node.outputs.size()); ++o)
        if (shapes[o]) improved += Refine(node.outputs[o], *shapes[o]) ? 1 : 0;
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
  std::optional<Lengths> Compute(const Node& node) {
    if (node.Is("Shape")) return ComputeShape(node);
    if (node.Is("ConstantOfShape")) return ComputeConstant(node);
    if (node.Is("Concat")) return ComputeConcat(node);
    if (node.Is("Gather")) return ComputeGather(node);
    if (node.Is("Slice")) return ComputeSlice(node);
    static constexpr std::array<std::string_view, 6> kElementwise = {"Where", "Equal", "Mul",
                                                                     "Add",   "Sub",   "Div"};
    if (IsOneOf(node, kElementwise)) return ComputeElementwise(node);
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

  std::optional<Lengths> ComputeSlice(const Node& node) const {
    const auto from = ElementsOf(node.inputs[0]);
    const auto starts = ConstantsOf(node.input(1));
    const auto ends = ConstantsOf(node.input(2));
    const auto steps = ConstantsOf(node.input(4));
    const std::vector<int64_t> one = {1};
    // Steps that are computed are no constants, and not left out.
    if (!from || !starts || !ends || starts->size() != 1 || ends->size() != 1 ||
        (!node.input(4).empty() && steps != one))
      return std::nullopt;
    const auto size = static_cast<int64_t>(from->size());
    const auto clamp = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
    };
    const int64_t start = clamp((*starts)[0]);
    return Lengths(from->begin() + start, from->begin() + std::max(clamp((*ends)[0]), start));
  }

  std::optional<Lengths> ComputeElementwise(const Node& node) {
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

  Length ComputeElement(const Node& node, const std::vector<Length>& row) {
    if (node.Is("Where")) return row[0].number ? row[*row[0].number != 0 ? 1 : 2] : Length{};
    if (node.Is("Mul")) return names_.Multiply(row[0], row[1]);
    if (node.Is("Add")) return names_.Add(row[0], row[1]);
    if (node.Is("Sub")) {
      const auto negative = row[1].number ? CheckedMul(*row[1].number, -1) : std::nullopt;
      return negative ? names_.Add(row[0], *negative) : Length{};
    }
    // Quotients of integers are cut off, which is rounded down for what is not negative.
    if (node.Is("Div"))
      return row[1].number && names_.IsNatural(row[0]) ? names_.Divide(row[0], *row[1].number)
                                                       : Length{};
    if (row[0].number && row[1].number) return Exactly(*row[0].number == *row[1].number ? 1 : 0);
    // A dimension is no negative number: "-1 means as it is" of exporters.
    const Length& other = row[0].number ? row[1] : row[0];
    const int64_t number = row[0].number.value_or(row[1].number.value_or(0));
    return number < 0 && !other.symbol.empty() ? Exactly(0) : Length{};
  }

  // No fusion of an engine goes by the sizes of feature maps, and their names would take more of a
  // small file than its codes save.
  bool IsWorthSaying(const Length& length, size_t rank) const {
    return rank < kLeastRankOfMaps || length.number || !names_.IsFormula(length.symbol);
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
      } else if (shape[d].is_exact() && shape[d].number.value_or(0) >= 0 &&
                 IsWorthSaying(shape[d], dims.size())) {
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
  SizeNames names_;
};

}  // namespace

size_t InferSymbolicShapes(Graph& graph) { return ShapeInferrer(graph).Run(); }

}  // namespace qconvert
