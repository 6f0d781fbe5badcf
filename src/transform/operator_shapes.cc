#include "operator_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "qconvert/base/checked.h"
#include "qconvert/ir/one_of.h"
#include "reshape_shapes.h"
#include "window_shapes.h"

namespace qconvert {
namespace {

// Output 0 has the shape of input 0.
bool KeepsShape(const Node& node) {
  static constexpr std::array kTypes = std::to_array<std::string_view>({"Abs",
                                                                        "BatchNormalization",
                                                                        "Cast",
                                                                        "Ceil",
                                                                        "Celu",
                                                                        "Clip",
                                                                        "Cos",
                                                                        "CumSum",
                                                                        "DequantizeLinear",
                                                                        "Dropout",
                                                                        "DynamicQuantizeLinear",
                                                                        "Elu",
                                                                        "Erf",
                                                                        "Exp",
                                                                        "Floor",
                                                                        "Gelu",
                                                                        "GroupNormalization",
                                                                        "HardSigmoid",
                                                                        "HardSwish",
                                                                        "Hardmax",
                                                                        "Identity",
                                                                        "InstanceNormalization",
                                                                        "IsNaN",
                                                                        "LRN",
                                                                        "LayerNormalization",
                                                                        "LeakyRelu",
                                                                        "Log",
                                                                        "LogSoftmax",
                                                                        "LpNormalization",
                                                                        "Mish",
                                                                        "Neg",
                                                                        "Not",
                                                                        "QuantizeLinear",
                                                                        "Reciprocal",
                                                                        "Relu",
                                                                        "Round",
                                                                        "ScatterElements",
                                                                        "ScatterND",
                                                                        "Selu",
                                                                        "Sigmoid",
                                                                        "Sign",
                                                                        "Sin",
                                                                        "Softmax",
                                                                        "Softplus",
                                                                        "Softsign",
                                                                        "Sqrt",
                                                                        "Tanh",
                                                                        "ThresholdedRelu",
                                                                        "Trilu"});
  return IsOneOf(node, kTypes);
}

bool IsElementwise(const Node& node) {
  static constexpr std::array kTypes = std::to_array<std::string_view>(
      {"Add", "Sub", "Mul", "Div", "Pow", "Where", "Min", "Max", "Sum", "Mod", "And", "Or", "Xor",
       "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "PRelu"});
  return IsOneOf(node, kTypes);
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

Lengths BroadcastAll(const std::vector<Lengths>& shapes) {
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

class OperatorShapes : NodeSizes {
 public:
  using NodeSizes::NodeSizes;

  Shapes Find() const {
    if (!node_.domain.empty()) return {};
    if (KeepsShape(node_)) return {ShapeOf(0)};
    if (OnlyReshapes(node_)) return ShapesOfReshapes(node_, known_, names_);
    if (IsElementwise(node_)) return {OfBroadcast()};
    if (node_.op_type.starts_with("Reduce")) return {OfReduction(Axes(1), 1)};
    using Rule = Shapes (OperatorShapes::*)() const;
    static const std::unordered_map<std::string_view, Rule> kRules = {
        {"ArgMax", &OperatorShapes::OfArgument}, {"ArgMin", &OperatorShapes::OfArgument},
        {"Concat", &OperatorShapes::OfConcat},   {"ConstantOfShape", &OperatorShapes::OfNamedShape},
        {"Expand", &OperatorShapes::OfExpand},   {"GRU", &OperatorShapes::OfRecurrence},
        {"Gather", &OperatorShapes::OfGather},   {"GatherElements", &OperatorShapes::OfSecond},
        {"Gemm", &OperatorShapes::OfGemm},       {"LSTM", &OperatorShapes::OfRecurrence},
        {"MatMul", &OperatorShapes::OfProduct},  {"MatMulInteger", &OperatorShapes::OfProduct},
        {"Pad", &OperatorShapes::OfPad},         {"RNN", &OperatorShapes::OfRecurrence},
        {"Range", &OperatorShapes::OfVector},    {"Shape", &OperatorShapes::OfShape},
        {"Slice", &OperatorShapes::OfSlice},     {"Split", &OperatorShapes::OfSplit},
        {"Tile", &OperatorShapes::OfTile},       {"Transpose", &OperatorShapes::OfTranspose},
    };
    const auto rule = kRules.find(node_.op_type);
    return rule == kRules.end() ? ShapesOfWindows(node_, known_, names_) : (this->*rule->second)();
  }

 private:
  Shape OfBroadcast() const {
    std::vector<Lengths> shapes;
    for (size_t i = 0; i < node_.inputs.size(); ++i) {
      const Shape shape = ShapeOf(i);
      if (!shape) return std::nullopt;
      shapes.push_back(*shape);
    }
    return BroadcastAll(shapes);
  }

  Shape OfReduction(const Numbers& axes, int64_t keeps_by_itself) const {
    const Shape shape = ShapeOf(0);
    if (!shape || !axes) return std::nullopt;
    if (axes->empty() && node_.GetInt("noop_with_empty_axes", 0) != 0) return shape;
    std::vector<bool> reduced(shape->size(), axes->empty());
    for (const int64_t one : *axes) {
      const auto axis = AxisOf(one, shape->size());
      if (!axis) return std::nullopt;
      reduced[*axis] = true;
    }
    const bool keeps = node_.GetInt("keepdims", keeps_by_itself) != 0;
    Lengths out;
    for (size_t d = 0; d < shape->size(); ++d) {
      if (!reduced[d]) out.push_back((*shape)[d]);
      if (reduced[d] && keeps) out.push_back(Exactly(1));
    }
    return out;
  }

  Shapes OfArgument() const {
    return {OfReduction(std::vector<int64_t>{node_.GetInt("axis", 0)}, 1)};
  }

  // LSTM, GRU and RNN: Y [T, D, N, H], Y_h and Y_c [D, N, H].
  Shapes OfRecurrence() const {
    const Shape x = ShapeOf(0);
    const Shape r = ShapeOf(2);
    if (!x || !r || x->size() != 3 || r->size() != 3 || node_.GetInt("layout", 0) != 0) return {};
    const Lengths state = {(*r)[0], (*x)[1], (*r)[2]};
    return {Lengths{(*x)[0], (*r)[0], (*x)[1], (*r)[2]}, state, state};
  }

  Shapes OfGather() const {
    const Shape table = ShapeOf(0);
    const Shape indices = ShapeOf(1);
    if (!table || !indices) return {};
    const auto axis = AxisOf(node_.GetInt("axis", 0), table->size());
    if (!axis) return {};
    const auto at = table->begin() + static_cast<std::ptrdiff_t>(*axis);
    Lengths out(table->begin(), at);
    out.insert(out.end(), indices->begin(), indices->end());
    out.insert(out.end(), at + 1, table->end());
    return {out};
  }
  Shapes OfSecond() const { return {ShapeOf(1)}; }
  Shapes OfVector() const { return {Lengths(1)}; }

  Shapes OfProduct() const {
    const Shape a = ShapeOf(0);
    const Shape b = ShapeOf(1);
    // A vector loses its axis in the product and is not followed.
    if (!a || !b || a->size() < 2 || b->size() < 2) return {};
    Lengths out = BroadcastAll({{a->begin(), a->end() - 2}, {b->begin(), b->end() - 2}});
    out.push_back((*a)[a->size() - 2]);
    out.push_back(b->back());
    return {out};
  }

  Shapes OfGemm() const {
    const Shape a = ShapeOf(0);
    const Shape b = ShapeOf(1);
    if (!a || !b || a->size() != 2 || b->size() != 2) return {};
    return {Lengths{(*a)[node_.GetInt("transA", 0) != 0 ? 1 : 0],
                    (*b)[node_.GetInt("transB", 0) != 0 ? 0 : 1]}};
  }

  Shapes OfConcat() const {
    Shape out = ShapeOf(0);
    if (!out) return {};
    const auto axis = AxisOf(node_.GetInt("axis", 0), out->size());
    if (!axis) return {};
    for (size_t i = 1; i < node_.inputs.size(); ++i) {
      const Shape part = ShapeOf(i);
      if (!part || part->size() != out->size()) return {Lengths(out->size())};
      for (size_t d = 0; d < out->size(); ++d) {
        Length& length = (*out)[d];
        if (d == *axis)
          length = names_.Add(length, (*part)[d]);
        else if (!length.is_exact() || (*part)[d].number)
          length = (*part)[d];  // all have the same
      }
    }
    return {out};
  }

  Shapes OfSplit() const {
    const Shape shape = ShapeOf(0);
    if (!shape) return {};
    const auto axis = AxisOf(node_.GetInt("axis", 0), shape->size());
    if (!axis) return {};
    const auto* attribute = node_.FindInts("split");
    const Numbers sizes = attribute != nullptr ? Numbers(*attribute) : NumbersOf(1);
    const bool is_said = sizes && sizes->size() == node_.outputs.size();
    const auto count = static_cast<int64_t>(node_.outputs.size());
    const Length& whole = (*shape)[*axis];
    const bool is_even = node_.input(1).empty() && whole.number && *whole.number % count == 0;
    Shapes out;
    for (size_t o = 0; o < node_.outputs.size(); ++o) {
      out.push_back(shape);
      (*out[o])[*axis] = is_said   ? Exactly((*sizes)[o])
                         : is_even ? Exactly(*whole.number / count)
                                   : Length{};
    }
    return out;
  }

  Shapes OfPad() const {
    Shape shape = ShapeOf(0);
    const Numbers pads = NumbersOf(1);
    if (!shape || !node_.input(3).empty()) return {};
    if (!pads || pads->size() != 2 * shape->size()) return {Lengths(shape->size())};
    for (size_t d = 0; d < shape->size(); ++d) {
      const auto sum = CheckedAdd((*pads)[d], (*pads)[d + shape->size()]);
      (*shape)[d] = sum ? names_.Add((*shape)[d], *sum) : Length{};
    }
    return {shape};
  }

  Shapes OfShape() const {
    const Shape shape = ShapeOf(0);
    if (!shape || node_.attributes.contains("start") || node_.attributes.contains("end")) return {};
    return {Lengths{Exactly(static_cast<int64_t>(shape->size()))}};
  }
  Shapes OfNamedShape() const { return {ElementsOf(0)}; }

  Shapes OfExpand() const {
    const Shape shape = ShapeOf(0);
    const Shape to = ElementsOf(1);
    return shape && to ? Shapes{BroadcastAll({*shape, *to})} : Shapes{};
  }

  Shapes OfTile() const {
    Shape shape = ShapeOf(0);
    const Shape repeats = ElementsOf(1);
    if (!shape || !repeats || repeats->size() != shape->size()) return {};
    for (size_t d = 0; d < shape->size(); ++d)
      (*shape)[d] = names_.Multiply((*shape)[d], (*repeats)[d]);
    return {shape};
  }

  Shapes OfTranspose() const {
    const Shape shape = ShapeOf(0);
    const auto* perm = node_.FindInts("perm");
    if (!shape || perm == nullptr || perm->size() != shape->size()) return {};
    Lengths out;
    for (const int64_t axis : *perm) out.push_back(shape->at(static_cast<size_t>(axis)));
    return {out};
  }

  Shapes OfSlice() const {
    const Shape shape = ShapeOf(0);
    const Numbers starts = NumbersOf(1);
    const Shape ends = ElementsOf(2);
    if (!shape) return {};
    Numbers axes = NumbersOf(3);
    Numbers steps = NumbersOf(4);
    if (starts && node_.input(3).empty()) {
      axes.emplace();
      for (size_t k = 0; k < starts->size(); ++k) axes->push_back(static_cast<int64_t>(k));
    }
    if (starts && node_.input(4).empty()) steps.emplace(starts->size(), 1);
    if (!starts || !ends || !axes || !steps || ends->size() != starts->size() ||
        axes->size() != starts->size() || steps->size() != starts->size())
      return {Lengths(shape->size())};
    Lengths out = *shape;
    for (size_t k = 0; k < starts->size(); ++k) {
      const auto axis = AxisOf((*axes)[k], shape->size());
      if (!axis) return {};
      out[*axis] = Cut((*shape)[*axis], (*starts)[k], (*ends)[k], (*steps)[k]);
    }
    return {out};
  }

  // What [start, end) in steps leaves of an axis.
  Length Cut(const Length& size, int64_t start, const Length& end, int64_t step) const {
    const bool to_end = end.number && *end.number >= std::numeric_limits<int32_t>::max();
    if (start == 0 && step == 1 && (to_end || size == end)) return size;
    if (!end.number) {
      // An empty axis would be no row at all, and broadcasts otherwise than one of min(512, S).
      const bool has_rows = start == 0 && step == 1 && size.number.value_or(0) > 0;
      return has_rows ? Length{{}, end.symbol, true} : Length{};
    }
    if (!size.number)
      return names_.Derived(size, fmt::format("slice({},{},{})", start, *end.number, step));
    if (step <= 0 || *size.number < 0) return {};
    const auto clamp = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + *size.number : at, 0, *size.number);
    };
    const int64_t length = std::max<int64_t>(clamp(*end.number) - clamp(start), 0);
    return Exactly(length / step + (length % step != 0 ? 1 : 0));
  }
};

}  // namespace

Shapes ShapesOfOutputs(const Node& node, const KnownSizes& known, SizeNames& names) {
  return OperatorShapes(node, known, names).Find();
}

}  // namespace qconvert
