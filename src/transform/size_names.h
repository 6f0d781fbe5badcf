// Sizes that depend on free dimensions, by formulas: what has the same name has the same size.
#ifndef QCONVERT_SRC_TRANSFORM_SIZE_NAMES_H_
#define QCONVERT_SRC_TRANSFORM_SIZE_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// A number, a symbol, or unknown.
struct Length {
  std::optional<int64_t> number;
  std::string symbol;
  bool at_most = false;  // the symbol or less: min(512, S)

  bool is_exact() const { return number.has_value() || (!symbol.empty() && !at_most); }
  bool operator==(const Length&) const = default;
};
using Lengths = std::vector<Length>;

Length Exactly(int64_t number);
Lengths LengthsOf(const std::vector<Dim>& dims);

// Makes names such as "floor((W+1)/2)". Formulas of one symbol are written in one way only,
// whatever steps lead there. All return what is unknown for an operand that is.
class SizeNames {
 public:
  // A formula is never taken for a symbol of the same name that the graph's inputs or outputs have.
  explicit SizeNames(const Graph& graph);

  Length Add(const Length& a, int64_t number);
  // By a number above 0; the quotient is rounded down.
  Length Divide(const Length& a, int64_t divisor);
  Length Multiply(const Length& a, int64_t factor);
  Length Add(const Length& a, const Length& b);
  Length Multiply(const Length& a, const Length& b);
  // A size that follows from `a` and nothing else but what `rule` says, brackets balanced.
  Length Derived(const Length& a, const std::string& rule);
  bool IsFormula(const std::string& symbol) const { return formulas_.contains(symbol); }
  // True when no size of the symbol makes it negative.
  bool IsNatural(const Length& a) const;

 private:
  // floor((times * base + plus) / by) + then
  struct Formula {
    std::string base;
    int64_t times = 1;
    int64_t plus = 0;
    int64_t by = 1;
    int64_t then = 0;
  };

  Formula FormulaOf(const Length& a) const;
  Length NameOf(Formula formula);
  Length NameOf(const std::string& text, const Formula& formula);

  std::unordered_map<std::string, Formula> formulas_;  // by name
  std::unordered_set<std::string> taken_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_SIZE_NAMES_H_
