// How Horizon files are written, whatever they say.
#include <fmt/format.h>

#include "horizon/horizon.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

// What the vendor's tool reads as an absent value is refused for these.
bool MustHaveText(const std::string& key) {
  return key == "output_model_file_prefix" || key == "cal_data_dir" || key == "march";
}

void NormalizeBool(ConfigNode& value) {
  const std::string& word = value.scalar;
  const bool on = word == "True" || word == "TRUE" || word == "true" || word == "1";
  const bool off = word == "False" || word == "FALSE" || word == "false" || word == "0";
  if (!on && !off) return;
  value.scalar = on ? "true" : "false";
  value.quoted = false;
}

void Normalize(ConfigNode& map, const SettingTable& table, ConfigProblems& problems) {
  std::erase_if(map.entries, [&](auto& entry) {
    auto& [key, value] = entry;
    const Setting* setting = table.Find(key.scalar);
    // An unknown key stays, empty or not: its message is made from it.
    if (setting == nullptr) return false;
    if (value.kind == Kind::kScalar && value.scalar.empty()) {
      if (MustHaveText(key.scalar))
        problems.Add(value.place, fmt::format("{} is empty, expected a text", key.scalar));
      return true;
    }
    if (setting->kind == Setting::Kind::kObject && value.kind == Kind::kMap)
      Normalize(value, *setting->object, problems);
    if (setting->kind == Setting::Kind::kBool && value.kind == Kind::kScalar) NormalizeBool(value);
    if (setting->kind == Setting::Kind::kNumber || setting->kind == Setting::Kind::kInteger)
      value.quoted = false;
    return false;
  });
}

}  // namespace

void NormalizeHorizon(ConfigNode& root, ReadContext& context) {
  Normalize(root, HorizonTable(), context.problems);
}

std::vector<std::string> HorizonOverridePath(const std::string& key) {
  const std::vector<std::string> path = SplitList(key, '.');
  if (path.size() > 1) return path;
  for (const Setting& section : HorizonTable().settings) {
    if (section.object->Find(key) != nullptr) return {section.name, key};
  }
  return path;
}

std::vector<std::string> SplitPerInput(std::string_view text) {
  std::vector<std::string> parts = SplitList(text);
  if (parts.size() > 1 && parts.back().empty()) parts.pop_back();
  return parts;
}

std::vector<std::string> SplitNames(std::string_view text) {
  std::vector<std::string> names = SplitList(text);
  std::erase(names, "");
  return names;
}

}  // namespace qconvert
