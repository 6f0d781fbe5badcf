#include "qconvert/config/read_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "check_target.h"
#include "dialect.h"
#include "qconvert/base/file.h"
#include "qconvert/base/suggest.h"
#include "qconvert/base/utf8.h"
#include "qconvert/config/export_config.h"
#include "qconvert/config/layered_config.h"
#include "text/node_edit.h"
#include "text/parse_config.h"

namespace qconvert {
namespace {

constexpr size_t kLookedAt = 1000;  // top-level keys

// The dialect that knows most of the keys; misspelt ones count a little.
const Dialect& FindDialect(const ConfigNode& root) {
  const Dialect* best = &Dialects().front();
  int best_score = 0;
  for (const Dialect& dialect : Dialects()) {
    const SettingTable& table = dialect.table();
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
    best = &dialect;
  }
  return *best;
}

struct KeyAndValue {
  std::string key;
  std::string value;
};

KeyAndValue Split(const ConfigOverride& one) {
  const size_t equals = one.text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw ConfigError({EscapeForTerminal(one.source) + ": expected KEY=VALUE"});
  return {one.text.substr(0, equals), one.text.substr(equals + 1)};
}

// "KEY=": back to the default.
bool IsBlank(const ConfigOverride& one) {
  return ParseConfigValue(Split(one).value, one.source).kind == ConfigNode::Kind::kNull;
}

// Puts the value at `path`, with the maps on the way.
void ApplyOverride(ConfigNode& root, const std::vector<std::string>& path, const std::string& value,
                   const std::string& source_text) {
  const auto source = std::make_shared<const std::string>(source_text);
  ConfigNode* place = &root;
  for (const std::string& part : path) {
    const bool fresh = place->Find(part) == nullptr;
    ConfigNode& child = ChildOf(*place, part);
    // Keys that the file has keep their places.
    if (fresh) place->entries.back().key.place = {source};
    if (fresh) child.place = {source};
    place = &child;
  }
  *place = ParseConfigValue(value, source_text);
}

bool ComesFrom(const ConfigNode& node, const std::string& source) {
  // A map that was made on the way to a value does not count, its values do.
  if (node.place.source != nullptr && *node.place.source == source && node.entries.empty())
    return true;
  return std::any_of(node.items.begin(), node.items.end(),
                     [&](const ConfigNode& item) { return ComesFrom(item, source); }) ||
         std::any_of(node.entries.begin(), node.entries.end(),
                     [&](const auto& entry) { return ComesFrom(entry.value, source); });
}

// Puts in what the language has keys for; returns the others.
std::vector<ConfigOverride> ApplyOverrides(const std::vector<ConfigOverride>& overrides,
                                           const Dialect& dialect, ConfigNode& root) {
  std::vector<ConfigOverride> later;
  for (const ConfigOverride& one : overrides) {
    const auto [key, value] = Split(one);
    const std::vector<std::string> path = dialect.override_path(key);
    if (path.empty()) {
      later.push_back(one);
    } else {
      ApplyOverride(root, path, value, one.source);
    }
  }
  return later;
}

// `later` are overrides for what the tree is translated to.
ReadResult ReadDialect(ConfigNode root, const Dialect& dialect,
                       const std::vector<ConfigOverride>& later, ReadContext& context) {
  if (dialect.normalize != nullptr) dialect.normalize(root, context);
  CheckSettings(root, dialect.table(), context.problems, context.notes);
  if (dialect.translate == nullptr) {
    ReadResult result = dialect.read(root, context);
    if (!context.translated)
      CheckRules(root, dialect.table(), dialect.rules(), result.config, context);
    return result;
  }
  ConfigNode translated = dialect.translate(root, context);
  ApplyOverrides(later, Dialects().front(), translated);
  context.translated = true;
  // Vitis is read, not translated: this ends here.
  ReadResult result = ReadDialect(std::move(translated), Dialects().front(), {}, context);
  CheckRules(root, dialect.table(), dialect.rules(), result.config, context);
  return result;
}

// A translation speaks of its own keys: problems that do not name the key that was written begin
// with it.
void NameWrittenKeys(const ConfigNode& written, std::vector<std::string>& problems) {
  for (const auto& [key, value] : written.entries) {
    NameWrittenKeys(value, problems);
    // An option is shown as it was written, with its key.
    if (value.kind != ConfigNode::Kind::kScalar || value.place.line == 0) continue;
    const std::string place = value.place.Text() + ": ";
    for (std::string& problem : problems) {
      if (problem.starts_with(place) && problem.find(key.scalar, place.size()) == std::string::npos)
        problem.insert(place.size(), EscapeForTerminal(key.scalar) + ": ");
    }
  }
  for (const ConfigNode& item : written.items) NameWrittenKeys(item, problems);
}

struct ConfigText {
  std::string text;
  std::filesystem::path file;
};

std::string ReadText(const std::filesystem::path& file) {
  try {
    // Settings that are too large are a fault of the settings, not of the machine.
    return ReadFile(file, kMaxConfigBytes);
  } catch (const Error& e) {
    if (e.code() != ExitCode::kResource) throw;
    throw ConfigError({e.what()});
  }
}

// Settings of `layer` into `under`: maps into maps, anything else in place of what was there.
void PutOnTop(ConfigNode layer, ConfigNode& under) {
  if (layer.kind != ConfigNode::Kind::kMap || under.kind != ConfigNode::Kind::kMap) {
    under = std::move(layer);
    return;
  }
  for (ConfigEntry& entry : layer.entries) {
    const auto it =
        std::find_if(under.entries.begin(), under.entries.end(),
                     [&](const ConfigEntry& one) { return one.key.scalar == entry.key.scalar; });
    if (it == under.entries.end()) {
      under.entries.push_back(std::move(entry));
    } else {
      // The place of the key is that of the layer, where it is told.
      it->key = std::move(entry.key);
      PutOnTop(std::move(entry.value), it->value);
    }
  }
}

// All layers into `root`, each in the language of what it lies on.
void PutLayers(const std::vector<ConfigText>& layers, const Dialect& dialect, ConfigNode& root,
               ReadContext& context) {
  for (const auto& [text, file] : layers) {
    ConfigNode layer = ParseConfig(text, file.string(), &context.notes.warnings);
    // By its own keys: a layer without a known key is taken for one of Vitis.
    const Dialect& own = FindDialect(layer);
    if (own.name != dialect.name) {
      throw ConfigError({fmt::format("{}: has settings of {}, expected {} as in the file under it",
                                     EscapeForTerminal(file.string()), own.name, dialect.name)});
    }
    context.folders[file.string()] = std::filesystem::absolute(file).parent_path();
    context.text += "\n" + text;
    PutOnTop(std::move(layer), root);
  }
}

WrittenConfig ParseLayers(const ConfigText& base, const std::vector<ConfigText>& layers,
                          const std::vector<ConfigOverride>& overrides) {
  const std::filesystem::path& file = base.file;
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  ReadContext context{ConfigProblems(file.string()), {}, folder, base.text};
  ConfigNode root = ParseConfig(base.text, file.string(), &context.notes.warnings);
  const Dialect& dialect = FindDialect(root);
  PutLayers(layers, dialect, root, context);
  const size_t own_text = context.text.size();  // files named in these stand behind it
  WrittenConfig out;
  LoadedConfig& loaded = out.loaded;
  loaded.dialect = dialect.name;
  const std::vector<ConfigOverride> later = ApplyOverrides(overrides, dialect, root);
  out.written = root;
  ReadResult result = ReadDialect(std::move(root), dialect, later, context);
  const bool sound = context.problems.empty();
  for (const ConfigOverride& one : overrides) {
    // Where problems were found the override may stand in what was refused.
    if (!sound || IsBlank(one) || ComesFrom(result.effective, one.source)) continue;
    context.problems.Add({std::make_shared<const std::string>(one.source)},
                         "has no effect, other settings leave no use for it");
  }
  CheckTarget(result, context);
  if (!context.problems.empty()) {
    std::vector<std::string> problems = context.problems.Texts();
    if (context.translated) NameWrittenKeys(out.written, problems);
    throw ConfigError(std::move(problems));
  }
  // From the tree, not from the bytes: comments and spaces are no other settings.
  loaded.text = ConfigJson(out.written) + context.text.substr(own_text);
  for (const ConfigOverride& one : later) {
    loaded.text += "\n" + one.text;
    out.translated.push_back(one.source);
  }
  loaded.config = std::move(result.config);
  loaded.effective = std::move(result.effective);
  loaded.warnings = std::move(context.notes.warnings);
  loaded.infos = std::move(context.notes.infos);
  return out;
}

}  // namespace

LoadedConfig ParseConfigText(const std::string& text, const std::filesystem::path& file,
                             const std::vector<ConfigOverride>& overrides) {
  return ParseLayers({text, file}, {}, overrides).loaded;
}

LoadedConfig ReadConfig(const std::filesystem::path& file,
                        const std::vector<ConfigOverride>& overrides) {
  return ReadLayeredConfig(file, {}, overrides);
}

LoadedConfig ReadLayeredConfig(const std::filesystem::path& file,
                               const std::vector<std::filesystem::path>& layers,
                               const std::vector<ConfigOverride>& overrides) {
  return ReadWrittenConfig(file, layers, overrides).loaded;
}

WrittenConfig ReadWrittenConfig(const std::filesystem::path& file,
                                const std::vector<std::filesystem::path>& layers,
                                const std::vector<ConfigOverride>& overrides) {
  std::vector<ConfigText> texts;
  for (const auto& layer : layers) texts.push_back({ReadText(layer), layer});
  return ParseLayers({ReadText(file), file}, texts, overrides);
}

}  // namespace qconvert
