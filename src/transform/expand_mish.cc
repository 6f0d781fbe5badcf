#include "qconvert/transform/expand_mish.h"

#include <string>

#include "matcher.h"
#include "spelled_units.h"

namespace qconvert {
namespace {

constexpr double kSaturated = 20;  // tanh(softplus(x)) is 1 in float32

}  // namespace

size_t ExpandMish(Graph& graph) {
  const Matcher matcher(graph);
  UnitWriter writer(graph);
  size_t expanded = 0;
  for (Node& node : graph.nodes) {
    const auto mish = FindSpelledMish(matcher, node);
    if (!mish) continue;
    const std::string y = node.outputs[0];
    const std::string two = writer.Scalar(2);
    // From 44 on the product below would overflow, and infinity / infinity is NaN.
    const std::string low = writer.Add(node, y, "Min", {mish->x, writer.Scalar(kSaturated)});
    const std::string exp = writer.Add(node, y, "Exp", {low});
    const std::string more = writer.Add(node, y, "Add", {exp, two});
    const std::string square = writer.Add(node, y, "Mul", {exp, more});
    const std::string divisor = writer.Add(node, y, "Add", {square, two});
    const std::string gate = writer.Add(node, y, "Div", {square, divisor});
    writer.Become(node, "Mul", {mish->x, gate});
    ++expanded;
  }
  if (expanded > 0) writer.Finish();
  return expanded;
}

}  // namespace qconvert
