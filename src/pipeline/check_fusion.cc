#include "check_fusion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <vector>

#include "qconvert/base/error.h"
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

}  // namespace

void CheckFusion(Model model, const QuantizationPlan& plan, TargetDevice device,
                 const std::string& place) {
  if (!TargetOf(device).suits_engine) {
    throw Error(ExitCode::kConfig, place,
                fmt::format("--strict-fusion looks at the CPU's kernels, target_device is {}",
                            TargetDeviceName(device)));
  }
  std::vector<std::string> names;
  for (const Node& node : model.graph.nodes) names.push_back(NameOf(node));
  NumberNodes(model);
  std::map<size_t, std::string> numbers;
  for (const auto& [n, planned] : plan.integer_nodes) numbers[n] = model.graph.nodes[n].name;
  const auto types = model.graph.value_info;
  ApplyPlan(model, plan);
  SuitEngine(types, model);
  const std::map<std::string, bool> kernels = FindKernels(model, place);
  std::vector<std::string> surprises;
  for (const auto& [n, number] : numbers) {
    const auto kernel = kernels.find(number);
    if (kernel != kernels.end() && !kernel->second) surprises.push_back(names[n]);
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
