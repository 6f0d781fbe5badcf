#include "qconvert/transform/replace_einsum.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "matcher.h"

namespace qconvert {
namespace {

using Shape = std::vector<Dim>;

// One character for each axis. Axes behind dots are digits, '0' the last of them: they are aligned
// at the end.
struct Equation {
  std::array<std::string, 2> operands;
  std::string result;
};

bool Has(const std::string& axes, char axis) { return axes.find(axis) != std::string::npos; }

bool AreUnique(std::string axes) {
  std::sort(axes.begin(), axes.end());
  return std::adjacent_find(axes.begin(), axes.end()) == axes.end();
}

bool AreSame(std::string a, std::string b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

// "b...j" with `dots` axes behind the dots; nothing where it is no term.
std::optional<std::string> Expand(std::string term, size_t dots) {
  if (const size_t at = term.find("..."); at != std::string::npos) {
    std::string digits;
    for (size_t d = dots; d > 0; --d) digits += static_cast<char>('0' + d - 1);
    term.replace(at, 3, digits);
  }
  const bool is_term =
      std::all_of(term.begin(), term.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  return is_term ? std::optional(term) : std::nullopt;
}

// The number of axes behind the dots; nothing where an operand of `rank` axes does not fit.
std::optional<size_t> CountDots(const std::string& term, size_t rank) {
  constexpr size_t kMostDots = 10;
  if (!Has(term, '.')) return term.size() == rank ? std::optional<size_t>(0) : std::nullopt;
  const size_t letters = std::max<size_t>(term.size(), 3) - 3;
  if (letters > rank || rank - letters > kMostDots) return std::nullopt;
  return rank - letters;
}

// Without an arrow: what is behind dots, then the letters that come once, sorted.
std::string ImplicitResult(const std::string& terms) {
  std::string letters;
  for (const char c : terms)
    if (std::isalpha(static_cast<unsigned char>(c)) != 0 &&
        std::count(terms.begin(), terms.end(), c) == 1)
      letters += c;
  std::sort(letters.begin(), letters.end());
  return (Has(terms, '.') ? "..." : "") + letters;
}

// Of two operands of these ranks, with no axis twice in one of them.
std::optional<Equation> ReadEquation(std::string text, const std::array<size_t, 2>& ranks) {
  std::erase(text, ' ');
  const size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  const size_t comma = left.find(',');
  // Digits are axes behind dots here.
  if (comma == std::string::npos ||
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; }))
    return std::nullopt;
  const std::array<std::string, 2> terms = {left.substr(0, comma), left.substr(comma + 1)};
  Equation equation;
  size_t most_dots = 0;
  for (const size_t i : {0, 1}) {
    const auto dots = CountDots(terms[i], ranks[i]);
    const auto axes = dots ? Expand(terms[i], *dots) : std::nullopt;
    if (!axes || !AreUnique(*axes)) return std::nullopt;
    most_dots = std::max(most_dots, *dots);
    equation.operands[i] = *axes;
  }
  const std::string result =
      arrow == std::string::npos ? ImplicitResult(left) : text.substr(arrow + 2);
  const auto axes = Expand(result, most_dots);
  if (!axes || !AreUnique(*axes)) return std::nullopt;
  equation.result = *axes;
  return equation;
}

// a [batch, m, k] times b [batch, k, n]; the batch of one may lack axes in front.
bool IsMatMul(const std::string& a, const std::string& b, const std::string& result) {
  if (a.size() < 2 || b.size() < 2 || a.back() != b[b.size() - 2]) return false;
  const std::string of_a = a.substr(0, a.size() - 2);
  const std::string of_b = b.substr(0, b.size() - 2);
  const std::string& batch = of_a.size() >= of_b.size() ? of_a : of_b;
  return batch.ends_with(of_a) && batch.ends_with(of_b) &&
         result == batch + a[a.size() - 2] + b.back();
}

// How a constant has to stand for that beside `other`, which is first or second; empty where it
// cannot be.
std::string ConstantAxes(const std::string& other, bool is_first, size_t rank,
                         const std::string& result) {
  if (rank < 2 || other.size() < rank || result.size() < 2) return "";
  const std::string batch = other.substr(other.size() - rank, rank - 2);
  return is_first ? batch + other.back() + result.back()
                  : batch + result[result.size() - 2] + other[other.size() - 2];
}

// x [outer, summed] times a constant of the axes `summed` and `made`, which several axes may be.
struct GroupedProduct {
  std::string outer;
  std::string summed;  // as x has them
  std::string made;    // as the result has them
};

std::optional<GroupedProduct> FindGroups(const std::string& x, const std::string& constant,
                                         const std::string& result) {
  GroupedProduct groups;
  for (const char axis : x) {
    if (Has(constant, axis)) {
      groups.summed += axis;
    } else {
      groups.outer += axis;
    }
  }
  for (const char axis : result)
    if (!Has(x, axis)) groups.made += axis;
  const bool fits = !groups.outer.empty() && !groups.summed.empty() && !groups.made.empty() &&
                    x == groups.outer + groups.summed && result == groups.outer + groups.made &&
                    AreSame(constant, groups.summed + groups.made);
  return fits ? std::optional(groups) : std::nullopt;
}

class EinsumReplacer {
 public:
  explicit EinsumReplacer(Graph& graph) : graph_(graph), matcher_(graph), writer_(graph) {}

  size_t Run() {
    size_t replaced = 0;
    for (Node& node : graph_.nodes)
      if (node.Is("Einsum") && Replace(node)) ++replaced;
    if (replaced > 0) writer_.Finish();
    return replaced;
  }

 private:
  bool Replace(Node& node) {
    if (node.inputs.size() != 2 || !matcher_.IsFloat(node.outputs[0])) return false;
    std::array<Shape, 2> shapes;
    for (const size_t i : {0, 1}) {
      const auto shape = matcher_.Shape(node.inputs[i]);
      if (!shape) return false;
      shapes[i] = *shape;
    }
    const auto equation =
        ReadEquation(node.GetString("equation", ""), {shapes[0].size(), shapes[1].size()});
    if (!equation || !AreSharedAxesEqual(*equation, shapes)) return false;
    return ReplaceByProduct(node, *equation, shapes, 0) ||
           ReplaceByProduct(node, *equation, shapes, 1) ||
           ReplaceByGroups(node, *equation, shapes, 0) ||
           ReplaceByGroups(node, *equation, shapes, 1);
  }

  // Einsum broadcasts an axis of 1 wherever it stands, MatMul those of the batch alone.
  static bool AreSharedAxesEqual(const Equation& equation, const std::array<Shape, 2>& shapes) {
    const auto& [a, b] = equation.operands;
    for (size_t i = 0; i < a.size(); ++i) {
      const size_t j = b.find(a[i]);
      if (j == std::string::npos) continue;
      const Dim& dim = shapes[0][i];
      if (!Has(equation.result, a[i]) && !(dim.is_said() && dim == shapes[1][j])) return false;
    }
    return true;
  }

  bool IsConstant(const std::string& value) const {
    return graph_.FindInitializer(value) != nullptr;
  }

  // MatMul with operand `first` in front.
  bool ReplaceByProduct(Node& node, const Equation& equation, const std::array<Shape, 2>& shapes,
                        size_t first) {
    std::array<std::string, 2> axes = {equation.operands[first], equation.operands[1 - first]};
    std::array<std::string, 2> values = {node.inputs[first], node.inputs[1 - first]};
    for (const size_t i : {0, 1}) {
      if (!IsConstant(values[i])) continue;
      std::string wanted = ConstantAxes(axes[1 - i], i == 1, axes[i].size(), equation.result);
      if (AreSame(wanted, axes[i])) axes[i] = std::move(wanted);
    }
    if (!IsMatMul(axes[0], axes[1], equation.result)) return false;
    for (const size_t i : {0, 1}) {
      const size_t operand = i == 0 ? first : 1 - first;
      const std::string& own = equation.operands[operand];
      if (axes[i] == own) continue;
      if (matcher_.Uses(values[i]) != 1) return false;
      values[i] = Transposed(node, values[i], shapes[operand], own, axes[i]);
    }
    writer_.Become(node, "MatMul", {values[0], values[1]});
    return true;
  }

  // MatMul with the axes that are summed over as one, and so those that the constant adds.
  bool ReplaceByGroups(Node& node, const Equation& equation, const std::array<Shape, 2>& shapes,
                       size_t constant) {
    const size_t other = 1 - constant;
    const std::string weight = node.inputs[constant];
    const std::string& own = equation.operands[constant];
    if (!IsConstant(weight) || matcher_.Uses(weight) != 1) return false;
    const auto groups = FindGroups(equation.operands[other], own, equation.result);
    const Shape& shape = shapes[constant];
    if (!groups ||
        std::any_of(shape.begin(), shape.end(), [](const Dim& d) { return d.value < 1; }))
      return false;
    const auto count = [&](const std::string& of) {
      int64_t product = 1;
      for (const char axis : of) product *= shape[own.find(axis)].value;
      return product;
    };
    const Dim summed{count(groups->summed), {}};
    const Dim made{count(groups->made), {}};
    const std::string matrix =
        Reshaped(node, Transposed(node, weight, shape, own, groups->summed + groups->made),
                 {summed.value, made.value}, {summed, made});
    Shape flat(shapes[other].begin(),
               shapes[other].begin() + static_cast<ptrdiff_t>(groups->outer.size()));
    // 0: as the input.
    std::vector<int64_t> target(groups->outer.size(), 0);
    target.push_back(summed.value);
    flat.push_back(summed);
    const std::string x = groups->summed.size() == 1
                              ? node.inputs[other]
                              : Reshaped(node, node.inputs[other], target, flat);
    if (groups->made.size() == 1) {
      writer_.Become(node, "MatMul", {x, matrix});
      return true;
    }
    const std::string product = writer_.Add(node, node.outputs[0], "MatMul", {x, matrix});
    flat.back() = made;
    writer_.SetType(product, {DataType::kFloat, flat, {}});
    target.pop_back();
    for (const char axis : groups->made) target.push_back(shape[own.find(axis)].value);
    writer_.Become(node, "Reshape", {product, writer_.Constant(MakeInt64List(target))});
    return true;
  }

  std::string Reshaped(const Node& node, const std::string& value,
                       const std::vector<int64_t>& target, Shape shape) {
    std::string out =
        writer_.Add(node, value, "Reshape", {value, writer_.Constant(MakeInt64List(target))});
    writer_.SetType(out, {DataType::kFloat, std::move(shape), {}});
    return out;
  }

  // `value` of the axes `from` with them in the order of `to`.
  std::string Transposed(const Node& node, const std::string& value, const Shape& from_shape,
                         const std::string& from, const std::string& to) {
    if (from == to) return value;
    std::vector<int64_t> perm;
    Shape shape;
    for (const char axis : to) {
      perm.push_back(static_cast<int64_t>(from.find(axis)));
      shape.push_back(from_shape[from.find(axis)]);
    }
    std::string out = writer_.Add(node, value, "Transpose", {value});
    writer_.Last().Set("perm", std::move(perm));
    writer_.SetType(out, {DataType::kFloat, std::move(shape), {}});
    return out;
  }

  Graph& graph_;
  const Matcher matcher_;
  UnitWriter writer_;
};

}  // namespace

size_t ReplaceEinsum(Graph& graph) { return EinsumReplacer(graph).Run(); }

}  // namespace qconvert
