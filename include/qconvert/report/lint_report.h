// What qconvert lint tells: which operators of a quantized model a target computes in float, and
// the first rule that each of them breaks.
#ifndef QCONVERT_REPORT_LINT_REPORT_H_
#define QCONVERT_REPORT_LINT_REPORT_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "qconvert/targets/broken_rule.h"

namespace qconvert {

struct LintedNode {
  enum class Kind {
    kInteger,    // an integer kernel computes it
    kAbsorbed,   // a bias Add or clamp that the kernel before it computes
    kFloat,      // `broken` says why
    kUnknown,    // in a body whose types are not known
    kUncertain,  // beside signed codes whose type hangs on where the engine moves a Transpose
    kOther,      // neither reads nor writes values: shapes, constants, pairs themselves
  };
  std::string
      name;  // with the way to its level, see ir/scope.h; its first output where it has none
  std::string op_type;
  Kind kind = Kind::kOther;
  BrokenRule broken = {};
};

struct Lint {
  std::string model;              // as the user named it
  std::string target;             // as the user named it
  std::vector<LintedNode> nodes;  // in the order of the file, bodies behind the node that has them

  bool holds_codes = true;  // whether any node reads or writes codes: it came quantized

  size_t Count(LintedNode::Kind kind) const;
  std::map<std::string, size_t> CountByType(LintedNode::Kind kind) const;
};

// The table for people: counts, the integer operators by type, then the float ones by rule, each
// rule with its nodes. Of a model that is not quantized one line: every node breaks the first rule.
std::string FormatLint(const Lint& lint);

// All of it for scripts, deterministic. `exit_class` is ExitCodeName of the run.
std::string LintJson(const Lint& lint, const std::string& exit_class);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_LINT_REPORT_H_
