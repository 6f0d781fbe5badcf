#include "check_fusion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/ir/body_graph.h"
#include "qconvert/pipeline/engine_kernels.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/rewrite/apply_plan.h"
#include "suit_engine.h"

namespace qconvert {
namespace {

constexpr size_t kNamedNodes = 5;

std::string NameOf(const Node& node) {
  return node.name.empty() ? fmt::format("{} of {}", node.op_type, node.outputs[0])
                           : fmt::format("{} {}", node.op_type, node.name);
}

// What `name` says of the nodes that are planned on integers, those in bodies last.
template <typename Name>
std::vector<std::string> NamesOfIntegers(const Graph& graph, const QuantizationPlan& plan,
                                         const Name& name) {
  std::vector<std::string> names;
  for (const auto& [n, planned] : plan.integer_nodes) names.push_back(name(graph.nodes[n]));
  ForEachBodyIn(plan.bodies, graph, [&](const BodyGraph& body, const QuantizationPlan& inside) {
    for (const auto& [n, planned] : inside.integer_nodes)
      names.push_back(name(body.graph.nodes[n]));
  });
  return names;
}

}  // namespace

void CheckFusion(Model model, const QuantizationPlan& plan, TargetDevice device,
                 const std::string& place) {
  if (!TargetOf(device).suits_engine) {
    throw Error(ExitCode::kConfig, place,
                fmt::format("--strict-fusion looks at the CPU's kernels, target_device is {}",
                            TargetDeviceName(device)));
  }
  // Taken before numbers take their place.
  const std::vector<std::string> names = NamesOfIntegers(model.graph, plan, NameOf);
  NumberNodes(model);
  const std::vector<std::string> numbers =
      NamesOfIntegers(model.graph, plan, [](const Node& node) { return node.name; });
  const auto types = model.graph.value_info;
  ApplyPlan(model, plan);
  SuitEngine(types, {}, place, model);
  const std::map<std::string, bool> kernels = FindKernels(model, place);
  std::vector<std::string> surprises;
  for (size_t k = 0; k < numbers.size(); ++k) {
    const auto kernel = kernels.find(numbers[k]);
    // A node that the engine has optimized away computes nothing in float.
    if (kernel != kernels.end() && !kernel->second) surprises.push_back(names[k]);
  }
  if (surprises.empty()) return;
  const size_t count = surprises.size();
  if (count > kNamedNodes) surprises.resize(kNamedNodes);
  throw Error(ExitCode::kNumeric, place,
              EscapeForTerminal(fmt::format(
                  "{} planned on integers run{} in float: {}{}; nothing is written",
                  count == 1 ? "a node" : fmt::format("{} nodes", count), count == 1 ? "s" : "",
                  fmt::join(surprises, ", "), count > kNamedNodes ? ", ..." : "")));
}

}  // namespace qconvert
