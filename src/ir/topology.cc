#include "qconvert/ir/topology.h"

#include <algorithm>
#include <queue>
#include <string_view>
#include <utility>

#include "qconvert/ir/sorted.h"

namespace qconvert {
namespace {

// Names a node reads: its inputs and what its subgraphs capture.
std::vector<std::string> ReadNames(const Node& node) {
  std::vector<std::string> names;
  for (const std::string& input : node.inputs) {
    if (!input.empty()) names.push_back(input);
  }
  for (const Graph* subgraph : SubgraphsOf(node)) {
    for (const std::string& captured : CapturedValues(*subgraph)) names.push_back(captured);
  }
  return names;
}

void CollectNames(const Graph& graph, std::unordered_set<std::string>& names) {
  for (const Value& value : graph.inputs) names.insert(value.name);
  for (const Value& value : graph.outputs) names.insert(value.name);
  for (const auto& [name, tensor] : graph.initializers) names.insert(name);
  for (const SparseTensor& sparse : graph.sparse_initializers) names.insert(sparse.values.name);
  for (const Node& node : graph.nodes) {
    names.insert(node.inputs.begin(), node.inputs.end());
    names.insert(node.outputs.begin(), node.outputs.end());
    // A new name must not hide one that a body reads from around it.
    for (const Graph* subgraph : SubgraphsOf(node)) CollectNames(*subgraph, names);
  }
}

}  // namespace

Topology::Topology(const Graph& graph) : graph_(graph) {
  producer_.reserve(graph.nodes.size());
  uses_.reserve(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (const std::string& output : node.outputs) {
      if (!output.empty()) producer_.emplace(output, n);
    }
    for (size_t slot = 0; slot < node.inputs.size(); ++slot) {
      if (!node.inputs[slot].empty()) uses_[node.inputs[slot]].push_back({n, slot});
    }
    for (const Graph* subgraph : SubgraphsOf(node)) {
      for (const std::string& name : CapturedValues(*subgraph)) {
        uses_[name].push_back({n, Use::kCaptured});
      }
    }
  }
  for (const Value& output : graph.outputs) outputs_.insert(output.name);
}

size_t Topology::ProducerIndex(const std::string& value) const {
  const auto it = producer_.find(value);
  return it == producer_.end() ? kNpos : it->second;
}

const Node* Topology::Producer(const std::string& value) const {
  const size_t index = ProducerIndex(value);
  return index == kNpos ? nullptr : &graph_.nodes[index];
}

const std::vector<Use>& Topology::Uses(const std::string& value) const {
  static const std::vector<Use> kNone;
  const auto it = uses_.find(value);
  return it == uses_.end() ? kNone : it->second;
}

bool Topology::HasSingleUse(const std::string& value) const {
  const std::vector<Use>& uses = Uses(value);
  // A capture is one use here, however often the body reads it.
  return uses.size() == 1 && uses[0].slot != Use::kCaptured && !IsGraphOutput(value);
}

std::set<std::string> CapturedValues(const Graph& graph) {
  std::set<std::string> local;
  for (const Value& input : graph.inputs) local.insert(input.name);
  for (const auto& [name, tensor] : graph.initializers) local.insert(name);
  for (const SparseTensor& sparse : graph.sparse_initializers) local.insert(sparse.values.name);
  for (const Node& node : graph.nodes) local.insert(node.outputs.begin(), node.outputs.end());
  std::set<std::string> captured;
  const auto read = [&](const std::string& name) {
    if (!name.empty() && !local.contains(name)) captured.insert(name);
  };
  for (const Node& node : graph.nodes) {
    for (const std::string& name : ReadNames(node)) read(name);
  }
  // A body may pass an outer value on as its output.
  for (const Value& output : graph.outputs) read(output.name);
  return captured;
}

bool IsSorted(const Graph& graph) {
  std::unordered_map<std::string_view, size_t> producer;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const std::string& output : graph.nodes[n].outputs) {
      if (!output.empty()) producer.emplace(output, n);
    }
  }
  const auto stands_before = [&](const std::string& name, size_t n) {
    const auto it = producer.find(name);
    return it == producer.end() || it->second < n;
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const auto is_ready = [&](const std::string& name) { return stands_before(name, n); };
    if (!std::all_of(node.inputs.begin(), node.inputs.end(), is_ready)) return false;
    for (const Graph* subgraph : SubgraphsOf(node)) {
      const std::set<std::string> captured = CapturedValues(*subgraph);
      if (!std::all_of(captured.begin(), captured.end(), is_ready)) return false;
    }
  }
  return true;
}

std::string SortNodes(Graph& graph) {
  if (IsSorted(graph)) return "";
  const size_t count = graph.nodes.size();
  std::unordered_map<std::string, size_t> producer;
  for (size_t n = 0; n < count; ++n) {
    for (const std::string& output : graph.nodes[n].outputs) {
      if (!output.empty()) producer.emplace(output, n);
    }
  }
  std::vector<std::vector<size_t>> readers(count);
  std::vector<size_t> waiting(count, 0);
  for (size_t n = 0; n < count; ++n) {
    for (const std::string& name : ReadNames(graph.nodes[n])) {
      const auto it = producer.find(name);
      if (it == producer.end()) continue;
      readers[it->second].push_back(n);
      // A value that is read twice counts twice, here and among the readers.
      ++waiting[n];
    }
  }
  // The smallest index first: of all possible orders the one nearest to the file's, whatever the
  // names.
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t n = 0; n < count; ++n) {
    if (waiting[n] == 0) ready.push(n);
  }
  std::vector<size_t> order;
  while (!ready.empty()) {
    const size_t n = ready.top();
    ready.pop();
    order.push_back(n);
    for (const size_t reader : readers[n]) {
      if (--waiting[reader] == 0) ready.push(reader);
    }
  }
  // What still waits stands on a cycle or behind one.
  for (size_t n = 0; order.size() < count && n < count; ++n) {
    if (waiting[n] > 0)
      return graph.nodes[n].outputs.empty() ? graph.nodes[n].op_type : graph.nodes[n].outputs[0];
  }
  std::vector<Node> sorted;
  sorted.reserve(count);
  for (const size_t n : order) sorted.push_back(std::move(graph.nodes[n]));
  graph.nodes = std::move(sorted);
  return "";
}

size_t RemoveNodes(Graph& graph, const std::vector<bool>& marked) {
  if (std::find(marked.begin(), marked.end(), true) == marked.end()) return 0;
  std::vector<Node> kept;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!marked[n]) kept.push_back(std::move(graph.nodes[n]));
  }
  const size_t removed = graph.nodes.size() - kept.size();
  graph.nodes = std::move(kept);
  return removed;
}

size_t RemoveDeadNodes(Graph& graph) {
  std::unordered_set<std::string> live;
  for (const Value& output : graph.outputs) live.insert(output.name);
  std::vector<bool> dead(graph.nodes.size(), false);
  for (size_t n = graph.nodes.size(); n-- > 0;) {  // nodes are sorted: readers come after producers
    const Node& node = graph.nodes[n];
    // A node without outputs goes too: nobody can read it.
    dead[n] = std::none_of(node.outputs.begin(), node.outputs.end(),
                           [&](const std::string& output) { return live.contains(output); });
    if (dead[n]) continue;
    for (const std::string& name : ReadNames(node)) live.insert(name);
  }
  const size_t removed = RemoveNodes(graph, dead);
  std::erase_if(graph.initializers, [&](const auto& item) { return !live.contains(item.first); });
  std::erase_if(graph.sparse_initializers,
                [&](const SparseTensor& sparse) { return !live.contains(sparse.values.name); });
  std::erase_if(graph.value_info, [&](const auto& item) { return !live.contains(item.first); });
  return removed;
}

std::unordered_set<std::string> AllNames(const Graph& graph) {
  std::unordered_set<std::string> names;
  CollectNames(graph, names);
  return names;
}

std::string NameMaker::Make(const std::string& prefix) {
  for (;;) {
    // A count per prefix: asking from 0 each time would be quadratic in the names made.
    std::string name = prefix + std::to_string(next_[prefix]++);
    if (taken_.insert(name).second) return name;
  }
}

}  // namespace qconvert
