#include "qconvert/transform/remove_border_nodes.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

// Of any domain: codes of 16 bits come from com.microsoft in older opsets.
bool IsGrid(const Node& node) {
  return node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear";
}

using Names = std::unordered_map<std::string, std::string>;

class Remover {
 public:
  Remover(const BorderRemoval& removal, Graph& graph)
      : removal_(removal), graph_(graph), topology_(graph), marked_(graph.nodes.size()) {}

  std::vector<RemovedNode> Remove() {
    Names names;  // of inner values that become the borders
    const auto become = [&](Value& border, Value inner) {
      if (inner.name == border.name) return;
      names.emplace(inner.name, border.name);
      border = std::move(inner);
    };
    for (Value& input : graph_.inputs) {
      if (!removal_.kept_inputs.contains(input.name)) become(input, Inwards(input));
    }
    for (Value& output : graph_.outputs) become(output, Outwards(output));
    RemoveNodes(graph_, marked_);
    RemoveDeadNodes(graph_);
    NameBorders(names);
    return std::move(removed_);
  }

 private:
  void NameBorders(const Names& names) {
    RenameUses(graph_, names);
    for (const auto& [inner, border] : names) {
      graph_.value_info.erase(inner);
      graph_.value_info.erase(border);
    }
    const auto rename = [&](std::string& name) {
      const auto it = names.find(name);
      if (it != names.end()) name = it->second;
    };
    for (Value& input : graph_.inputs) rename(input.name);
    for (Value& output : graph_.outputs) rename(output.name);
    for (Node& node : graph_.nodes) std::for_each(node.outputs.begin(), node.outputs.end(), rename);
  }

  // What is the input once all that matches behind `value` is gone.
  Value Inwards(Value value) {
    const RemovedNode border{{}, value.name, true};
    while (topology_.HasSingleUse(value.name)) {
      const Use use = topology_.Uses(value.name)[0];
      const Value* next = use.slot == 0 ? ValueOf(graph_.nodes[use.node].outputs[0]) : nullptr;
      if (next == nullptr || topology_.IsGraphOutput(next->name) ||
          !Take(use.node, border, "DequantizeLinear"))
        break;
      value = *next;
    }
    return value;
  }

  // The same for an output.
  Value Outwards(Value value) {
    const RemovedNode border{{}, value.name, false};
    if (!topology_.Uses(value.name).empty()) return value;
    while (true) {  // the one reader of `value`, if any, is marked
      const size_t node = topology_.ProducerIndex(value.name);
      if (node == Topology::kNpos) break;
      const Value* next = ValueOf(graph_.nodes[node].input(0));
      if (next == nullptr || !topology_.HasSingleUse(next->name) ||
          topology_.Producer(next->name) == nullptr ||
          marked_[topology_.ProducerIndex(next->name)] || !Take(node, border, "QuantizeLinear")) {
        break;
      }
      value = *next;
    }
    return value;
  }

  const Value* ValueOf(const std::string& name) const {
    const auto it = graph_.value_info.find(name);
    const bool known = it != graph_.value_info.end() && it->second.type.is_tensor();
    return known ? &it->second : nullptr;
  }

  // Codes come in and go out: what makes floats of them stays at inputs, what makes codes at
  // outputs.
  bool Take(size_t index, const RemovedNode& border, std::string_view stays) {
    const Node& node = graph_.nodes[index];
    if (node.op_type == stays) return false;
    if (removal_.kept_names.contains(node.name)) return false;
    const bool matches =
        ((node.domain.empty() || IsGrid(node)) && removal_.types.contains(node.op_type)) ||
        removal_.names.contains(node.name);
    const bool constants =
        !node.inputs.empty() &&
        std::all_of(node.inputs.begin() + 1, node.inputs.end(), [&](const std::string& one) {
          return one.empty() || graph_.FindInitializer(one) != nullptr;
        });
    if (marked_[index] || !matches || !constants || node.outputs.size() != 1) return false;
    marked_[index] = true;
    removed_.push_back({node, border.border, border.is_at_input});
    return true;
  }

  const BorderRemoval& removal_;
  Graph& graph_;
  const Topology topology_;
  std::vector<bool> marked_;
  std::vector<RemovedNode> removed_;
};

}  // namespace

std::vector<RemovedNode> RemoveBorderNodes(const BorderRemoval& removal, Graph& graph) {
  return Remover(removal, graph).Remove();
}

}  // namespace qconvert
