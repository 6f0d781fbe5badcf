#include "qconvert/ir/module_path.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace qconvert {
namespace {

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find('/');
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Scopes are attribute names, but those in a container begin with the container's:
// "/layer1/layer1.0/conv1/Conv" -> "layer1.0.conv1".
std::string ModuleInName(std::string_view name) {
  if (!name.starts_with('/')) return "";
  std::vector<std::string_view> scopes = Split(name.substr(1));
  scopes.pop_back();  // the operator
  std::string path;
  size_t last = 0;  // where the last scope begins in `path`
  std::string_view container;
  for (const std::string_view scope : scopes) {
    const bool inside = !container.empty() && scope.size() > container.size() &&
                        scope.starts_with(container) && scope[container.size()] == '.';
    if (inside) {
      path.resize(last);
    } else if (!path.empty()) {
      path += '.';
    }
    last = path.size();
    path += scope;
    container = scope;
  }
  return path;
}

}  // namespace

std::map<std::string, std::vector<size_t>> FindModules(const Graph& graph) {
  std::map<std::string, std::vector<size_t>> nodes_of;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (node.Is("Constant")) continue;
    // A set: the name and a weight mostly tell the same module.
    std::set<std::string> modules = {ModuleInName(node.name)};
    for (const std::string& input : node.inputs) {
      // Behind the last dot stands what the module calls it: weight, bias.
      const size_t dot = input.rfind('.');
      if (dot != std::string::npos && graph.FindInitializer(input) != nullptr)
        modules.insert(input.substr(0, dot));
    }
    modules.erase("");
    for (const std::string& module : modules) nodes_of[module].push_back(n);
  }
  return nodes_of;
}

std::string_view WithoutWrappers(std::string_view module) {
  static constexpr std::array<std::string_view, 5> kWrappers = {
      "module.", "model.", "_orig_mod.", "_forward_module.", "_fsdp_wrapped_module."};
  // Wrappers nest.
  for (;;) {
    const auto wrapper =
        std::find_if(kWrappers.begin(), kWrappers.end(),
                     [&](std::string_view word) { return module.starts_with(word); });
    if (wrapper == kWrappers.end() || wrapper->size() == module.size()) return module;
    module.remove_prefix(wrapper->size());
  }
}

}  // namespace qconvert
