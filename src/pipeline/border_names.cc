#include "border_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/setting_position.h"

namespace qconvert {
namespace {

constexpr size_t kSuggestedFrom =
    10'000;  // distances to more names take longer than they are worth

// What a vendor's tool made the name of: "Conv_7" of "Conv_7_HzDequantize" and
// "Conv_7_Dequantize_0".
std::string_view StemOf(std::string_view name) {
  const size_t end = name.rfind('_');
  if (end == std::string_view::npos) return name;
  const std::string_view tail = name.substr(end + 1);
  const std::string_view stem = name.substr(0, end);
  if (tail.starts_with("Hz")) return stem;
  const bool is_number = !tail.empty() && std::all_of(tail.begin(), tail.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
  for (const std::string_view grid : {"_Quantize", "_Dequantize"}) {
    if (is_number && stem.ends_with(grid)) return stem.substr(0, stem.size() - grid.size());
  }
  return name;
}

// What stems may be besides nodes.
std::set<std::string> ValuesOf(const Graph& graph) {
  std::set<std::string> values;
  for (const Node& node : graph.nodes) values.insert(node.outputs.begin(), node.outputs.end());
  for (const Value& input : graph.inputs)
    // A camera picture comes in as two planes.
    values.insert({input.name, input.name + "_y", input.name + "_uv"});
  return values;
}

}  // namespace

std::set<std::string> BorderNamesOf(const DeploymentConfig& deployment, const Graph& graph) {
  std::set<std::string> names;
  if (deployment.remove_node_names.empty() && deployment.keep_node_names.empty()) return names;
  for (const Node& node : graph.nodes) names.insert(node.name);
  for (const Value& input : graph.inputs) names.insert(input.name + "_Quantize_0");
  for (const Value& output : graph.outputs) names.insert(output.name + "_Dequantize_0");
  return names;
}

void CheckBorderNames(const ModelConfig& config, const std::set<std::string>& loaded,
                      const Graph& graph) {
  const DeploymentConfig& deployment = config.config.deployment;
  std::set<std::string> known = BorderNamesOf(deployment, graph);
  if (known.empty()) return;
  // Preparing may have merged a node that the file has: its name is right all the same.
  known.insert(loaded.begin(), loaded.end());
  const std::set<std::string> values = ValuesOf(graph);
  ConfigProblems problems(config.file.string());
  for (const auto& [key, names] : {std::pair{"remove_node_name", &deployment.remove_node_names},
                                   std::pair{"keep_node_name", &deployment.keep_node_names}}) {
    for (const std::string& name : *names) {
      const std::string stem(StemOf(name));
      const bool has_stem = stem != name && (known.contains(stem) || values.contains(stem));
      if (known.contains(name) || has_stem) continue;
      const std::vector<std::string> near =
          known.size() > kSuggestedFrom ? std::vector<std::string>{}
                                        : std::vector<std::string>(known.begin(), known.end());
      problems.Add(PositionOf(config.effective, {"model_parameters", key}),
                   fmt::format("{} has \"{}\", which is no node of the model{}", key, name,
                               DidYouMean(name, near)));
    }
  }
  problems.ThrowIfAny();
}

std::vector<std::string> RemarkOnIdleRemovals(const DeployedNodes& deployed,
                                              const ConfigNode& effective) {
  struct List {
    const char* key;
    const std::vector<std::string>& idle;
    const char* why;
  };
  const std::array lists = {
      List{"remove_node_type", deployed.idle_types,
           "none stands at an input or output that can do without"},
      List{"remove_node_name", deployed.idle_names,
           "no node that an input or output can do without"},
      List{"keep_node_name", deployed.idle_kept, "nothing else would have removed it"},
  };
  std::vector<std::string> warnings;
  for (const List& list : lists) {
    if (list.idle.empty()) continue;
    const ConfigPlace position = PositionOf(effective, {"model_parameters", list.key});
    warnings.push_back(fmt::format(
        "{}{} has no effect for {}: {}", position.is_default() ? "" : position.Text() + ": ",
        list.key, EscapeForTerminal(fmt::format("{}", fmt::join(list.idle, ", "))), list.why));
  }
  return warnings;
}

}  // namespace qconvert
