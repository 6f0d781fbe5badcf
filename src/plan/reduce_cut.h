// Makes a minimum cut small before it is solved.
#ifndef QCONVERT_SRC_PLAN_REDUCE_CUT_H_
#define QCONVERT_SRC_PLAN_REDUCE_CUT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace qconvert {

// The costs of min_cut.h as a graph of labels. Reduce() takes out, exactly, every node
//  - whose own cost outweighs whatever its neighbours may pay for it (its label is then known), or
//  - that has at most two neighbours: what its cheaper label costs is again a cost of each of them
//    and of the pair (Kolmogorov and Zabih 2004, theorem 4.1; a minimum over one variable of a
//    submodular function is submodular).
// A chain vanishes as a whole that way, in linear time; what is left branches. The labels that
// FindLabels() gives back are those of the smallest integer side, as of the cut itself.
class CutReduction {
 public:
  // Costs of the labels of one node towards `other`, paid when only the first is integer.
  struct Link {
    int64_t when_integer = 0;  // this node is integer, the other is float
    int64_t when_float = 0;    // the other way round
  };
  using Links = std::map<size_t, Link>;  // by the other node

  explicit CutReduction(size_t nodes) : nodes_(nodes) {}
  size_t AddNode();
  size_t size() const { return nodes_.size(); }

  // Paid when `node` is integer; below 0: when it is float.
  void AddCost(size_t node, int64_t cost) { nodes_[node].cost += cost; }
  // Paid when `integer` has the label integer and `other` the label float.
  void AddCost(size_t integer, size_t other, int64_t cost);

  void Reduce();

  // What Reduce() left.
  bool IsLeft(size_t node) const { return !nodes_[node].taken; }
  int64_t Cost(size_t node) const { return nodes_[node].cost; }
  const Links& LinksOf(size_t node) const { return nodes_[node].links; }

  // Completes `integer`, in which the labels of the nodes that are left are set: true for integer.
  void FindLabels(std::vector<bool>& integer) const;

 private:
  struct Label {
    int64_t cost = 0;
    int64_t when_integer = 0;  // sums over the links
    int64_t when_float = 0;
    Links links;
    bool taken = false;
  };

  bool TakeOut(size_t node);
  void Detach(size_t node);
  void AddLink(size_t node, size_t other, int64_t when_integer, int64_t when_float);

  std::vector<Label> nodes_;
  std::vector<size_t> order_;  // of the nodes taken out, whose links stay as they were then
  std::vector<size_t> open_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PLAN_REDUCE_CUT_H_
