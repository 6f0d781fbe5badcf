#include "text/setting_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "qconvert/base/check.h"
#include "qconvert/base/suggest.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

bool Has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

template <typename T>
std::optional<T> ParseWhole(std::string_view text) {
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

bool IsNull(const ConfigNode& node) { return node.kind == Kind::kNull; }

// null, and a list of nothing else: an empty list says "none", nulls say nothing.
bool IsNotGiven(const ConfigNode& node) {
  return IsNull(node) ||
         (!node.items.empty() && std::all_of(node.items.begin(), node.items.end(), IsNull));
}

// JSON has no comments: people write them as values of such keys, and editors their schema.
bool IsComment(std::string_view key) {
  return key.starts_with('_') || key.starts_with("//") || key.starts_with('#') || key == "$schema";
}

class Checker {
 public:
  Checker(ConfigProblems& problems, ConfigNotes& notes) : problems_(problems), notes_(notes) {}

  void CheckMap(ConfigNode& map, const SettingTable& table) {
    std::erase_if(map.entries, [&](auto& entry) {
      auto& [key, value] = entry;
      const Setting* setting = table.Find(key.scalar);
      if (setting == nullptr && IsComment(key.scalar)) return true;
      if (setting == nullptr) {
        if (table.is_open && NearestName(key.scalar, table.Names()).empty()) {
          notes_.warnings.push_back(fmt::format("{}: nobody here knows {} '{}', it has no effect",
                                                key.place.Text(), table.title,
                                                EscapeForTerminal(key.scalar)));
          return true;
        }
        RefuseKey(key, table);
        // Told once: readers behind take null for not given, and the entry stays for its place.
        value.kind = Kind::kNull;
        return false;
      }
      if (IsNotGiven(value)) return true;
      Note(key, *setting);
      if (!Check(value, *setting)) value.kind = Kind::kNull;
      return false;
    });
    TakeForWhatIsMeant(map, table);
  }

 private:
  // A misspelt key stands in for the one that it is near to, refused: readers do not tell that one
  // missing besides.
  void TakeForWhatIsMeant(ConfigNode& map, const SettingTable& table) {
    if (problems_.full()) return;
    for (auto& [key, value] : map.entries) {
      if (table.Find(key.scalar) != nullptr) continue;
      const std::string meant = NearestName(key.scalar, table.Names());
      if (!meant.empty() && map.Find(meant) == nullptr) key.scalar = meant;
    }
  }

  void RefuseKey(const ConfigNode& key, const SettingTable& table) {
    // Searching for the nearest name is what a file of a million wrong keys would spend its time
    // on.
    const std::string hint = problems_.full() ? "" : DidYouMean(key.scalar, table.Names());
    problems_.Add(key.place, fmt::format("unknown key '{}'{}", key.scalar, hint));
  }

  void Note(const ConfigNode& key, const Setting& setting) {
    if (setting.compiler_only) {
      notes_.infos.push_back(fmt::format("{}: {} matters to the vendor's compiler alone, no effect",
                                         key.place.Text(), setting.name));
    }
  }

  bool Refuse(const ConfigNode& value, const std::string& name, const std::string& expected) {
    problems_.Add(value.place,
                  fmt::format("{} is '{}', expected {}", name, value.Shown(), expected));
    return false;
  }

  bool Check(ConfigNode& value, const Setting& setting) {
    const std::string& name = setting.name;
    switch (setting.kind) {
      case Setting::Kind::kBool:
        return CheckBool(value, setting);
      case Setting::Kind::kInteger:
      case Setting::Kind::kNumber:
        return CheckNumber(value, setting);
      case Setting::Kind::kWord:
        return CheckWord(value, setting);
      case Setting::Kind::kText:
        if (value.kind == Kind::kScalar && !value.scalar.empty()) return true;
        return Refuse(value, name, "a text");
      case Setting::Kind::kWords:
      case Setting::Kind::kTexts:
        return CheckList(value, setting);
      case Setting::Kind::kObject:
        if (value.kind != Kind::kMap) return Refuse(value, name, "a map");
        CheckMap(value, *setting.object);
        return true;
      case Setting::Kind::kObjects:
      case Setting::Kind::kNamed:
        return CheckObjects(value, setting);
      case Setting::Kind::kObjectOrFile:
      case Setting::Kind::kAnything:
        return true;
    }
    QCONVERT_CHECK(false);
  }

  bool CheckBool(const ConfigNode& value, const Setting& setting) {
    // "true" in quotes is a text in YAML and in JSON.
    const bool is_bool = !value.quoted && (value.scalar == "true" || value.scalar == "false");
    if (value.kind == Kind::kScalar && (is_bool || Has(setting.words, value.scalar))) return true;
    std::vector<std::string> expected = {"true", "false"};
    expected.insert(expected.end(), setting.words.begin(), setting.words.end());
    return Refuse(value, setting.name, fmt::format("{}", fmt::join(expected, " or ")));
  }

  bool CheckNumber(const ConfigNode& value, const Setting& setting) {
    const bool whole = setting.kind == Setting::Kind::kInteger;
    const bool plain = value.kind == Kind::kScalar && !value.quoted;
    std::optional<double> number;
    if (plain && whole) {
      // Bounds are below 2^53: as a double the number is exact where they matter.
      if (const auto integer = FindInteger(value)) number = static_cast<double>(*integer);
    } else if (plain) {
      number = FindNumber(value.scalar);
    }
    const bool low = number && (setting.above_min ? *number <= setting.min : *number < setting.min);
    if (number && !low && *number <= setting.max) return true;
    std::string expected = whole ? "a whole number" : "a number";
    if (std::isfinite(setting.min))
      expected += fmt::format(" {} {}", setting.above_min ? "above" : "of at least", setting.min);
    if (std::isfinite(setting.max)) {
      expected +=
          fmt::format("{} at most {}", std::isfinite(setting.min) ? " and" : " of", setting.max);
    }
    return Refuse(value, setting.name, expected);
  }

  bool CheckWord(const ConfigNode& value, const Setting& setting) {
    if (value.kind == Kind::kScalar && Has(setting.words, value.scalar)) return true;
    problems_.Add(value.place, NotOneOf(setting.name, value.Shown(), setting.words));
    return false;
  }

  bool CheckList(ConfigNode& value, const Setting& setting) {
    if (value.kind != Kind::kSequence) return Refuse(value, setting.name, "a list");
    std::erase_if(value.items, IsNull);
    // Refused items go, the list stays for the others.
    std::erase_if(value.items, [&](const ConfigNode& item) {
      if (setting.kind == Setting::Kind::kWords) return !CheckWord(item, setting);
      if (item.kind == Kind::kScalar && !item.scalar.empty()) return false;
      return !Refuse(item, setting.name, "a list of texts");
    });
    return true;
  }

  bool CheckObjects(ConfigNode& value, const Setting& setting) {
    const bool named = setting.kind == Setting::Kind::kNamed;
    if (value.kind != (named ? Kind::kMap : Kind::kSequence))
      return Refuse(value, setting.name, named ? "a map" : "a list");
    std::erase_if(value.entries, [](const auto& entry) { return IsNull(entry.value); });
    const auto check = [&](ConfigNode& item) {
      // Not erased, nor is what is refused: entries behind it keep their numbers.
      if (IsNull(item)) return;
      if (item.kind == Kind::kMap) return CheckMap(item, *setting.object);
      Refuse(item, setting.name, "maps in it");
      item.kind = Kind::kNull;
    };
    for (ConfigNode& item : value.items) check(item);
    for (auto& [key, item] : value.entries) check(item);
    return true;
  }

  ConfigProblems& problems_;
  ConfigNotes& notes_;
};

}  // namespace

const Setting* SettingTable::Find(std::string_view name) const {
  const auto it = std::find_if(settings.begin(), settings.end(),
                               [&](const Setting& setting) { return setting.name == name; });
  return it == settings.end() ? nullptr : &*it;
}

std::vector<std::string> SettingTable::Names() const {
  std::vector<std::string> names;
  for (const Setting& setting : settings) names.push_back(setting.name);
  return names;
}

void CheckSettings(ConfigNode& map, const SettingTable& table, ConfigProblems& problems,
                   ConfigNotes& notes) {
  Checker(problems, notes).CheckMap(map, table);
}

std::string NotOneOf(std::string_view key, const std::string& found,
                     const std::vector<std::string>& words) {
  return fmt::format("{} is '{}', expected {}{}", key, found, fmt::join(words, ", "),
                     DidYouMean(found, words));
}

std::optional<int64_t> FindInteger(const ConfigNode& node) {
  if (node.kind != Kind::kScalar || node.quoted) return std::nullopt;
  return ParseWhole<int64_t>(node.scalar);
}

std::optional<double> FindNumber(std::string_view text) {
  const auto number = ParseWhole<double>(text);
  // from_chars reads "inf" and "nan" too.
  return number && std::isfinite(*number) ? number : std::nullopt;
}

void CheckFileForm(const ConfigNode& root, std::string_view what, std::string_view format,
                   int version, ConfigProblems& problems) {
  const auto found = [](const ConfigNode* node) {
    return node == nullptr ? "missing" : "'" + node->Shown() + "'";
  };
  const ConfigNode* says = root.Find("format");
  const ConfigNode* counts = root.Find("version");
  // One of both: a file of another kind has no version of this one.
  if (says == nullptr || says->scalar != format) {
    problems.Add(says == nullptr ? root.place : says->place,
                 fmt::format("is no {}: format is {}, expected '{}'", what, found(says), format));
  } else if (counts == nullptr || FindInteger(*counts) != version) {
    problems.Add(counts == nullptr ? root.place : counts->place,
                 fmt::format("version is {}, expected {}", found(counts), version));
  }
  problems.ThrowIfAny();
}

bool AsBool(const ConfigNode& node) { return node.scalar == "true"; }

int64_t AsInteger(const ConfigNode& node) { return ParseWhole<int64_t>(node.scalar).value(); }

double AsNumber(const ConfigNode& node) { return ParseWhole<double>(node.scalar).value(); }

}  // namespace qconvert
