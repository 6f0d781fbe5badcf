#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "qconvert/base/check.h"
#include "qconvert/quantization/plan.h"

namespace qconvert {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);

class Placer {
 public:
  Placer(const Graph& graph, const PlaceOptions& options)
      : graph_(graph),
        options_(options),
        topology_(graph),
        placement_{std::vector<NodePlacement>(graph.nodes.size()), {}, {}} {}

  Placement Run() {
    FindCandidates();
    while (Demote()) {
    }
    CollectValues();
    return std::move(placement_);
  }

 private:
  NodePlacement& At(size_t n) { return placement_.nodes[n]; }
  const OpRule& Rule(size_t n) const { return FindOpRule(graph_.nodes[n]); }

  void MakeFloat(size_t n, std::string reason) {
    NodePlacement& node = At(n);
    for (const size_t t : node.tail) {
      At(t).domain = NodeDomain::kFloat;
      At(t).reason = fmt::format("no integer kernel for {}", graph_.nodes[t].op_type);
    }
    node = {NodeDomain::kFloat, std::move(reason), {}, kNone, graph_.nodes[n].outputs[0]};
  }

  // Everything the kernels allow starts as integer; Demote takes back what does not pay.
  void FindCandidates() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      NodePlacement& place = At(n);
      if (place.domain == NodeDomain::kFused || !ComputesFloat(graph_, node)) continue;
      place.output = node.outputs[0];
      const auto kept = options_.keep_float.find(n);
      std::string reason = kept != options_.keep_float.end() ? kept->second
                           : TouchesQuantized(node)          ? "is quantized already"
                                                             : WhyFloat(graph_, node);
      if (!reason.empty()) {
        place.domain = NodeDomain::kFloat;
        place.reason = std::move(reason);
        continue;
      }
      place.domain = NodeDomain::kInteger;
      if (Rule(n).kind != OpKind::kMovement) FindTail(n);
    }
  }

  // A model may come with Q/DQ of its own: nodes next to them keep what they have.
  bool TouchesQuantized(const Node& node) const {
    for (const std::string& input : node.inputs) {
      const Node* producer = topology_.Producer(input);
      if (producer != nullptr && producer->op_type == "DequantizeLinear") return true;
    }
    for (const std::string& output : node.outputs) {
      for (const Use& use : topology_.Uses(output)) {
        if (graph_.nodes[use.node].op_type == "QuantizeLinear") return true;
      }
    }
    return node.op_type == "DequantizeLinear" || node.op_type == "QuantizeLinear";
  }

  // Collects what the kernel does in the same step: MatMul + bias, then one Relu or Clip with
  // constant bounds.
  void FindTail(size_t n) {
    NodePlacement& place = At(n);
    const auto extend = [&](size_t reader) {
      place.tail.push_back(reader);
      place.output = graph_.nodes[reader].outputs[0];
      At(reader).domain = NodeDomain::kFused;
      At(reader).reason.clear();
    };
    if (graph_.nodes[n].Is("MatMul") && topology_.HasSingleUse(place.output)) {
      const size_t reader = topology_.Uses(place.output)[0].node;
      if (IsBiasAdd(graph_.nodes[n], graph_.nodes[reader])) {
        place.bias_add = reader;
        extend(reader);
      }
    }
    if (!topology_.HasSingleUse(place.output)) return;
    const size_t reader = topology_.Uses(place.output)[0].node;
    if (IsClamp(graph_.nodes[reader])) extend(reader);
  }

  bool IsBiasAdd(const Node& matmul, const Node& add) const {
    const Tensor* weight = graph_.FindInitializer(matmul.input(1));
    if (!add.Is("Add") || weight == nullptr || weight->dims.size() != 2) return false;
    for (const std::string& input : add.inputs) {
      const Tensor* bias = graph_.FindInitializer(input);
      if (bias != nullptr && bias->type == DataType::kFloat && bias->dims.size() == 1 &&
          bias->dims[0] == weight->dims[1]) {
        return true;
      }
    }
    return false;
  }

  bool IsClamp(const Node& node) const {
    if (node.Is("Relu")) return true;
    if (!node.Is("Clip")) return false;
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      const Tensor* bound =
          node.inputs[i].empty() ? nullptr : graph_.FindInitializer(node.inputs[i]);
      if (!node.inputs[i].empty() && (bound == nullptr || bound->element_count() != 1))
        return false;
    }
    return true;
  }

  // The node that computes `value` in the integer domain, or kNone.
  size_t IntegerProducer(const std::string& value) const {
    size_t n = topology_.ProducerIndex(value);
    if (n == kNone) return kNone;
    // A fused activation belongs to the unit before it.
    while (placement_.nodes[n].domain == NodeDomain::kFused) {
      const Node& node = graph_.nodes[n];
      size_t before = topology_.ProducerIndex(node.inputs[0]);
      if (node.Is("Add") && graph_.FindInitializer(node.inputs[0]) != nullptr)
        before = topology_.ProducerIndex(node.inputs[1]);
      n = before;
    }
    return placement_.nodes[n].domain == NodeDomain::kInteger ? n : kNone;
  }

  // True when node n can leave its output in float for free (the kernel has a float output).
  bool HasFloatOutputKernel(size_t n) const {
    const NodePlacement& place = placement_.nodes[n];
    const bool linear = graph_.nodes[n].Is("Gemm") || graph_.nodes[n].Is("MatMul");
    const bool bare = place.tail.empty() || (place.tail.size() == 1 && place.bias_add != kNone);
    return linear && bare;
  }

  bool IsQuantizedUse(const Use& use) const {
    if (use.slot == Use::kCaptured) return false;
    const NodePlacement& reader = placement_.nodes[use.node];
    return reader.domain == NodeDomain::kInteger && use.slot < ValueInputs(use.node);
  }

  size_t ValueInputs(size_t n) const {
    const Node& node = graph_.nodes[n];
    if (node.Is("MatMul") && graph_.FindInitializer(node.input(1)) == nullptr) return 2;
    return std::min(Rule(n).value_inputs, node.inputs.size());
  }

  bool HasIntegerReader(const std::string& value) const {
    const auto& uses = topology_.Uses(value);
    return std::any_of(uses.begin(), uses.end(),
                       [&](const Use& use) { return IsQuantizedUse(use); });
  }

  bool HasFloatReader(const std::string& value) const {
    const auto& uses = topology_.Uses(value);
    return topology_.IsGraphOutput(value) ||
           std::any_of(uses.begin(), uses.end(),
                       [&](const Use& use) { return !IsQuantizedUse(use); });
  }

  // The value carries integers anyway: an integer node writes it, or a weighted node has it
  // quantized.
  bool IsIntegerAnyway(const std::string& value, size_t asking) const {
    const size_t producer = IntegerProducer(value);
    if (producer != kNone) return !HasFloatOutputKernel(producer) || HasIntegerReader(value);
    const auto& uses = topology_.Uses(value);
    return std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
      return use.node != asking && IsQuantizedUse(use) && Rule(use.node).kind == OpKind::kWeighted;
    });
  }

  bool Demote() {
    bool changed = false;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (At(n).domain != NodeDomain::kInteger) continue;
      std::string reason = WhyDemote(n);
      if (reason.empty()) continue;
      MakeFloat(n, std::move(reason));
      changed = true;
    }
    return changed;
  }

  std::string WhyDemote(size_t n) const {
    const Node& node = graph_.nodes[n];
    const NodePlacement& place = placement_.nodes[n];
    if (options_.blocked.contains(place.output)) return "its output holds infinities";
    for (size_t i = 0; i < ValueInputs(n); ++i) {
      if (options_.blocked.contains(node.inputs[i])) return "its input holds infinities";
    }
    const OpKind kind = Rule(n).kind;
    if (kind == OpKind::kMovement) {
      if (graph_.FindInitializer(node.inputs[0]) != nullptr) return "its input is constant";
      return IsIntegerAnyway(node.inputs[0], n) && IntegerProducer(node.inputs[0]) != kNone
                 ? ""
                 : "its input is float";
    }
    const bool both_activations =
        node.Is("MatMul") && graph_.FindInitializer(node.input(1)) == nullptr;
    if (kind == OpKind::kWeighted && !both_activations) return "";
    return !options_.count_borders || CountBorders(n)
               ? ""
               : "integers would take more conversions around it than they save";
  }

  // True when the integer form has fewer borders between integers and floats than the float form.
  bool CountBorders(size_t n) const {
    const Node& node = graph_.nodes[n];
    int integer_side = 0;
    int float_side = 0;
    bool all_constant = true;
    for (size_t i = 0; i < ValueInputs(n); ++i) {
      if (graph_.FindInitializer(node.inputs[i]) != nullptr) continue;
      all_constant = false;
      (IsIntegerAnyway(node.inputs[i], n) ? integer_side : float_side) += 1;
    }
    if (all_constant) return false;
    const std::string& output = placement_.nodes[n].output;
    integer_side += HasIntegerReader(output) ? 1 : 0;
    float_side += HasFloatReader(output) ? 1 : 0;
    return integer_side > float_side || (integer_side == float_side && Rule(n).integer_on_tie);
  }

  void CollectValues() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (At(n).domain != NodeDomain::kInteger) continue;
      const Node& node = graph_.nodes[n];
      const bool movement = Rule(n).kind == OpKind::kMovement;
      for (size_t i = 0; i < ValueInputs(n); ++i) {
        const std::string& input = node.inputs[i];
        if (!input.empty() && graph_.FindInitializer(input) == nullptr)
          placement_.roots.emplace(input, input);
      }
      if (movement) {
        const std::string root = placement_.roots.at(node.inputs[0]);
        for (const std::string& output : node.outputs) {
          if (output.empty()) continue;
          placement_.roots[output] = root;
          placement_.integer_values.insert(output);
        }
        continue;
      }
      const std::string& output = At(n).output;
      if (HasFloatOutputKernel(n) && !HasIntegerReader(output)) continue;
      placement_.roots[output] = output;
      placement_.integer_values.insert(output);
    }
  }

  const Graph& graph_;
  const PlaceOptions& options_;
  Topology topology_;
  Placement placement_;
};

}  // namespace

std::vector<std::string> Placement::Observed() const {
  std::set<std::string> distinct;
  for (const auto& [value, root] : roots) distinct.insert(root);
  return {distinct.begin(), distinct.end()};
}

Placement PlaceNodes(const Graph& graph, const PlaceOptions& options) {
  return Placer(graph, options).Run();
}

}  // namespace qconvert
