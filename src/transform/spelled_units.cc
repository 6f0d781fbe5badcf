#include "spelled_units.h"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace qconvert {
namespace {

// s of d / s or d * (1 / s), d being input `i`.
const Node* FindDeviation(const Matcher& matcher, const Node& node, size_t i,
                          std::set<const Node*>& nodes) {
  if (node.Is("Div") && i == 0) return matcher.Root(node.inputs[1]);
  if (!node.Is("Mul")) return nullptr;
  const Node* reciprocal = matcher.Reciprocal(node.inputs[1 - i]);
  if (reciprocal == nullptr) return nullptr;
  nodes.insert(reciprocal);
  return matcher.Root(reciprocal->inputs.back());
}

// x - ReduceMean(x).
bool IsCentered(const Matcher& matcher, const Node* difference) {
  const Node* mean =
      difference == nullptr ? nullptr : matcher.Writer(difference->inputs[1], "ReduceMean");
  return mean != nullptr && mean->inputs[0] == difference->inputs[0];
}

// `value` = `difference` = x - ReduceMean(x), written a second time: exporters do, and the engine
// makes one of both.
bool IsSameDifference(const Matcher& matcher, const Node* difference, const std::string& value,
                      std::set<const Node*>& nodes) {
  const Node* other = matcher.Writer(value, "Sub");
  if (!IsCentered(matcher, difference) || !IsCentered(matcher, other) ||
      other->inputs[0] != difference->inputs[0])
    return false;
  const Node* mean = matcher.Writer(other->inputs[1]);
  const auto axes = matcher.KeptAxes(*mean);
  if (!axes || axes != matcher.KeptAxes(*matcher.Writer(difference->inputs[1]))) return false;
  nodes.insert({other, mean});
  return true;
}

template <typename IsBase>
bool IsSquareOf(const Matcher& matcher, const Node& node, const IsBase& is_base) {
  if (node.inputs.size() != 2 || !is_base(node.inputs[0])) return false;
  if (node.Is("Mul")) return is_base(node.inputs[1]);
  return node.Is("Pow") && matcher.Exponent(node.inputs[1]) == 2.0;
}

std::optional<SpelledNorm> FindAround(const Matcher& matcher, const Node& node, size_t i) {
  SpelledNorm norm;
  norm.difference = node.inputs[i];
  const Node* difference = matcher.Writer(norm.difference, "Sub");
  norm.is_centered = IsCentered(matcher, difference);
  const Node* root = FindDeviation(matcher, node, i, norm.nodes);
  const Node* sum = root == nullptr ? nullptr : matcher.Writer(root->inputs[0], "Add");
  const auto shifted = matcher.Sum(sum);
  const Node* variance = shifted ? matcher.Writer(shifted->value, "ReduceMean") : nullptr;
  if (variance == nullptr) return std::nullopt;
  norm.square = matcher.Writer(variance->inputs[0]);
  const auto axes = matcher.KeptAxes(*variance);
  const auto is_base = [&](const std::string& value) {
    return value == norm.difference || IsSameDifference(matcher, difference, value, norm.nodes);
  };
  if (norm.square == nullptr || !axes || !IsSquareOf(matcher, *norm.square, is_base))
    return std::nullopt;
  norm.x = norm.difference;
  norm.nodes.insert({norm.square, variance, sum, root, &node});
  if (norm.is_centered) {
    const Node* mean = matcher.Writer(difference->inputs[1]);
    if (axes != matcher.KeptAxes(*mean)) return std::nullopt;
    norm.x = difference->inputs[0];
    norm.nodes.insert({mean, difference});
  }
  norm.deviation = root->outputs[0];
  norm.axes = *axes;
  norm.epsilon = shifted->number;
  return norm;
}

constexpr int kDeepest = 8;    // nodes between x and the gate's function
constexpr size_t kDegree = 3;  // of its argument

using Polynomial = std::array<double, kDegree + 1>;  // of x, constant first

// Nothing when the product has a higher degree.
std::optional<Polynomial> Multiply(const Polynomial& a, const Polynomial& b) {
  Polynomial product{};
  for (size_t i = 0; i <= kDegree; ++i) {
    for (size_t j = 0; j <= kDegree; ++j) {
      if (a[i] == 0 || b[j] == 0) continue;
      if (i + j > kDegree) return std::nullopt;
      product[i + j] += a[i] * b[j];
    }
  }
  return product;
}

bool Matches(const Matcher& matcher, const Polynomial& polynomial, const Polynomial& expected) {
  for (size_t i = 0; i <= kDegree; ++i) {
    // A coefficient that is to be 0 has to be so exactly: the tolerance is relative.
    if (!matcher.IsClose(polynomial[i], expected[i])) return false;
  }
  return true;
}

Polynomial Argument(bool is_erf) {
  if (is_erf) return {0, 1 / std::numbers::sqrt2, 0, 0};
  const double factor = std::sqrt(2 * std::numbers::inv_pi);
  return {0, factor, 0, factor * SpelledGelu::kCubic};
}

class GeluFinder {
 public:
  explicit GeluFinder(const Matcher& matcher) : matcher_(matcher) {}

  // From the gate's function forwards: c * f, c + c * f, then factors and x, in any order, until
  // all numbers make 1/2.
  std::optional<SpelledGelu> Find(const Node& function) const {
    SpelledGelu gelu;
    gelu.nodes.insert(&function);
    std::string value = function.outputs[0];
    double factor = 1;
    if (const auto scaled = matcher_.Product(matcher_.Reader(value))) {
      factor = scaled->number;
      value = Follow(value, gelu);
    }
    const auto gate = matcher_.Sum(matcher_.Reader(value));
    // c + c f: the factor comes out of the sum.
    if (!gate || !matcher_.IsClose(gate->number, factor)) return std::nullopt;
    value = Follow(value, gelu);
    while (gelu.x.empty() || !matcher_.IsClose(factor, 0.5)) {
      const Node* reader = matcher_.Reader(value);
      if (reader == nullptr || reader->inputs.size() != 2) return std::nullopt;
      if (const auto scaled = matcher_.Product(reader)) {
        factor *= scaled->number;
      } else if (reader->Is("Mul") && gelu.x.empty()) {
        const auto x = FindArgument(function, Matcher::Other(*reader, value), gelu.nodes);
        if (!x) return std::nullopt;
        gelu.x = x->value;
        factor *= x->number;
      } else {
        return std::nullopt;
      }
      value = Follow(value, gelu);
    }
    return matcher_.IsClosed(gelu.nodes, *gelu.last) ? std::optional(gelu) : std::nullopt;
  }

 private:
  // What the only reader of `value` writes.
  std::string Follow(const std::string& value, SpelledGelu& gelu) const {
    gelu.last = matcher_.Reader(value);
    gelu.nodes.insert(gelu.last);
    return gelu.last->outputs[0];
  }

  // x and the number in `scaled` = x * number, where the function's argument is the right
  // polynomial of x.
  std::optional<WithNumber> FindArgument(const Node& function, const std::string& scaled,
                                         std::set<const Node*>& nodes) const {
    const Node* writer = matcher_.Writer(scaled);
    const auto product = matcher_.Product(writer);
    for (const auto& x : {std::optional(WithNumber{scaled, 1}), product}) {
      if (!x) continue;
      // Of an attempt that fails no node counts.
      std::set<const Node*> inner;
      const auto argument = Expand(function.inputs[0], x->value, inner, kDeepest);
      if (!argument || !Matches(matcher_, *argument, Argument(function.Is("Erf")))) continue;
      nodes.merge(inner);
      if (x->value != scaled) nodes.insert(writer);
      return x;
    }
    return std::nullopt;
  }

  // `value` as a polynomial of x.
  std::optional<Polynomial> Expand(const std::string& value, const std::string& x,
                                   std::set<const Node*>& nodes, int depth) const {
    if (value == x) return Polynomial{0, 1, 0, 0};
    if (const auto number = matcher_.Number(value, x)) return Polynomial{*number, 0, 0, 0};
    const Node* node = matcher_.Writer(value);
    // Both inputs are followed: without a bound the steps could double at every node.
    if (node == nullptr || depth == 0 || node->inputs.size() != 2) return std::nullopt;
    nodes.insert(node);
    const auto left = Expand(node->inputs[0], x, nodes, depth - 1);
    if (!left) return std::nullopt;
    if (node->Is("Pow")) {
      const auto exponent = matcher_.Exponent(node->inputs[1]);
      const auto square = Multiply(*left, *left);
      if (!square || !exponent) return std::nullopt;
      return *exponent == 2 ? square : *exponent == 3 ? Multiply(*square, *left) : std::nullopt;
    }
    const auto right = Expand(node->inputs[1], x, nodes, depth - 1);
    if (!right) return std::nullopt;
    if (node->Is("Mul")) return Multiply(*left, *right);
    if (node->Is("Div") && matcher_.Number(node->inputs[1], x))
      return Multiply(*left, {1 / (*right)[0], 0, 0, 0});
    if (!node->Is("Add")) return std::nullopt;
    Polynomial sum = *left;
    for (size_t i = 0; i <= kDegree; ++i) sum[i] += (*right)[i];
    return sum;
  }

  const Matcher& matcher_;
};

// What `value` is the softplus of; its steps are added to `nodes`.
std::optional<std::string> FindSoftplus(const Matcher& matcher, const std::string& value,
                                        std::set<const Node*>& nodes) {
  if (const Node* softplus = matcher.Writer(value, "Softplus")) {
    nodes.insert(softplus);
    return softplus->inputs[0];
  }
  const Node* log = matcher.Writer(value, "Log");
  const Node* add = log == nullptr ? nullptr : matcher.Writer(log->inputs[0]);
  const auto sum = matcher.Sum(add);
  const Node* exp = sum && sum->number == 1 ? matcher.Writer(sum->value, "Exp") : nullptr;
  if (exp == nullptr) return std::nullopt;
  nodes.insert({log, add, exp});
  return exp->inputs[0];
}

}  // namespace

std::optional<SpelledNorm> FindSpelledNorm(const Matcher& matcher, const Node& node) {
  if (node.inputs.size() != 2 || !(node.Is("Div") || node.Is("Mul"))) return std::nullopt;
  for (const size_t i : {0, 1}) {
    if (auto norm = FindAround(matcher, node, i)) return norm;
  }
  return std::nullopt;
}

std::optional<SpelledGelu> FindSpelledGelu(const Matcher& matcher, const Node& function) {
  if (!function.Is("Erf") && !function.Is("Tanh")) return std::nullopt;
  return GeluFinder(matcher).Find(function);
}

std::optional<SpelledMish> FindSpelledMish(const Matcher& matcher, const Node& node) {
  if (!matcher.IsFloat(node.outputs.empty() ? "" : node.outputs[0])) return std::nullopt;
  if (node.Is("Mish")) return SpelledMish{node.inputs[0], {&node}};
  if (!node.Is("Mul")) return std::nullopt;
  for (const size_t i : {0, 1}) {
    SpelledMish mish{node.inputs[1 - i], {&node}};
    const Node* tanh = matcher.Writer(node.inputs[i], "Tanh");
    if (tanh == nullptr) continue;
    mish.nodes.insert(tanh);
    if (FindSoftplus(matcher, tanh->inputs[0], mish.nodes) == mish.x &&
        matcher.IsClosed(mish.nodes, node))
      return mish;
  }
  return std::nullopt;
}

}  // namespace qconvert
