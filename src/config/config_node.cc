#include "qconvert/config/config_node.h"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

namespace qconvert {
namespace {

ConfigPlace PlaceOf(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

// Thrown out of the parser's callbacks; never leaves this file.
struct Refusal {
  ConfigPlace place;
  std::string message;
};

// Builds the tree from parser events: the way to see anchors, depth and duplicates before they cost
// anything.
class TreeBuilder : public YAML::EventHandler {
 public:
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
    node.quoted = tag == "!";
    if (!node.quoted && (value == "null" || value == "~")) node.kind = ConfigNode::Kind::kNull;
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
    std::vector<ConfigNode> parts;            // items, or keys and values in turn
    std::map<std::string, ConfigPlace> keys;  // of a map
  };

  static void CheckPlain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) throw Refusal{PlaceOf(mark), "anchors are not allowed"};
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refusal{PlaceOf(mark), fmt::format("tag '{}' is not allowed", tag)};
    }
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            ConfigNode::Kind kind) {
    CheckPlain(mark, tag, anchor);
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
      for (size_t i = 0; i + 1 < done.parts.size(); i += 2) {
        done.node.entries.emplace_back(std::move(done.parts[i]), std::move(done.parts[i + 1]));
      }
    }
    Add(std::move(done.node));
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
    if (is_key) {
      if (node.kind != ConfigNode::Kind::kScalar) throw Refusal{node.place, "a key must be a word"};
      const auto [first, fresh] = parent.keys.emplace(node.scalar, node.place);
      if (!fresh) {
        throw Refusal{node.place, fmt::format("key '{}' is given twice, first at line {}",
                                              node.scalar, first->second.line)};
      }
    }
    parent.parts.push_back(std::move(node));
  }

  bool started_ = false;
  std::vector<OpenNode> open_;
  ConfigNode root_;
};

std::string At(const std::string& file, const ConfigPlace& place, std::string_view message) {
  const std::string where = place.line > 0 ? fmt::format("{}:{}:{}", file, place.line, place.column)
                            : place.line == ConfigPlace::kOverride ? "--set"
                                                                   : file;
  return EscapeForTerminal(where) + ": " + EscapeForTerminal(message);
}

[[noreturn]] void Throw(const std::string& file, const ConfigPlace& place,
                        std::string_view message) {
  throw ConfigError({At(file, place, message)});
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> problems)
    : Error(ExitCode::kConfig, "", problems.at(0)), problems_(std::move(problems)) {}

void ConfigProblems::Add(const ConfigPlace& place, std::string_view message) {
  problems_.push_back(At(file_, place, message));
}

void ConfigProblems::ThrowIfAny() const {
  if (!problems_.empty()) throw ConfigError(problems_);
}

ConfigNode ParseConfig(const std::string& text, const std::string& file) {
  if (text.find('\0') != std::string::npos)
    Throw(file, {}, "holds a NUL byte, expected UTF-8 text");
  std::istringstream stream(text);
  TreeBuilder builder;
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refusal& refusal) {
    Throw(file, refusal.place, refusal.message);
  } catch (const YAML::DeepRecursion&) {
    Throw(file, {}, fmt::format("is nested deeper than {} levels", kMaxConfigDepth));
  } catch (const YAML::Exception& e) {
    Throw(file, PlaceOf(e.mark), e.msg);
  }
  ConfigNode root = builder.TakeRoot();
  if (root.kind == ConfigNode::Kind::kNull) Throw(file, {}, "is empty, expected settings");
  if (root.kind != ConfigNode::Kind::kMap) Throw(file, root.place, "expected a map of settings");
  return root;
}

}  // namespace qconvert
