// Parts of a graph that everything enters by one value and leaves by one.
#ifndef QCONVERT_PLAN_FIND_BLOCKS_H_
#define QCONVERT_PLAN_FIND_BLOCKS_H_

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// `entry` dominates the nodes, `exit` postdominates them: they read no other value than `entry`
// and each other's, and `exit` is the only one of theirs that is read elsewhere.
struct Block {
  std::string entry;
  std::string exit;
  std::vector<size_t> nodes;   // ascending
  std::vector<size_t> layers;  // of these, the ones that were named

  bool operator==(const Block&) const = default;
};

struct BlockLimits {
  size_t most_nodes = 64;   // of one part that branches
  size_t most_layers = 8;   // of one
  size_t chain_layers = 3;  // layers without a branch between them that make one block
  // Whether a node without layers behind a block may belong to it; empty: any.
  std::function<bool(const Node&)> may_follow = {};
};

// The blocks with two layers or more of a graph whose nodes are sorted, in its order, none within
// another one:
//
//   x ─┬─ L ── Relu ── L ─┬─ Add ── Relu ── ...        one block from x to the last Relu
//      └──────────────────┘
//   x ── L ── Clip ── L ── Clip ── L ── ...            one block of chain_layers
//
// A part that branches, from a fork to where its branches have met, is a block by itself; layers
// beside it are chains. What follows without layers belongs to the block in front. Li et al. 2021,
// "BRECQ: Pushing the Limit of Post-Training Quantization by Block Reconstruction": residual blocks
// as the unit. `layers`: indices of nodes.
std::vector<Block> FindBlocks(const Graph& graph, const std::set<size_t>& layers,
                              const BlockLimits& limits = {});

}  // namespace qconvert

#endif  // QCONVERT_PLAN_FIND_BLOCKS_H_
