// What single kernels want of the shapes of scales and zero points (1.28.0, measured).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/ir/value_types.h"
#include "qconvert/targets/broken_rule.h"

namespace qconvert {
namespace {

// Kernels that take numbers alone for parameters, and what else they still take.
struct NumbersRule {
  std::string_view op_type;
  bool takes_one;         // vectors of one number
  bool takes_any_behind;  // whatever the Q behind has
};
constexpr std::array<NumbersRule, 6> kNumbersRules = {{{"Add", false, false},
                                                       {"Mul", false, false},
                                                       {"AveragePool", false, false},
                                                       {"Sigmoid", true, false},
                                                       {"LeakyRelu", true, false},
                                                       {"Softmax", true, true}}};

// 1 where the scale is not known.
size_t CountScales(const Graph& graph, const PairEnd& end) {
  const Tensor* scale = end.node == nullptr ? nullptr : graph.FindInitializer(end.node->inputs[1]);
  return scale == nullptr ? 1 : static_cast<size_t>(scale->element_count());
}

}  // namespace

// The engine chooses these kernels whatever the shape is, and then refuses the file.
RuleFinder::Found RuleFinder::CheckNumbers(size_t n) const {
  const auto rule = std::find_if(kNumbersRules.begin(), kNumbersRules.end(),
                                 [&](const NumbersRule& one) { return At(n).Is(one.op_type); });
  if (rule == kNumbersRules.end()) return std::nullopt;
  const auto check = [&](const PairEnd& end, const std::string& value) -> Found {
    const size_t size = CountScales(graph_, end);
    const bool is_one = size == 1 && end.node != nullptr && view_.Parameters(end).has_vectors;
    if (size == 1 && (rule->takes_one || !is_one)) return std::nullopt;
    return BrokenRule{"parameters", value,
                      size == 1 ? "a scale or zero point in a vector of one number"
                                : fmt::format("{} scales", size),
                      size == 1 ? "numbers: with such vectors the engine refuses the file"
                                : "one scale: with more the engine refuses the file"};
  };
  for (size_t slot = 0; slot < InputCount(n); ++slot)
    if (Found broken = check(view_.InputEnd(n, slot), view_.Input(n, slot))) return broken;
  const std::string& output = At(n).outputs[0];
  if (rule->takes_any_behind) return std::nullopt;
  return check(view_.Uses(output).quantizers[0], output);
}

// QGemm has no default for zero points, and wants that of the weights in the form of their scale.
RuleFinder::Found RuleFinder::CheckZeroPoints(size_t n) const {
  for (const size_t slot : {0, 1}) {
    const PairEnd end = view_.InputEnd(n, slot);
    if (end.node == nullptr) continue;
    if (end.node->input(2).empty())
      return BrokenRule{"parameters", view_.Input(n, slot), "no zero point",
                        "a zero point, also where it is 0"};
    const Tensor* scale = graph_.FindInitializer(end.node->inputs[1]);
    const Tensor* zero = graph_.FindInitializer(end.node->inputs[2]);
    if (slot == 1 && scale != nullptr && zero != nullptr && scale->dims != zero->dims)
      return BrokenRule{"parameters", view_.Input(n, slot),
                        "a scale and a zero point of different shapes", "one shape for both"};
  }
  return std::nullopt;
}

// QGemm takes several scales of the weights alone, as many as there are columns of the product. It
// counts them and does not look at their axis.
RuleFinder::Found RuleFinder::CheckGemm(size_t n) const {
  if (!view_.IsGemm(n)) return std::nullopt;
  if (Found broken = CheckZeroPoints(n)) return broken;
  const auto several = [&](const PairEnd& end, const std::string& value) -> Found {
    const size_t size = CountScales(graph_, end);
    if (size == 1) return std::nullopt;
    return BrokenRule{"parameters", value, fmt::format("{} scales", size), "one scale"};
  };
  if (Found broken = several(view_.InputEnd(n, 0), view_.Input(n, 0))) return broken;
  const std::string& output = view_.Output(n);
  for (const PairEnd& end : view_.Uses(output).quantizers)
    if (Found broken = several(end, output)) return broken;
  const Found broken = several(view_.InputEnd(n, 1), view_.Input(n, 1));
  const std::vector<Dim>* weight = FindShape(graph_, view_.Input(n, 1));
  if (!broken || weight == nullptr || weight->size() != 2) return std::nullopt;
  const bool is_transposed = At(n).Is("Gemm") && At(n).GetInt("transB", 0) != 0;
  const Dim& columns = (*weight)[is_transposed ? 0 : 1];
  const Tensor* scale = graph_.FindInitializer(view_.InputEnd(n, 1).node->inputs[1]);
  if (scale->dims.size() == 1 && columns.value == scale->dims[0]) return std::nullopt;
  return BrokenRule{"parameters", broken->value, broken->found,
                    "one scale, or one for each column of the product"};
}

}  // namespace qconvert
