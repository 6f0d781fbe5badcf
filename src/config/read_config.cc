#include "qconvert/config/read_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "horizon.h"
#include "implemented.h"
#include "languages.h"
#include "node_edit.h"
#include "qconvert/base/check.h"
#include "qconvert/base/file.h"
#include "qconvert/base/suggest.h"
#include "vitis_tables.h"
#include "words.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

constexpr size_t kLookedAt = 1000;  // top-level keys

const SettingTable& TableOf(ConfigLanguage language) {
  switch (language) {
    case ConfigLanguage::kVitis:
      return VitisTable();
    case ConfigLanguage::kPaddle:
      return PaddleTable();
    case ConfigLanguage::kHorizon:
      return HorizonTable();
  }
  QCONVERT_CHECK(false);
}

// The language that knows most of the keys; misspelt ones count a little.
ConfigLanguage FindLanguage(const ConfigNode& root) {
  ConfigLanguage best = ConfigLanguage::kVitis;
  int best_score = 0;
  for (const ConfigLanguage language : kConfigLanguages) {
    const SettingTable& table = TableOf(language);
    int score = 0;
    for (size_t i = 0; i < std::min(root.entries.size(), kLookedAt); ++i) {
      const std::string& key = root.entries[i].key.scalar;
      if (table.Find(key) != nullptr) {
        score += 4;
      } else if (!NearestName(key, table.Names()).empty()) {
        score += 1;
      }
    }
    if (score <= best_score) continue;
    best_score = score;
    best = language;
  }
  return best;
}

// Where "activation.method" stands in a file of `language`.
std::vector<std::string> OverridePath(const std::string& path, ConfigLanguage language) {
  const std::vector<std::string> parts = SplitList(path, '.');
  if (language == ConfigLanguage::kHorizon) {
    for (const Setting& section : HorizonTable().settings) {
      if (parts.size() == 1 && section.object->Find(path) != nullptr) return {section.name, path};
    }
    return parts;
  }
  std::vector<std::string> out = parts;
  if (FromWord<TensorType>(parts[0])) out.insert(out.begin(), "tensor_quantize_config");
  if (parts[0] == "overall") out[0] = "overall_quantize_config";
  return out;
}

void ApplyOverride(ConfigNode& root, const ConfigOverride& override_, ConfigLanguage language) {
  const size_t equals = override_.text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw ConfigError({EscapeForTerminal(override_.source) + ": expected KEY=VALUE"});
  }
  const auto source = std::make_shared<const std::string>(override_.source);
  ConfigNode* place = &root;
  for (const std::string& part : OverridePath(override_.text.substr(0, equals), language)) {
    const bool fresh = place->Find(part) == nullptr;
    ConfigNode& child = ChildOf(*place, part);
    if (fresh) place->entries.back().key.place = {source};
    if (fresh) child.place = {source};
    place = &child;
  }
  *place = ParseConfigValue(override_.text.substr(equals + 1), override_.source);
}

bool ComesFrom(const ConfigNode& node, const std::string& source) {
  if (node.place.source != nullptr && *node.place.source == source && node.entries.empty())
    return true;
  return std::any_of(node.items.begin(), node.items.end(),
                     [&](const ConfigNode& item) { return ComesFrom(item, source); }) ||
         std::any_of(node.entries.begin(), node.entries.end(),
                     [&](const auto& entry) { return ComesFrom(entry.value, source); });
}

// The Horizon tool takes True, 1 and "true" for a bool, and an empty value for an absent one.
void NormalizeHorizon(ConfigNode& map, const SettingTable& table, ConfigProblems& problems) {
  std::erase_if(map.entries, [&](auto& entry) {
    auto& [key, value] = entry;
    const Setting* setting = table.Find(key.scalar);
    if (setting == nullptr) return false;
    const bool empty =
        value.kind == Kind::kNull || (value.kind == Kind::kScalar && value.scalar.empty());
    if (empty && (key.scalar == "output_model_file_prefix" || key.scalar == "cal_data_dir" ||
                  key.scalar == "march")) {
      problems.Add(value.place, fmt::format("{} is empty, expected a text", key.scalar));
      return true;
    }
    if (empty) return true;
    if (setting->object != nullptr && setting->kind == Setting::Kind::kObject &&
        value.kind == Kind::kMap) {
      NormalizeHorizon(value, *setting->object, problems);
    }
    if (setting->kind == Setting::Kind::kBool && value.kind == Kind::kScalar) {
      const std::string& word = value.scalar;
      const bool on = word == "True" || word == "TRUE" || word == "true" || word == "1";
      const bool off = word == "False" || word == "FALSE" || word == "false" || word == "0";
      if (on || off) {
        value.scalar = on ? "true" : "false";
        value.quoted = false;
      }
    }
    return false;
  });
}

// Python's None comes as null.
void NormalizePaddle(ConfigNode& root) {
  std::erase_if(root.entries, [](const auto& entry) {
    return entry.value.kind == Kind::kNull && entry.key.scalar.ends_with("_preprocess_type");
  });
}

ReadResult ReadLanguage(ConfigNode root, ConfigLanguage language,
                        const std::vector<ConfigOverride>& overrides, ReadContext& context) {
  std::vector<ConfigOverride> later;
  for (const ConfigOverride& one : overrides) {
    const std::string key = one.text.substr(0, one.text.find('='));
    const bool translated =
        language == ConfigLanguage::kPaddle && PaddleTable().Find(key) == nullptr;
    if (translated) {
      later.push_back(one);
    } else {
      ApplyOverride(root, one, language);
    }
  }
  if (language == ConfigLanguage::kHorizon)
    NormalizeHorizon(root, HorizonTable(), context.problems);
  if (language == ConfigLanguage::kPaddle) NormalizePaddle(root);
  CheckSettings(root, TableOf(language), context.problems, context.notes);
  if (language == ConfigLanguage::kHorizon) return ReadHorizon(root, context);
  if (language == ConfigLanguage::kPaddle) {
    root = TranslatePaddle(root, context);
    for (const ConfigOverride& one : later) ApplyOverride(root, one, ConfigLanguage::kVitis);
    CheckSettings(root, VitisTable(), context.problems, context.notes);
  }
  return ReadVitis(root, context);
}

}  // namespace

std::string ConfigLanguageName(ConfigLanguage language) {
  switch (language) {
    case ConfigLanguage::kVitis:
      return "Vitis";
    case ConfigLanguage::kPaddle:
      return "Paddle";
    case ConfigLanguage::kHorizon:
      return "Horizon";
  }
  QCONVERT_CHECK(false);
}

LoadedConfig ParseConfigText(const std::string& text, const std::filesystem::path& file,
                             const std::vector<ConfigOverride>& overrides) {
  ConfigNode root = ParseConfig(text, file.string());
  LoadedConfig loaded;
  loaded.language = FindLanguage(root);
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  ReadContext context{
      ConfigProblems(file.string()), ConfigProblems(file.string()), {}, folder, text};

  ReadResult result = ReadLanguage(std::move(root), loaded.language, overrides, context);
  const bool sound = context.problems.empty();
  for (const ConfigOverride& one : overrides) {
    if (!sound || ComesFrom(result.effective, one.source)) continue;
    context.problems.Add({std::make_shared<const std::string>(one.source)},
                         "has no effect, other settings leave no use for it");
  }
  CheckImplemented(result, context);
  loaded.unimplemented = context.unimplemented.Texts();
  if (!context.problems.empty()) {
    std::vector<std::string> all = context.problems.Texts();
    all.insert(all.end(), loaded.unimplemented.begin(), loaded.unimplemented.end());
    throw ConfigError(std::move(all));
  }
  for (const ConfigOverride& one : overrides) context.text += "\n" + one.text;
  loaded.text = std::move(context.text);
  loaded.config = std::move(result.config);
  loaded.effective = std::move(result.effective);
  loaded.warnings = std::move(context.notes.warnings);
  loaded.infos = std::move(context.notes.infos);
  return loaded;
}

LoadedConfig ReadConfig(const std::filesystem::path& file,
                        const std::vector<ConfigOverride>& overrides) {
  std::string text;
  try {
    text = ReadFile(file, kMaxConfigBytes);
  } catch (const Error& e) {
    if (e.code() != ExitCode::kResource) throw;
    throw ConfigError({e.what()});
  }
  return ParseConfigText(text, file, overrides);
}

}  // namespace qconvert
