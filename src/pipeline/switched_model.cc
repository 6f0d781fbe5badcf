#include "switched_model.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "compared_models.h"
#include "qconvert/ir/topology.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

// A beginning that no name of the two graphs has.
std::string FreePrefix(const Graph& a, const Graph& b) {
  std::string prefix = "~";
  for (const Graph* graph : {&a, &b}) {
    for (const std::string& name : AllNames(*graph))
      while (name.starts_with(prefix)) prefix += '~';
  }
  return prefix;
}

class Joiner {
 public:
  // `only`: nodes that get a switch; null: all.
  Joiner(const Model& exact, const Model& quantized, const std::set<size_t>* only)
      : only_(only),
        source_(exact.graph),
        quantized_(quantized.graph),
        topology_(source_),
        quantized_topology_(quantized_),
        prefix_(FreePrefix(source_, quantized_)) {
    out_.model = exact;
    out_.model.opsets.insert(quantized.opsets.begin(), quantized.opsets.end());
    out_.model.graph.nodes.clear();
    out_.input = prefix_ + "switches";
  }

  SwitchedModel Run() {
    CopyConstants();
    FindSwitches();
    EmitQuantized();
    EmitFloat();
    Graph& graph = out_.model.graph;
    graph.inputs.push_back({out_.input, {}, {}, {}});
    graph.inputs.back().type.element = DataType::kBool;
    graph.inputs.back().type.shape = {{Dim{static_cast<int64_t>(out_.switches.size()), ""}}};
    // Quantized nodes read what the switches give, which are made behind them.
    SortNodes(graph);
    RemoveDeadNodes(graph);
    return std::move(out_);
  }

 private:
  std::string QuantizedName(const std::string& value) const { return prefix_ + "q/" + value; }
  std::string FloatName(const std::string& value) const { return prefix_ + "f/" + value; }

  bool IsShared(const std::string& value) const {
    return topology_.ProducerIndex(value) != Topology::kNpos || source_.IsInput(value);
  }

  void CopyConstants() {
    Graph& graph = out_.model.graph;
    for (const auto& [name, tensor] : quantized_.initializers) {
      const Tensor* same = source_.FindInitializer(name);
      // The same buffer, not the same numbers: comparing gigabytes would cost more than a second
      // copy.
      if (same != nullptr && same->bytes == tensor.bytes && same->dims == tensor.dims) continue;
      Tensor copy = tensor;
      copy.name = QuantizedName(name);
      renames_.emplace(name, copy.name);
      graph.initializers.emplace(copy.name, std::move(copy));
    }
  }

  // A node that nothing was done to: its inputs are shared, and it is in both.
  bool IsUnchanged(const Node& node, const Node& other) const {
    return node.name == other.name && node.op_type == other.op_type &&
           node.domain == other.domain && node.inputs == other.inputs &&
           node.outputs == other.outputs && SubgraphsOf(node).empty() &&
           std::none_of(node.inputs.begin(), node.inputs.end(),
                        [&](const std::string& input) { return renames_.contains(input); });
  }

  // Whether what `writer` dequantizes was moved about as codes, q -> MaxPool -> q' -> DQ -> value,
  // and a switch before that has put it on the grid.
  bool IsOnGridAlready(const Node& writer) const {
    if (writer.op_type != "DequantizeLinear") return false;
    std::string codes = writer.inputs[0];
    while (true) {
      const Node* producer = quantized_topology_.Producer(codes);
      if (producer == nullptr || FindOpRule(*producer).kind != OpKind::kMovement) return false;
      codes = producer->inputs[0];
      if (HasFloatName(codes)) return true;
    }
  }

  // Whether the floats of these codes are a value of both graphs.
  bool HasFloatName(const std::string& codes) const {
    const auto& uses = quantized_topology_.Uses(codes);
    return std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
      const Node& reader = quantized_.nodes[use.node];
      return reader.op_type == "DequantizeLinear" && IsShared(reader.outputs[0]);
    });
  }

  bool IsSwitched(const Node& node, const std::string& value) const {
    const Node* writer = quantized_topology_.Producer(value);
    const auto type = source_.value_info.find(value);
    const bool is_float = type != source_.value_info.end()
                              ? type->second.type.element == DataType::kFloat
                              : OutputIsFloat(value);
    return writer != nullptr && is_float && !IsUnchanged(node, *writer) &&
           !IsOnGridAlready(*writer);
  }

  bool OutputIsFloat(const std::string& value) const {
    return std::any_of(source_.outputs.begin(), source_.outputs.end(), [&](const Value& output) {
      return output.name == value && output.type.element == DataType::kFloat;
    });
  }

  void FindSwitches() {
    for (const Node& node : quantized_.nodes) {
      for (const std::string& output : node.outputs)
        if (!output.empty() && !IsShared(output)) renames_.emplace(output, QuantizedName(output));
    }
    for (size_t n = 0; n < source_.nodes.size(); ++n) {
      if (only_ != nullptr && !only_->contains(n)) continue;
      const Node& node = source_.nodes[n];
      Switch found{n, {}};
      for (const std::string& output : node.outputs)
        if (!output.empty() && IsSwitched(node, output)) found.values.push_back(output);
      if (found.values.empty()) continue;
      switched_.insert(found.values.begin(), found.values.end());
      out_.switches.push_back(std::move(found));
    }
  }

  // Codes of values that are switched behind their DQ: who else reads them must see the switch.
  void RequantizeForOtherReaders(Graph& part) {
    std::unordered_map<std::string, std::string> again;
    std::vector<Node> added;
    for (const Node& node : quantized_.nodes) {
      if (node.op_type != "DequantizeLinear" || !IsShared(node.outputs[0])) continue;
      const std::string& codes = node.inputs[0];
      if (quantized_topology_.Uses(codes).size() < 2 || again.contains(codes)) continue;
      Node requantize = node;
      requantize.op_type = "QuantizeLinear";
      requantize.name.clear();
      requantize.inputs[0] = node.outputs[0];
      // Numbers on the grid give their codes back, floats are rounded to it once more.
      requantize.outputs[0] = QuantizedName(codes) + "~";
      again.emplace(codes, requantize.outputs[0]);
      added.push_back(std::move(requantize));
    }
    for (Node& node : part.nodes) {
      const bool is_the_dequantize =
          node.op_type == "DequantizeLinear" && IsShared(node.outputs[0]);
      for (std::string& input : node.inputs) {
        const auto it = again.find(input);
        if (it != again.end() && !is_the_dequantize) input = it->second;
      }
    }
    std::move(added.begin(), added.end(), std::back_inserter(part.nodes));
  }

  void EmitQuantized() {
    Graph part;
    // A name for every value of its own: only constants and inputs are shared.
    part.nodes = quantized_.nodes;
    RequantizeForOtherReaders(part);
    RenameUses(part, renames_);
    for (Node& node : part.nodes) {
      node.name = node.name.empty() ? "" : QuantizedName(node.name);
      for (std::string& output : node.outputs)
        if (!output.empty() && !output.starts_with(prefix_)) output = QuantizedName(output);
      out_.model.graph.nodes.push_back(std::move(node));
    }
  }

  void EmitFloat() {
    Graph& graph = out_.model.graph;
    for (Node node : source_.nodes) {
      for (std::string& output : node.outputs)
        if (switched_.contains(output)) output = FloatName(output);
      graph.nodes.push_back(std::move(node));
    }
    for (size_t s = 0; s < out_.switches.size(); ++s) {
      const std::string index = prefix_ + "index" + std::to_string(s);
      const std::string is_on = prefix_ + "on" + std::to_string(s);
      const auto place = static_cast<int64_t>(s);
      graph.initializers.emplace(index,
                                 MakeInt64Tensor(index, {}, std::span<const int64_t>(&place, 1)));
      graph.nodes.push_back(MakeNode("Gather", {out_.input, index}, {is_on}));
      for (const std::string& value : out_.switches[s].values) {
        graph.nodes.push_back(
            MakeNode("Where", {is_on, QuantizedName(value), FloatName(value)}, {value}));
      }
    }
  }

  const std::set<size_t>* only_;
  const Graph& source_;
  const Graph& quantized_;
  const Topology topology_;
  const Topology quantized_topology_;
  const std::string prefix_;
  std::unordered_map<std::string, std::string> renames_;  // of the quantized graph's own names
  std::unordered_set<std::string> switched_;
  SwitchedModel out_;
};

}  // namespace

SwitchedModel MakeSwitched(const Model& exact, const Model& quantized) {
  return Joiner(exact, quantized, nullptr).Run();
}

SwitchedModel MakeSwitchedAt(const Model& exact, const Model& quantized,
                             const std::set<size_t>& nodes) {
  return Joiner(exact, quantized, &nodes).Run();
}

std::shared_ptr<const Session> OpenSwitched(const Model& shown, const std::string& place) {
  return OpenForComparison(shown, place, /*integer_kernels=*/false);
}

SwitchedSession::SwitchedSession(std::shared_ptr<const Session> session,
                                 const SwitchedModel& switched, const std::set<size_t>& on)
    : session_(std::move(session)), switches_(SwitchFlags(switched, on)) {}

std::vector<Tensor> SwitchedSession::Run(std::span<const Tensor> inputs,
                                         ValueObserver* observer) const {
  std::vector<Tensor> all(inputs.begin(), inputs.end());
  all.push_back(switches_);
  return session_->Run(all, observer);
}

Tensor SwitchFlags(const SwitchedModel& switched, const std::set<size_t>& on) {
  std::vector<uint8_t> flags(switched.switches.size(), 0);
  for (const size_t s : on) flags[s] = 1;
  return MakeTensor<uint8_t>(switched.input, DataType::kBool, {static_cast<int64_t>(flags.size())},
                             std::span<const uint8_t>(flags));
}

std::set<size_t> AllSwitches(const SwitchedModel& switched) {
  std::set<size_t> all;
  for (size_t s = 0; s < switched.switches.size(); ++s) all.insert(all.end(), s);
  return all;
}

}  // namespace qconvert
