#include "setting_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "dialect.h"
#include "qconvert/config/any_settings.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = SettingRule::Kind;

// A setting that a row speaks of: as it was written, or its default.
struct Said {
  const ConfigNode* node = nullptr;  // null: not written
  const Setting* setting = nullptr;  // null: in no table
  std::string word = {};             // of the value; "is given" has none
};

bool IsOneOf(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// A default that is a value, not a text about one.
bool IsValue(const Setting& setting) {
  if (setting.kind == Setting::Kind::kBool)
    return setting.fallback == "true" || setting.fallback == "false";
  return setting.kind == Setting::Kind::kWord ? IsOneOf(setting.words, setting.fallback)
                                              : FindNumber(setting.fallback).has_value();
}

Said FindSaid(const ConfigNode& root, const SettingTable& table,
              const std::vector<std::string>& path) {
  Said said{.node = &root};
  const SettingTable* keys = &table;
  for (const std::string& key : path) {
    said.setting = keys == nullptr ? nullptr : keys->Find(key);
    keys = said.setting == nullptr ? nullptr : said.setting->object;
    said.node = said.node == nullptr ? nullptr : FindValue(*said.node, key);
  }
  if (said.node != nullptr) {
    if (said.node->kind == ConfigNode::Kind::kScalar) said.word = said.node->scalar;
  } else if (said.setting != nullptr && IsValue(*said.setting)) {
    said.word = said.setting->fallback;
  }
  return said;
}

bool Fits(std::string_view values, const Said& said) {
  if (values.empty()) return said.node != nullptr;
  if (said.word.empty()) return false;
  const bool others = values.starts_with('!');
  return IsOneOf(SplitList(values.substr(others ? 1 : 0), '|'), said.word) != others;
}

// "scheme static", and where that was written.
std::string Shown(std::string_view key, const Said& said) {
  std::string text(key.substr(key.rfind('.') + 1));
  if (!said.word.empty()) text += " " + said.word;
  return fmt::format("{} ({})", text,
                     said.node != nullptr ? said.node->place.Text() : "the default");
}

bool IsDefault(const Said& said) {
  return said.setting != nullptr && IsValue(*said.setting) && said.word == said.setting->fallback;
}

bool IsOption(const ConfigPlace& place) { return !place.is_default() && place.line == 0; }

class Checker {
 public:
  Checker(const ConfigNode& root, const SettingTable& table, const QuantConfig& config,
          ReadContext& context)
      : root_(root), table_(table), config_(config), context_(context) {}

  void Check(std::string_view section, const SettingRule& rule) {
    const Said told = Find(section, rule.key);
    if (told.node == nullptr || !Fits(rule.value, told)) return;
    const std::string key(rule.key.substr(rule.key.rfind('.') + 1));
    if (rule.when != nullptr) {
      if (IsDefault(told) || !rule.when(config_)) return;
      const std::string message = fmt::format("{} has no effect: {}", key, rule.why);
      return rule.kind == Kind::kNote ? context_.Inform(told.node->place, message)
                                      : context_.Warn(told.node->place, message);
    }
    const Said other = Find(section, rule.beside);
    if (!Fits(rule.beside_value, other)) return;
    const std::string why = rule.why.empty() ? "" : fmt::format(": {}", rule.why);
    const bool needs_both = rule.kind == Kind::kContradiction || rule.written;
    if (needs_both && other.node == nullptr) return;
    // Who says something else on the command line knows that it wins.
    if (rule.kind == Kind::kContradiction && !IsOption(other.node->place)) {
      context_.problems.Add(told.node->place, fmt::format("{}{}{} and {} exclude each other{}", key,
                                                          told.word.empty() ? "" : " ", told.word,
                                                          Shown(rule.beside, other), why));
    } else if (!IsDefault(told) && !IsTold(*told.node, key)) {
      context_.Warn(told.node->place,
                    fmt::format("{} has no effect with {}{}", key, Shown(rule.beside, other), why));
    }
  }

 private:
  // By another rule: one reason is enough.
  bool IsTold(const ConfigNode& idle, const std::string& key) const {
    const std::string told = fmt::format("{}: {} has no effect", idle.place.Text(), key);
    const std::vector<std::string>& warnings = context_.notes.warnings;
    return std::any_of(warnings.begin(), warnings.end(),
                       [&](const std::string& one) { return one.starts_with(told); });
  }

  Said Find(std::string_view section, std::string_view key) const {
    std::vector<std::string> path = SplitList(key, '.');
    if (!section.empty()) path.insert(path.begin(), std::string(section));
    return FindSaid(root_, table_, path);
  }

  const ConfigNode& root_;
  const SettingTable& table_;
  const QuantConfig& config_;
  ReadContext& context_;
};

std::string Code(std::string_view key, std::string_view values) {
  const bool others = values.starts_with('!');
  std::string words =
      fmt::format("{}", fmt::join(SplitList(values.substr(others ? 1 : 0), '|'), ", "));
  if (words.empty()) return fmt::format("`{}`", key);
  return fmt::format("`{}` {}{}", key, others ? "other than " : "", words);
}

constexpr SettingRule kOurKeys[] = {
    {.kind = Kind::kIdle,
     .key = "objective",
     .value = "speed",
     .why = "scheme auto of target CPU alone weighs time",
     .when =
         [](const QuantConfig& config) {
           return config.scheme != Scheme::kAuto || config.target_device != TargetDevice::kCpu;
         }},
    {.kind = Kind::kIdle,
     .key = "processor",
     .why = "kernels are chosen for target CPU alone",
     .when = [](const QuantConfig& config) { return config.target_device != TargetDevice::kCpu; }},
    {.kind = Kind::kIdle,
     .key = "effort",
     .value = "high",
     .why = "nothing is learned in scheme dynamic",
     .when = [](const QuantConfig& config) { return config.scheme == Scheme::kDynamic; }},
};

}  // namespace

void CheckRules(const ConfigNode& root, const SettingTable& table,
                std::span<const SettingRules> rules, const QuantConfig& config,
                ReadContext& context) {
  Checker checker(root, table, config, context);
  for (const auto& [section, rows] : rules)
    for (const SettingRule& rule : rows) checker.Check(section, rule);
}

std::span<const SettingRule> RulesOfOurKeys() { return kOurKeys; }

std::string MarkdownOfRules(std::span<const SettingRules> rules) {
  std::string out = "| setting | beside | what is told |\n|---|---|---|\n";
  for (const auto& [section, rows] : rules) {
    for (const SettingRule& rule : rows) {
      const char* told = rule.kind == Kind::kContradiction ? "error"
                         : rule.kind == Kind::kIdle        ? "warning: no effect"
                                                           : "info: no effect";
      out += fmt::format("| {} | {} | {}{}{} |\n", Code(rule.key, rule.value),
                         rule.when != nullptr ? "" : Code(rule.beside, rule.beside_value), told,
                         rule.why.empty() ? "" : ": ", rule.why);
    }
  }
  return out;
}

}  // namespace qconvert
