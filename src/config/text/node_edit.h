// Reading and building maps of config nodes.
#ifndef QCONVERT_CONFIG_TEXT_NODE_EDIT_H_
#define QCONVERT_CONFIG_TEXT_NODE_EDIT_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/config/config_node.h"

namespace qconvert {

// A plain word at `place`, as key or value.
ConfigNode WordNode(std::string text, const ConfigPlace& place = {});

ConfigNode MapNode(const ConfigPlace& place = {});

// The value under `key`, made (as null) if it is not there.
ConfigNode& ChildOf(ConfigNode& map, std::string_view key);

// The list under `key`: made empty if it is not there, of one word where that stands there.
ConfigNode& ListOf(ConfigNode& map, std::string_view key);

// The value under `key` unless it is absent or null (left out, or refused by CheckSettings).
const ConfigNode* FindValue(const ConfigNode& map, std::string_view key);

// Whether `key` stands somewhere in the tree with a null: CheckSettings refused what was there.
bool HoldsNull(const ConfigNode& tree, std::string_view key);

// `path` as written in a file in `folder`.
std::filesystem::path ResolvePath(const std::filesystem::path& folder, const std::string& path);

// "a;b ;c" -> {"a", "b", "c"}; parts may be empty.
std::vector<std::string> SplitList(std::string_view text, char separator = ';');

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_TEXT_NODE_EDIT_H_
