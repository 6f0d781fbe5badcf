// The parsed text of a config file with the place of every part: YAML, and JSON as its subset.
#ifndef QCONVERT_CONFIG_CONFIG_NODE_H_
#define QCONVERT_CONFIG_CONFIG_NODE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/base/error.h"

namespace qconvert {

struct ConfigPlace {
  int line = 0;  // from 1; 0: the file as a whole; kOverride: a --set on the command line
  static constexpr int kOverride = -1;
  int column = 0;
};

struct ConfigNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  Kind kind = Kind::kNull;
  ConfigPlace place;
  std::string scalar;
  bool quoted = false;            // a quoted scalar is text, never a number or a bool
  std::vector<ConfigNode> items;  // of a sequence
  std::vector<std::pair<ConfigNode, ConfigNode>> entries;  // of a map, in file order, keys unique
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
  explicit ConfigProblems(std::string file) : file_(std::move(file)) {}
  void Add(const ConfigPlace& place, std::string_view message);
  bool empty() const { return problems_.empty(); }
  void ThrowIfAny() const;

 private:
  std::string file_;
  std::vector<std::string> problems_;
};

inline constexpr int kMaxConfigDepth = 64;
inline constexpr int64_t kMaxConfigBytes = 1 << 20;

// Parses one document. Throws ConfigError naming `file`: syntax errors, duplicate keys (both
// lines), anchors, aliases and tags, nesting deeper than kMaxConfigDepth, several documents, text
// that is not UTF-8, an empty document.
ConfigNode ParseConfig(const std::string& text, const std::string& file);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_CONFIG_NODE_H_
