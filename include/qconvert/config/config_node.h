// The parsed text of a config file with the place of every part: YAML, and JSON as its subset.
#ifndef QCONVERT_CONFIG_CONFIG_NODE_H_
#define QCONVERT_CONFIG_CONFIG_NODE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/base/error.h"

namespace qconvert {

// Where a setting was written.
struct ConfigPlace {
  std::shared_ptr<const std::string> source;  // the file, or "--set KEY=VALUE"; null: a default
  int line = 0;                               // from 1; 0: the source as a whole
  int column = 0;

  bool is_default() const { return source == nullptr; }
  // "c.json:3:7", "--set KEY=VALUE" or "default", fit for a terminal.
  std::string Text() const;
};

struct ConfigEntry;

struct ConfigNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  Kind kind = Kind::kNull;
  ConfigPlace place;
  std::string scalar;
  bool quoted = false;               // a quoted scalar is text, never a number or a bool
  std::vector<ConfigNode> items;     // of a sequence
  std::vector<ConfigEntry> entries;  // of a map, in file order, keys unique

  // The value under `key` of a map, or null.
  const ConfigNode* Find(std::string_view key) const;
  // The text as people would write it: the scalar, "null", "a list" or "a map".
  std::string Shown() const;
};

struct ConfigEntry {
  ConfigEntry(ConfigNode name, ConfigNode setting)
      : key(std::move(name)), value(std::move(setting)) {}
  ConfigNode key;
  ConfigNode value;
};

// All problems of a config at once. what() is the first; `problems` has one "file:line:col:
// message" each.
class ConfigError : public Error {
 public:
  explicit ConfigError(std::vector<std::string> problems);
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::vector<std::string> problems_;
};

// Collects problems while a reader goes on, then fails once.
class ConfigProblems {
 public:
  // `file` stands in for places that are defaults.
  explicit ConfigProblems(std::string file) : file_(std::move(file)) {}
  void Add(const ConfigPlace& place, std::string_view message);
  bool empty() const { return problems_.empty(); }
  // Further problems are counted, not told.
  bool full() const { return problems_.size() >= kMaxProblems; }
  // What was collected, in the order of the file.
  std::vector<std::string> Texts() const;
  // Throws them.
  void ThrowIfAny() const;

 private:
  static constexpr size_t kMaxProblems = 100;
  struct Problem {
    int line;
    int column;
    std::string text;
  };
  std::string file_;
  std::vector<Problem> problems_;
  size_t untold_ = 0;
};

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_CONFIG_NODE_H_
