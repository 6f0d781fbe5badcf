#include "vitis/torch_layer.h"

#include <vector>

#include "text/node_edit.h"

namespace qconvert {

std::optional<TorchLayer> ParseTorchLayer(std::string_view name) {
  const std::vector<std::string> parts = SplitList(name, '/');
  if (parts.size() < 2 || parts.front().find("::") == std::string::npos) return std::nullopt;
  TorchLayer layer;
  // Without the model in front and the operator's result at the end.
  for (size_t i = 1; i + 1 < parts.size(); ++i) {
    const size_t open = parts[i].find('[');
    if (open == std::string::npos || open == 0 || !parts[i].ends_with(']')) return std::nullopt;
    const std::string attribute = parts[i].substr(open + 1, parts[i].size() - open - 2);
    if (attribute.empty()) return std::nullopt;
    layer.type = parts[i].substr(0, open);
    if (!layer.module.empty()) layer.module += '.';
    layer.module += attribute;
  }
  return layer;
}

}  // namespace qconvert
