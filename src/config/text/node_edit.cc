#include "text/node_edit.h"

#include <algorithm>
#include <utility>

namespace qconvert {

ConfigNode WordNode(std::string text, const ConfigPlace& place) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.place = place;
  node.scalar = std::move(text);
  return node;
}

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
  // A key that nobody wrote has the place of its map.
  return map.entries.emplace_back(WordNode(std::string(key), map.place), ConfigNode{}).value;
}

ConfigNode& ListOf(ConfigNode& map, std::string_view key) {
  ConfigNode& list = ChildOf(map, key);
  if (list.kind == ConfigNode::Kind::kSequence) return list;
  ConfigNode only = std::move(list);
  list = ConfigNode();
  list.kind = ConfigNode::Kind::kSequence;
  if (only.kind != ConfigNode::Kind::kNull) list.items.push_back(std::move(only));
  return list;
}

const ConfigNode* FindValue(const ConfigNode& map, std::string_view key) {
  const ConfigNode* value = map.Find(key);
  return value == nullptr || value->kind == ConfigNode::Kind::kNull ? nullptr : value;
}

bool HoldsNull(const ConfigNode& tree, std::string_view key) {
  const auto holds = [&](const ConfigNode& node) { return HoldsNull(node, key); };
  return std::any_of(tree.items.begin(), tree.items.end(), holds) ||
         std::any_of(tree.entries.begin(), tree.entries.end(), [&](const ConfigEntry& entry) {
           return (entry.key.scalar == key && entry.value.kind == ConfigNode::Kind::kNull) ||
                  holds(entry.value);
         });
}

std::filesystem::path ResolvePath(const std::filesystem::path& folder, const std::string& path) {
  const std::filesystem::path given(path);
  if (given.is_absolute() || folder.empty()) return given;
  // By its text: what it leads to need not be there yet.
  return (folder / given).lexically_normal();
}

std::vector<std::string> SplitList(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = text.find(separator);
    std::string_view part = text.substr(0, end);
    const size_t first = part.find_first_not_of(" \t");
    part = first == std::string_view::npos ? "" : part.substr(first);
    parts.emplace_back(part.substr(0, part.find_last_not_of(" \t") + 1));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace qconvert
