#include "qconvert/plan/find_blocks.h"

#include <algorithm>
#include <map>
#include <optional>

#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

class Finder {
 public:
  Finder(const Graph& graph, const std::set<size_t>& layers, const BlockLimits& limits)
      : graph_(graph), topology_(graph), layers_(layers), limits_(limits) {}

  std::vector<Block> Run() {
    for (const Value& input : graph_.inputs) Follow(input.name);
    for (const Node& node : graph_.nodes)
      for (const std::string& output : node.outputs) Follow(output);
    return std::move(blocks_);
  }

 private:
  // One part after the other from a value on, as far as they have no other entry.
  void Follow(std::string value) {
    Block block{.entry = value};
    while (!value.empty() && !done_.contains(value)) {
      const std::optional<Block> part = SmallestPart(value);
      done_.insert(value);
      if (!part || !MayFollow(*part)) break;
      const bool branches = part->nodes.size() > 1;
      const size_t most = branches || branched_ ? 0 : limits_.chain_layers;
      const bool is_full =
          !part->layers.empty() && block.layers.size() + part->layers.size() > most;
      // What has no layers in front of it would only be computed again and again.
      if (is_full || block.layers.empty()) {
        Take(block);
        block = {.entry = value};
        branched_ = false;
      }
      branched_ |= branches && !part->layers.empty();
      block.nodes.insert(block.nodes.end(), part->nodes.begin(), part->nodes.end());
      block.layers.insert(block.layers.end(), part->layers.begin(), part->layers.end());
      value = block.exit = part->exit;
    }
    Take(block);
    branched_ = false;
  }

  bool MayFollow(const Block& part) const {
    if (!limits_.may_follow || !part.layers.empty()) return true;
    return std::all_of(part.nodes.begin(), part.nodes.end(),
                       [&](size_t n) { return limits_.may_follow(graph_.nodes[n]); });
  }

  void Take(Block& block) {
    if (block.layers.size() < 2) return;
    std::sort(block.nodes.begin(), block.nodes.end());
    std::sort(block.layers.begin(), block.layers.end());
    // A value of another chain may come upon nodes that are taken.
    if (std::any_of(block.nodes.begin(), block.nodes.end(),
                    [&](size_t n) { return taken_.contains(n); }))
      return;
    taken_.insert(block.nodes.begin(), block.nodes.end());
    blocks_.push_back(std::move(block));
  }

  // From `entry` to the first value that all of it comes together in.
  std::optional<Block> SmallestPart(const std::string& entry) const {
    Block part{.entry = entry};
    std::map<std::string, size_t> open{{entry, topology_.Uses(entry).size()}};  // readers to come
    std::set<size_t> next;
    const auto add_readers = [&](const std::string& value) {
      for (const Use& use : topology_.Uses(value)) next.insert(use.node);
    };
    if (topology_.IsGraphOutput(entry)) return std::nullopt;
    add_readers(entry);
    while (!next.empty()) {
      // In the order of the graph: what a node reads has been met before it.
      const size_t n = *next.begin();
      next.erase(next.begin());
      const Node& node = graph_.nodes[n];
      if (part.nodes.size() == limits_.most_nodes || node.outputs.size() != 1 ||
          !SubgraphsOf(node).empty() || !Reads(node, open))
        return std::nullopt;
      part.nodes.push_back(n);
      if (layers_.contains(n)) part.layers.push_back(n);
      if (part.layers.size() > limits_.most_layers) return std::nullopt;
      const std::string& output = node.outputs[0];
      open.emplace(output, topology_.Uses(output).size());
      // Nothing but this node's output is still to be read.
      if (open.size() == 1) {
        part.exit = output;
        return part;
      }
      if (topology_.IsGraphOutput(output)) return std::nullopt;
      add_readers(output);
    }
    return std::nullopt;
  }

  // Counts what the node reads; false where that comes from elsewhere.
  bool Reads(const Node& node, std::map<std::string, size_t>& open) const {
    for (const std::string& input : node.inputs) {
      if (input.empty() || graph_.FindInitializer(input) != nullptr) continue;
      const auto it = open.find(input);
      if (it == open.end()) return false;
      if (--it->second == 0) open.erase(it);
    }
    return true;
  }

  const Graph& graph_;
  Topology topology_;
  const std::set<size_t>& layers_;
  const BlockLimits& limits_;
  std::set<std::string> done_;  // values that were an entry
  std::set<size_t> taken_;      // nodes of blocks
  bool branched_ = false;       // the block that is being put together has a branching part
  std::vector<Block> blocks_;
};

}  // namespace

std::vector<Block> FindBlocks(const Graph& graph, const std::set<size_t>& layers,
                              const BlockLimits& limits) {
  return Finder(graph, layers, limits).Run();
}

}  // namespace qconvert
