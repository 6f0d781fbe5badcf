#include "qconvert/targets/constant_readers.h"

#include <algorithm>
#include <set>
#include <vector>

#include "qconvert/ir/constant_values.h"
#include "qconvert/targets/pair_view.h"

namespace qconvert {
namespace {

bool IsNumber(const Tensor& tensor) {
  return IsFloatingPoint(tensor.type) && tensor.dims.size() <= 1 && tensor.element_count() == 1;
}

std::tuple<DataType, size_t, float> NumberOf(const Tensor& tensor) {
  return {tensor.type, tensor.dims.size(), ToFloats(tensor)[0]};
}

// Codes of constants -> DQ -> node of one input -> Q, nobody else reads: the engine folds all of
// it.
bool IsUnit(const Graph& graph, const Topology& topology, const std::set<std::string>& folded,
            const Node& node) {
  if (node.inputs.size() != 1 || node.outputs.size() != 1 || IsDequantize(node)) return false;
  const Node* before = topology.Producer(node.inputs[0]);
  if (before == nullptr || !IsDequantize(*before) || !topology.HasSingleUse(node.outputs[0]))
    return false;
  const Use use = topology.Uses(node.outputs[0])[0];
  return use.slot == 0 && IsQuantize(graph.nodes[use.node]) &&
         IsConstant(graph, folded, before->inputs[0]);
}

// How many nodes a node becomes that reads a constant; none when the engine folds it.
class Copies {
 public:
  Copies(const Graph& graph, const Topology& topology)
      : graph_(graph), topology_(topology), folded_(FindFoldedValues(graph, topology)) {}

  size_t Of(const Node& node) const {
    if (node.outputs.empty()) return 1;
    const std::string& output = node.outputs[0];
    if (!IsDequantize(node)) return folded_.contains(output) ? 0 : 1;
    const auto& uses = topology_.Uses(output);
    size_t copies = 0;
    bool is_elsewhere = topology_.IsGraphOutput(output);
    for (const Use& use : uses) {
      const std::vector<std::string>& written = graph_.nodes[use.node].outputs;
      is_elsewhere |= use.slot == Use::kCaptured;
      if (use.slot != Use::kCaptured && (written.empty() || !folded_.contains(written[0])))
        ++copies;
    }
    // A graph output and bodies share one more.
    return copies + (is_elsewhere ? 1 : 0);
  }

 private:
  const Graph& graph_;
  const Topology& topology_;
  std::set<std::string> folded_;
};

}  // namespace

std::set<std::string> FindFoldedValues(const Graph& graph, const Topology& topology) {
  std::set<std::string> folded = FindConstantValues(graph);
  const std::set<std::string> constants = folded;
  std::set<std::string> kept;  // what is computed from codes, and does not end in codes
  for (const Node& node : graph.nodes) {
    const bool is_kept = IsDequantize(node) || std::any_of(node.inputs.begin(), node.inputs.end(),
                                                           [&](const std::string& input) {
                                                             return kept.contains(input);
                                                           });
    const bool is_constant = !node.outputs.empty() && constants.contains(node.outputs[0]);
    if (!is_kept || (is_constant && IsUnit(graph, topology, folded, node))) continue;
    for (const std::string& output : node.outputs)
      if (folded.erase(output) > 0) kept.insert(output);
  }
  return folded;
}

ConstantReaders::ConstantReaders(const Graph& graph, const Topology& topology) : graph_(graph) {
  const Copies copies(graph, topology);
  for (const Node& node : graph.nodes) {
    // Each once, however often the node reads it.
    const std::set<std::string> inputs(node.inputs.begin(), node.inputs.end());
    for (const std::string& input : inputs) {
      const Tensor* tensor = graph.FindInitializer(input);
      if (tensor == nullptr) continue;
      size_t& count = IsNumber(*tensor) ? by_number_[NumberOf(*tensor)] : by_name_[input];
      count += copies.Of(node);
    }
  }
}

size_t ConstantReaders::Count(const std::string& constant) const {
  const Tensor* tensor = graph_.FindInitializer(constant);
  if (tensor == nullptr) return 0;
  if (IsNumber(*tensor)) {
    const auto it = by_number_.find(NumberOf(*tensor));
    return it == by_number_.end() ? 0 : it->second;
  }
  const auto it = by_name_.find(constant);
  return it == by_name_.end() ? 0 : it->second;
}

}  // namespace qconvert
