#include "node_edit.h"

namespace qconvert {

ConfigNode MapNode(const ConfigPlace& place) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMap;
  node.place = place;
  return node;
}

ConfigNode& ChildOf(ConfigNode& map, std::string_view key) {
  map.kind = ConfigNode::Kind::kMap;
  for (auto& [name, value] : map.entries) {
    if (name.scalar == key) return value;
  }
  return map.entries.emplace_back(WordNode(std::string(key), map.place), ConfigNode{}).value;
}

const ConfigNode* FindValue(const ConfigNode& map, std::string_view key) {
  const ConfigNode* value = map.Find(key);
  return value == nullptr || value->kind == ConfigNode::Kind::kNull ? nullptr : value;
}

std::filesystem::path ResolvePath(const std::filesystem::path& folder, const std::string& path) {
  const std::filesystem::path given(path);
  if (given.is_absolute() || folder.empty()) return given;
  return (folder / given).lexically_normal();
}

}  // namespace qconvert
