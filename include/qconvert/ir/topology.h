// Who writes and who reads a value, and the order of nodes.
#ifndef QCONVERT_IR_TOPOLOGY_H_
#define QCONVERT_IR_TOPOLOGY_H_

#include <cstddef>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// One reading of a value: node index in graph.nodes and input slot.
// A value captured by a subgraph of the node has slot kCaptured.
struct Use {
  static constexpr size_t kCaptured = static_cast<size_t>(-1);
  size_t node = 0;
  size_t slot = 0;
};

// Index over one graph level. Valid until the graph's nodes change.
class Topology {
 public:
  explicit Topology(const Graph& graph);

  // Node that writes `value`, or nullptr for inputs, initializers and names of outer graphs.
  const Node* Producer(const std::string& value) const;
  // Index of that node, or kNpos.
  static constexpr size_t kNpos = static_cast<size_t>(-1);
  size_t ProducerIndex(const std::string& value) const;
  // All readings of `value`, in node order.
  const std::vector<Use>& Uses(const std::string& value) const;
  bool IsGraphOutput(const std::string& value) const { return outputs_.contains(value); }
  // True when exactly one node slot reads `value` and it is no graph output.
  bool HasSingleUse(const std::string& value) const;

 private:
  const Graph& graph_;
  std::unordered_map<std::string, size_t> producer_;
  std::unordered_map<std::string, std::vector<Use>> uses_;
  std::unordered_set<std::string> outputs_;
};

// Values of outer levels that the graph (with its own subgraphs) reads.
std::set<std::string> CapturedValues(const Graph& graph);

// Sorts graph.nodes so that producers come first, keeping the given order where it is free. Returns
// the name of a value on a cycle, or "" when sorted. Captured values count as inputs of the node
// that holds the subgraph.
std::string SortNodes(Graph& graph);

// Removes the nodes that are marked (one mark per node), keeping the order of the others. Returns
// how many.
size_t RemoveNodes(Graph& graph, const std::vector<bool>& marked);

// Removes nodes whose outputs nobody reads, and initializers and value_info without a reader.
// Returns how many nodes.
size_t RemoveDeadNodes(Graph& graph);

// Every name used on this level or below: inputs, outputs, initializers, values, subgraphs.
std::unordered_set<std::string> AllNames(const Graph& graph);

// Makes names that nothing in the graph has: prefix + counter, short.
class NameMaker {
 public:
  explicit NameMaker(const Graph& graph) : taken_(AllNames(graph)) {}
  std::string Make(const std::string& prefix);

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, size_t> next_;
};

}  // namespace qconvert

#endif  // QCONVERT_IR_TOPOLOGY_H_
