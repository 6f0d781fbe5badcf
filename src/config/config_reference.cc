#include "config_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "dialect.h"
#include "qconvert/base/check.h"

namespace qconvert {
namespace {

using Json = nlohmann::ordered_json;
using Kind = Setting::Kind;

// Keys of comments and editors, which CheckSettings passes over.
constexpr const char* kCommentKeys = "^(_|//|#|\\$schema$)";

// Both call each other: tables hold settings, settings hold tables.
Json SchemaOf(const SettingTable& table);

void AddRange(const Setting& setting, Json& json) {
  if (std::isfinite(setting.min))
    json[setting.above_min ? "exclusiveMinimum" : "minimum"] = setting.min;
  if (std::isfinite(setting.max)) json["maximum"] = setting.max;
}

Json SchemaOf(const Setting& setting) {
  Json json;
  json["description"] = setting.help;
  switch (setting.kind) {
    case Kind::kBool:
      if (setting.words.empty()) {
        json["type"] = "boolean";
      } else {
        json["enum"] = {true, false};
        for (const std::string& word : setting.words) json["enum"].push_back(word);
      }
      break;
    case Kind::kInteger:
    case Kind::kNumber:
      json["type"] = setting.kind == Kind::kInteger ? "integer" : "number";
      AddRange(setting, json);
      break;
    case Kind::kWord:
      json["enum"] = setting.words;
      break;
    case Kind::kText:
      // YAML's 5 is a text where a text is asked for: editors must not mark it.
      json["type"] = {"string", "number"};
      break;
    case Kind::kWords:
      json["type"] = "array";
      json["items"]["enum"] = setting.words;
      break;
    case Kind::kTexts:
      json["type"] = "array";
      json["items"]["type"] = "string";
      break;
    case Kind::kObject:
      json.update(SchemaOf(*setting.object));
      break;
    case Kind::kObjects:
      json["type"] = "array";
      json["items"] = SchemaOf(*setting.object);
      break;
    case Kind::kNamed:
      json["type"] = "object";
      json["additionalProperties"] = SchemaOf(*setting.object);
      break;
    case Kind::kObjectOrFile:
      json = SchemaOf(*setting.object);
      // The file that holds the map, by its name.
      json["type"] = {"object", "string"};
      break;
    case Kind::kAnything:
      break;
  }
  return json;
}

Json SchemaOf(const SettingTable& table) {
  Json json;
  json["type"] = "object";
  if (!table.is_open) {
    json["additionalProperties"] = false;
    json["patternProperties"][kCommentKeys] = true;
  }
  for (const Setting& setting : table.settings)
    json["properties"][setting.name] = SchemaOf(setting);
  for (const Setting& setting : table.settings) {
    if (setting.required) json["required"].push_back(setting.name);
  }
  return json;
}

std::string Values(const Setting& setting) {
  switch (setting.kind) {
    case Kind::kBool:
      return fmt::format("true, false{}{}", setting.words.empty() ? "" : ", ",
                         fmt::join(setting.words, ", "));
    case Kind::kInteger:
    case Kind::kNumber: {
      std::string text = setting.kind == Kind::kInteger ? "whole number" : "number";
      if (std::isfinite(setting.min))
        text += fmt::format("{} {}", setting.above_min ? " above" : " from", setting.min);
      if (std::isfinite(setting.max)) text += fmt::format(" to {}", setting.max);
      return text;
    }
    case Kind::kWord:
      return fmt::format("{}", fmt::join(setting.words, ", "));
    case Kind::kText:
      return "text";
    case Kind::kWords:
      return fmt::format("list of {}", fmt::join(setting.words, ", "));
    case Kind::kTexts:
      return "list of texts";
    case Kind::kObject:
      return "map: " + setting.object->title;
    case Kind::kObjects:
      return "list of maps: " + setting.object->title;
    case Kind::kNamed:
      return "map from names to maps: " + setting.object->title;
    case Kind::kObjectOrFile:
    case Kind::kAnything:
      return "see the last column";
  }
  return "";
}

std::string Code(const std::string& text) { return text.empty() ? "" : "`" + text + "`"; }

std::string Markdown(const SettingTable& table) {
  std::string out =
      "| key | values | default | example | in the exported file |\n|---|---|---|---|---|\n";
  for (const Setting& setting : table.settings) {
    if (!setting.listed) continue;
    out += fmt::format("| {} | {} | {} | {} | {} |\n", Code(setting.name), Values(setting),
                       setting.fallback, Code(setting.example), setting.help);
  }
  return out;
}

// Every table by the name its marker has.
std::map<std::string, const SettingTable*> AllTables() {
  std::map<std::string, const SettingTable*> tables;
  const auto add = [&](const auto& self, const SettingTable& table) -> void {
    // Tables that several settings share are visited once.
    if (!tables.emplace(table.title, &table).second) return;
    for (const Setting& setting : table.settings) {
      if (setting.object != nullptr) self(self, *setting.object);
    }
  };
  for (const Dialect& dialect : Dialects()) add(add, dialect.table());
  return tables;
}

// "a parameter object", or "rules of Vitis".
std::string TextOf(const std::string& name,
                   const std::map<std::string, const SettingTable*>& tables) {
  for (const Dialect& dialect : Dialects())
    if (name == fmt::format("rules of {}", dialect.name)) return MarkdownOfRules(dialect.rules());
  const auto table = tables.find(name);
  QCONVERT_CHECK(table != tables.end());
  return Markdown(*table->second);
}

}  // namespace

std::vector<std::string> DialectNames() {
  std::vector<std::string> names;
  for (const Dialect& dialect : Dialects()) names.emplace_back(dialect.name);
  return names;
}

std::string SchemaFileName(std::string dialect) {
  dialect[0] = static_cast<char>(dialect[0] - 'A' + 'a');
  return dialect + ".schema.json";
}

std::string JsonSchema(const std::string& name) {
  const auto dialect = std::find_if(Dialects().begin(), Dialects().end(),
                                    [&](const Dialect& one) { return one.name == name; });
  QCONVERT_CHECK(dialect != Dialects().end());
  const SettingTable& table = dialect->table();
  Json json;
  json["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  json["title"] = fmt::format("qconvert settings in {}", table.title);
  // $schema and title stay in front.
  json.update(SchemaOf(table));
  return json.dump(2) + "\n";
}

std::string FillReference(const std::string& page) {
  static constexpr std::string_view kBegin = "<!-- keys: ";
  static constexpr std::string_view kEnd = "<!-- end -->";
  const auto tables = AllTables();
  std::string out;
  size_t at = 0;
  for (;;) {
    const size_t begin = page.find(kBegin, at);
    if (begin == std::string::npos) return out + page.substr(at);
    const size_t line_end = page.find('\n', begin) + 1;
    const size_t name_end = page.find(" -->", begin);
    const size_t end = page.find(kEnd, line_end);
    // A marker stands in one line, and has its end.
    QCONVERT_CHECK(name_end < line_end && end != std::string::npos);
    const std::string name = page.substr(begin + kBegin.size(), name_end - begin - kBegin.size());
    out += page.substr(at, line_end - at) + TextOf(name, tables);
    at = end;
  }
}

}  // namespace qconvert
