// The cheapest assignment of two labels: a minimum cut.
#ifndef QCONVERT_SRC_PLAN_MIN_CUT_H_
#define QCONVERT_SRC_PLAN_MIN_CUT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "reduce_cut.h"

namespace qconvert {

// Gives every node the label "integer" or "float" so that the sum of costs is least. Among equal
// sums the one with the fewest integer nodes is taken, so the result does not depend on the order
// of calls. Source: Kolmogorov and Zabih 2004, What Energy Functions Can Be Minimized via Graph
// Cuts, theorem 4.1 (pair costs of unequal labels only).
class MinCut {
 public:
  // More than all estimates together; a million of them still fit into 64 bits.
  static constexpr int64_t kInfinite = int64_t{1} << 43;

  explicit MinCut(size_t nodes) : costs_(nodes) {}
  size_t AddNode() { return costs_.AddNode(); }

  // Paid when `node` is integer, or float. Costs are >= 0.
  void AddIntegerCost(size_t node, int64_t cost) { costs_.AddCost(node, cost); }
  void AddFloatCost(size_t node, int64_t cost) { costs_.AddCost(node, -cost); }
  // Paid when `integer` has the label integer and `other` the label float.
  void AddCost(size_t integer, size_t other, int64_t cost) { costs_.AddCost(integer, other, cost); }

  // True for integer nodes.
  std::vector<bool> Solve() const;

 private:
  CutReduction costs_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PLAN_MIN_CUT_H_
