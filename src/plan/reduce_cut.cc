#include "reduce_cut.h"

#include <algorithm>
#include <utility>

namespace qconvert {
namespace {

// What the labels integer and float of a node cost, by the labels of its neighbours.
template <typename IsInteger>
std::pair<int64_t, int64_t> CostsOfLabels(int64_t cost, const CutReduction::Links& links,
                                          const IsInteger& is_integer) {
  int64_t on_integer = cost;
  int64_t on_float = 0;
  for (const auto& [other, link] : links) {
    if (is_integer(other)) {
      on_float += link.when_float;
    } else {
      on_integer += link.when_integer;
    }
  }
  return {on_integer, on_float};
}

}  // namespace

size_t CutReduction::AddNode() {
  nodes_.emplace_back();
  return nodes_.size() - 1;
}

void CutReduction::AddLink(size_t node, size_t other, int64_t when_integer, int64_t when_float) {
  Link& link = nodes_[node].links[other];
  link.when_integer += when_integer;
  link.when_float += when_float;
  nodes_[node].when_integer += when_integer;
  nodes_[node].when_float += when_float;
}

void CutReduction::AddCost(size_t integer, size_t other, int64_t cost) {
  if (integer == other || cost == 0) return;
  AddLink(integer, other, cost, 0);
  AddLink(other, integer, 0, cost);
}

void CutReduction::Reduce() {
  for (size_t n = nodes_.size(); n > 0; --n) open_.push_back(n - 1);
  while (!open_.empty()) {
    const size_t node = open_.back();
    open_.pop_back();
    if (nodes_[node].taken || !TakeOut(node)) continue;
    nodes_[node].taken = true;
    order_.push_back(node);
  }
}

// The neighbours lose the node, which keeps its own links for FindLabels().
void CutReduction::Detach(size_t node) {
  for (const auto& [other, link] : nodes_[node].links) {
    Label& neighbour = nodes_[other];
    neighbour.when_integer -= link.when_float;
    neighbour.when_float -= link.when_integer;
    neighbour.links.erase(node);
    open_.push_back(other);
  }
}

bool CutReduction::TakeOut(size_t node) {
  const Label& label = nodes_[node];
  // Float whatever the others are, or integer whatever they are. An equal sum is float's alone:
  // the integer side is the smallest one.
  const bool is_float = label.cost >= label.when_float;
  if (is_float || -label.cost > label.when_integer) {
    for (const auto& [other, link] : label.links) {
      nodes_[other].cost += is_float ? link.when_float : -link.when_integer;
    }
    Detach(node);
    return true;
  }
  if (label.links.size() > 2) return false;
  // A single neighbour is both.
  const size_t a = label.links.begin()->first;
  const size_t b = label.links.rbegin()->first;
  const auto least = [&](bool a_integer, bool b_integer) {
    const auto [on_integer, on_float] = CostsOfLabels(
        label.cost, label.links, [&](size_t other) { return other == a ? a_integer : b_integer; });
    return std::min(on_integer, on_float);
  };
  const int64_t neither = least(false, false);
  const int64_t first = least(true, false);
  const int64_t second = least(false, true);
  const int64_t both = least(true, true);
  Detach(node);
  // least(a, b) as the sum of a constant, a cost of a, one of b, and one of b without a.
  nodes_[a].cost += first - neither;
  if (a == b) return true;
  nodes_[b].cost += both - first;
  AddCost(b, a, first + second - neither - both);
  return true;
}

void CutReduction::FindLabels(std::vector<bool>& integer) const {
  // Last out, first labelled: what it was linked to then has labels by now.
  for (auto node = order_.rbegin(); node != order_.rend(); ++node) {
    const Label& label = nodes_[*node];
    const auto [on_integer, on_float] = CostsOfLabels(
        label.cost, label.links, [&](size_t other) -> bool { return integer[other]; });
    integer[*node] = on_integer < on_float;
  }
}

}  // namespace qconvert
