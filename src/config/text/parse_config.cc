#include "text/parse_config.h"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/base/utf8.h"
#include "text/json_syntax.h"
#include "text/setting_table.h"

namespace qconvert {
namespace {

using Source = std::shared_ptr<const std::string>;

// Thrown out of the parser's callbacks; never leaves this file.
struct Refusal {
  ConfigPlace place;
  std::string message;
};

// True when quotes make a number, a bool or null of `text` a text.
bool QuotesMatter(const std::string& text) {
  return text.empty() || text == "true" || text == "false" || YAML::IsNullString(text) ||
         FindNumber(text).has_value();
}

// 8 and 8.0 are one number, "8" in quotes is none.
bool SameScalar(const ConfigNode& a, const ConfigNode& b) {
  if (a.scalar == b.scalar) return a.quoted == b.quoted || !QuotesMatter(a.scalar);
  if (a.quoted || b.quoted) return false;
  const auto number = FindNumber(a.scalar);
  return number && number == FindNumber(b.scalar);
}

// True when both mean the same; maps in any order.
bool SameValue(const ConfigNode& a, const ConfigNode& b) {
  if (a.kind != b.kind || !SameScalar(a, b) || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  std::map<std::string_view, const ConfigNode*> of_b;
  for (const auto& [key, value] : b.entries) of_b.emplace(key.scalar, &value);
  const auto same_entry = [&](const ConfigEntry& entry) {
    const auto other = of_b.find(entry.key.scalar);
    return other != of_b.end() && SameValue(entry.value, *other->second);
  };
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), SameValue) &&
         std::all_of(a.entries.begin(), a.entries.end(), same_entry);
}

// Builds the tree from parser events: the way to see anchors, depth and duplicates before they cost
// anything.
class TreeBuilder : public YAML::EventHandler {
 public:
  // Without `warnings` every key that is given twice is an error.
  TreeBuilder(Source source, std::vector<std::string>* warnings)
      : source_(std::move(source)), warnings_(warnings) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(started_, true))
      throw Refusal{PlaceOf(mark), "has a second document, expected one"};
  }
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    throw Refusal{PlaceOf(mark), "aliases are not allowed"};
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    ConfigNode node;
    Finish(mark, "", anchor, std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    ConfigNode node;
    node.kind = ConfigNode::Kind::kScalar;
    node.scalar = value;
    // The library's tag of scalars in quotes; plain ones have "?".
    node.quoted = tag == "!";
    if (!node.quoted && (value == "null" || value == "~")) node.kind = ConfigNode::Kind::kNull;
    // YAML's other spellings; JSON has been checked to have none.
    if (!node.quoted && (value == "True" || value == "TRUE")) node.scalar = "true";
    if (!node.quoted && (value == "False" || value == "FALSE")) node.scalar = "false";
    Finish(mark, tag, anchor, std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, anchor, ConfigNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, anchor, ConfigNode::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

  ConfigNode TakeRoot() { return std::move(root_); }

 private:
  struct OpenNode {
    ConfigNode node;
    std::vector<ConfigNode> parts;  // items, or keys and values in turn
  };

  ConfigPlace PlaceOf(const YAML::Mark& mark) const {
    return {source_, mark.line + 1, mark.column + 1};
  }

  void CheckPlain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor) throw Refusal{PlaceOf(mark), "anchors are not allowed"};
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refusal{PlaceOf(mark), fmt::format("tag '{}' is not allowed", tag)};
    }
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            ConfigNode::Kind kind) {
    CheckPlain(mark, tag, anchor);
    // Readers call themselves for every level.
    if (open_.size() >= static_cast<size_t>(kMaxConfigDepth)) {
      throw Refusal{PlaceOf(mark), fmt::format("is nested deeper than {} levels", kMaxConfigDepth)};
    }
    open_.emplace_back();
    open_.back().node.kind = kind;
    open_.back().node.place = PlaceOf(mark);
  }

  void Close() {
    OpenNode done = std::move(open_.back());
    open_.pop_back();
    if (done.node.kind == ConfigNode::Kind::kSequence) {
      done.node.items = std::move(done.parts);
    } else {
      AddEntries(std::move(done.parts), done.node);
    }
    Add(std::move(done.node));
  }

  // Keys and values in turn -> entries; of equal ones the first stays, but for a null, which gives
  // nothing.
  void AddEntries(std::vector<ConfigNode> parts, ConfigNode& map) {
    std::map<std::string, size_t> entry_of;
    for (size_t i = 0; i + 1 < parts.size(); i += 2) {
      // By a map: a search through the entries would be quadratic in the keys of a file.
      const auto [first, fresh] = entry_of.emplace(parts[i].scalar, map.entries.size());
      if (fresh) {
        map.entries.emplace_back(std::move(parts[i]), std::move(parts[i + 1]));
      } else {
        ConfigEntry& stays = map.entries[first->second];
        CheckRepeated(stays, parts[i], parts[i + 1]);
        if (stays.value.kind == ConfigNode::Kind::kNull) stays.value = std::move(parts[i + 1]);
      }
    }
  }

  void CheckRepeated(const ConfigEntry& first, const ConfigNode& key, const ConfigNode& value) {
    const auto is_null = [](const ConfigNode& one) { return one.kind == ConfigNode::Kind::kNull; };
    const bool same = SameValue(first.value, value);
    const bool fits = warnings_ != nullptr && (same || is_null(first.value) || is_null(value));
    const std::string_view how = !fits ? "" : same ? " with the same value" : ", once as null";
    const std::string message = fmt::format("key '{}' is given twice{}, first at line {}",
                                            key.scalar, how, first.key.place.line);
    if (!fits) throw Refusal{key.place, message};
    if (warnings_->size() < kMaxWarnings)
      warnings_->push_back(key.place.Text() + ": " + EscapeForTerminal(message));
  }

  void Finish(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              ConfigNode node) {
    CheckPlain(mark, tag, anchor);
    node.place = PlaceOf(mark);
    Add(std::move(node));
  }

  void Add(ConfigNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenNode& parent = open_.back();
    const bool is_key = parent.node.kind == ConfigNode::Kind::kMap && parent.parts.size() % 2 == 0;
    if (is_key && node.kind != ConfigNode::Kind::kScalar)
      throw Refusal{node.place, "a key must be a word"};
    parent.parts.push_back(std::move(node));
  }

  static constexpr size_t kMaxWarnings = 100;

  Source source_;
  std::vector<std::string>* warnings_;
  bool started_ = false;
  std::vector<OpenNode> open_;
  ConfigNode root_;
};

[[noreturn]] void Throw(const ConfigPlace& place, std::string_view message) {
  throw ConfigError({place.Text() + ": " + EscapeForTerminal(message)});
}

ConfigPlace PlaceOfByte(const Source& source, std::string_view text, size_t byte) {
  const std::string_view before = text.substr(0, byte);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {source, static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(byte - line_start) + 1};
}

bool IsJson(std::string_view file) { return file.ends_with(".json"); }

void CheckText(const std::string& text, const Source& source) {
  const size_t nul = text.find('\0');
  if (nul != std::string::npos)
    Throw(PlaceOfByte(source, text, nul), "holds a NUL byte, expected UTF-8 text");
  const size_t invalid = FindInvalidUtf8(text);
  if (invalid != std::string::npos) Throw(PlaceOfByte(source, text, invalid), "is not UTF-8 text");
  if (!IsJson(*source)) return;
  const auto error = FindJsonError(text, kMaxConfigDepth);
  if (error) Throw(PlaceOfByte(source, text, error->byte), error->message);
}

// The one document of `text`.
ConfigNode ParseText(const std::string& text, const Source& source,
                     std::vector<std::string>* warnings) {
  std::istringstream stream(text);
  TreeBuilder builder(source, warnings);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refusal& refusal) {
    Throw(refusal.place, refusal.message);
  } catch (const YAML::DeepRecursion&) {
    // Before its base class, whose message says nothing of levels.
    Throw({source}, fmt::format("is nested deeper than {} levels", kMaxConfigDepth));
  } catch (const YAML::Exception& e) {
    Throw({source, e.mark.line + 1, e.mark.column + 1}, e.msg);
  }
  return builder.TakeRoot();
}

void SetPlaces(ConfigNode& node, const ConfigPlace& place) {
  node.place = place;
  for (ConfigNode& item : node.items) SetPlaces(item, place);
  for (auto& [key, value] : node.entries) {
    SetPlaces(key, place);
    SetPlaces(value, place);
  }
}

}  // namespace

ConfigNode ParseConfig(const std::string& text, const std::string& file,
                       std::vector<std::string>* warnings) {
  const auto source = std::make_shared<const std::string>(file);
  CheckText(text, source);
  ConfigNode root = ParseText(text, source, warnings);
  if (root.kind == ConfigNode::Kind::kNull) Throw({source}, "is empty, expected settings");
  if (root.kind != ConfigNode::Kind::kMap) Throw(root.place, "expected a map of settings");
  return root;
}

ConfigNode ParseConfigValue(const std::string& text, const std::string& source) {
  const auto place = std::make_shared<const std::string>(source);
  // No lines and columns: those are of the option's value, which the user sees whole.
  ConfigNode value = ParseText(text, place, nullptr);
  SetPlaces(value, {place});
  return value;
}

ConfigNode DefaultValue(const std::string& text) {
  ConfigNode value = ParseConfigValue(text, "default");
  SetPlaces(value, {});
  return value;
}

}  // namespace qconvert
