// Settings that do not go together, as rows that one can read: a language's tables say what a key
// may be, these say beside what. docs/config.md is written from them too.
#ifndef QCONVERT_CONFIG_SETTING_RULES_H_
#define QCONVERT_CONFIG_SETTING_RULES_H_

#include <span>
#include <string>
#include <string_view>

#include "qconvert/config/config_node.h"
#include "qconvert/config/quant_config.h"
#include "text/setting_table.h"

namespace qconvert {

struct ReadContext;

struct SettingRule {
  enum class Kind {
    kIdle,           // `key` has no effect: a warning, unless it says what holds by default anyway
    kNote,           // the same of what --print-config writes always: an info
    kContradiction,  // both were written and cannot both hold: an error
  };
  Kind kind;
  // Keys from the section to the setting that is told, with points between.
  std::string_view key;
  // The words for which the row holds: "a|b"; "!a": any other; empty: whatever was written.
  std::string_view value = {};
  // The setting that it does not go with; where the row is idle its default counts as well.
  std::string_view beside = {};
  std::string_view beside_value = {};
  std::string_view why = {};  // behind the message
  // In place of `beside`: what is said elsewhere, or follows from several keys; `why` says what.
  bool (*when)(const QuantConfig& config) = nullptr;
  bool written = false;  // the default of `beside` does not count
};

// Rows whose keys stand in one section of the file; empty: at top level.
struct SettingRules {
  std::string_view section;
  std::span<const SettingRule> rows;
};

// Tells what of `root`, which CheckSettings has seen, breaks the rules; `config` is what was read.
void CheckRules(const ConfigNode& root, const SettingTable& table,
                std::span<const SettingRules> rules, const QuantConfig& config,
                ReadContext& context);

// Rows of every language that has our keys scheme, objective, processor and effort.
std::span<const SettingRule> RulesOfOurKeys();

// The rows as a table of Markdown.
std::string MarkdownOfRules(std::span<const SettingRules> rules);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_SETTING_RULES_H_
