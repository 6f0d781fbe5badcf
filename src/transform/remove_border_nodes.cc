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
bool IsQuantize(const Node& node) { return node.op_type == "QuantizeLinear"; }
bool IsDequantize(const Node& node) { return node.op_type == "DequantizeLinear"; }
bool IsGrid(const Node& node) { return IsQuantize(node) || IsDequantize(node); }

// What applications do by themselves; a name of any other node may mean the grid behind it.
bool IsLight(const Node& node) {
  return node.Is("Softmax") || node.Is("Transpose") || node.Is("Cast") || node.Is("Reshape");
}

using Names = std::unordered_map<std::string, std::string>;

class Remover {
 public:
  Remover(const BorderRemoval& removal, Graph& graph)
      : removal_(removal), graph_(graph), topology_(graph), marked_(graph.nodes.size()) {}

  BorderNodes Remove() {
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
    return {std::move(removed_), std::move(kept_)};
  }

 private:
  void NameBorders(const Names& names) {
    RenameUses(graph_, names);
    // The types of borders stand in the graph's inputs and outputs.
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
    // An output that nodes read as well stays what it is.
    if (!topology_.Uses(value.name).empty()) return value;
    while (true) {  // the one reader of `value`, if any, is marked
      const size_t node = topology_.ProducerIndex(value.name);
      const Value* next = node == Topology::kNpos ? nullptr : Before(node);
      if (next == nullptr ||
          !(GoesWithWhatIsBefore(node, border) || Take(node, border, "QuantizeLinear")))
        break;
      value = *next;
    }
    return value;
  }

  // What the node makes its output of, where nobody else reads it and it is no border.
  const Value* Before(size_t node) const {
    const Value* before = ValueOf(graph_.nodes[node].input(0));
    if (before == nullptr || !topology_.HasSingleUse(before->name)) return nullptr;
    const size_t producer = topology_.ProducerIndex(before->name);
    return producer == Topology::kNpos || marked_[producer] ? nullptr : before;
  }

  // ... -> Softmax -> Quantize -> Dequantize -> output: what rounds the output of a node that goes
  // would hold it.
  bool GoesWithWhatIsBefore(size_t index, const RemovedNode& border) {
    const auto before = [&](size_t node) {
      const Value* value = Before(node);
      return value == nullptr ? Topology::kNpos : topology_.ProducerIndex(value->name);
    };
    size_t rounded = index;
    if (IsDequantize(graph_.nodes[rounded])) rounded = before(rounded);
    if (rounded == Topology::kNpos || !IsQuantize(graph_.nodes[rounded])) return false;
    const size_t source = before(rounded);
    if (source == Topology::kNpos || !IsLight(graph_.nodes[source]) || Before(source) == nullptr ||
        !Matches(source, NameAt(border, source)) || Keeps(index, NameAt(border, index)))
      return false;
    Mark(index, border);
    return true;
  }

  const Value* ValueOf(const std::string& name) const {
    const auto it = graph_.value_info.find(name);
    const bool known = it != graph_.value_info.end() && it->second.type.is_tensor();
    return known ? &it->second : nullptr;
  }

  // Codes come in and go out: what makes floats of them stays at inputs, what makes codes at
  // outputs.
  bool Take(size_t index, const RemovedNode& border, std::string_view stays) {
    if (graph_.nodes[index].op_type == stays || marked_[index] ||
        !Matches(index, NameAt(border, index)))
      return false;
    Mark(index, border);
    return true;
  }

  // Whether a node that would go stays.
  bool Keeps(size_t index, const std::string& name) {
    if (!removal_.kept_names.contains(name)) return false;
    kept_.emplace(name, graph_.nodes[index].op_type);
    return true;
  }

  bool Matches(size_t index, const std::string& name) {
    const Node& node = graph_.nodes[index];
    const bool is_named =
        ((node.domain.empty() || IsGrid(node)) && removal_.types.contains(node.op_type)) ||
        removal_.names.contains(name);
    return is_named && node.outputs.size() == 1 && !node.inputs.empty() &&
           std::all_of(node.inputs.begin() + 1, node.inputs.end(),
                       [&](const std::string& one) {
                         return one.empty() || graph_.FindInitializer(one) != nullptr;
                       }) &&
           !Keeps(index, name);
  }

  // Grids without a name are called by the border that they have come to.
  std::string NameAt(const RemovedNode& border, size_t index) const {
    const Node& node = graph_.nodes[index];
    if (!node.name.empty() || !IsGrid(node)) return node.name;
    const auto count = std::count_if(removed_.begin(), removed_.end(), [&](const auto& one) {
      return one.border == border.border && one.is_at_input == border.is_at_input &&
             one.node.op_type == node.op_type;
    });
    return GridNameAt(border.border, node, static_cast<size_t>(count));
  }

  void Mark(size_t index, const RemovedNode& border) {
    // Before the node is among the removed, which the name counts.
    const std::string name = NameAt(border, index);
    marked_[index] = true;
    removed_.push_back({graph_.nodes[index], border.border, border.is_at_input});
    removed_.back().node.name = name;
  }

  const BorderRemoval& removal_;
  Graph& graph_;
  const Topology topology_;
  std::vector<bool> marked_;
  std::vector<RemovedNode> removed_;
  std::map<std::string, std::string> kept_;  // op types by name
};

}  // namespace

std::string GridNameAt(const std::string& border, const Node& grid, size_t before) {
  return border + (IsQuantize(grid) ? "_Quantize_" : "_Dequantize_") + std::to_string(before);
}

BorderNodes RemoveBorderNodes(const BorderRemoval& removal, Graph& graph) {
  return Remover(removal, graph).Remove();
}

}  // namespace qconvert
