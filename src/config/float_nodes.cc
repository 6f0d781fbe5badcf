#include "qconvert/config/float_nodes.h"

#include <algorithm>

#include "dialect.h"

namespace qconvert {

std::optional<ConfigNode> WithFloatNodes(const WrittenConfig& config,
                                         const std::vector<std::string>& patterns,
                                         const std::filesystem::path& target) {
  if (patterns.empty()) return config.written;
  const auto dialect = std::find_if(Dialects().begin(), Dialects().end(), [&](const Dialect& one) {
    return one.name == config.loaded.dialect;
  });
  ConfigNode tree = config.written;
  for (const std::string& pattern : patterns)
    if (!dialect->keep_float(tree, pattern)) return std::nullopt;
  // Settings of this file may leave no use for it, or contradict it.
  try {
    const LoadedConfig again = ParseConfigText(PrintSettings(tree), target, {});
    const size_t before = config.loaded.config.layers.size();
    if (again.config.layers.size() != before + patterns.size()) return std::nullopt;
  } catch (const ConfigError&) {
    return std::nullopt;
  }
  return tree;
}

}  // namespace qconvert
