#include "qconvert/targets/kept_pairs.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "qconvert/targets/fusions.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/pair_view.h"

namespace qconvert {
namespace {

std::optional<QuantParams> ParamsOf(const Graph& graph, const Node& pair,
                                    const std::string& codes) {
  const DataType type = TypeOfValue(graph, codes);
  if (!IsQuantizedType(type) || BitsOf(type) < 8) return std::nullopt;
  const PairParameters parameters = ParametersOf(graph, pair);
  // 0, a subnormal or an infinity is no step of a grid.
  const bool is_usable = parameters.is_scalar && !parameters.has_vectors &&
                         std::isnormal(parameters.scale) && parameters.scale > 0 &&
                         pair.GetInt("block_size", 0) == 0;
  if (!is_usable) return std::nullopt;
  return QuantParams{type, -1, {parameters.scale}, {static_cast<int32_t>(parameters.zero_point)}};
}

bool IsOfPairs(const Node& node) {
  return IsQuantize(node) || IsDequantize(node) || node.op_type == "DynamicQuantizeLinear" ||
         IsIntegerKernel(node);
}

class Judge {
 public:
  Judge(const Graph& graph, const Topology& topology, const Target& target)
      : graph_(graph), topology_(topology), target_(target) {}

  bool IsDone(size_t n) const {
    const Node& node = graph_.nodes[n];
    if (IsOfPairs(node) || IsTailOfDone(node)) return true;
    if (FindOpRule(node).kind == OpKind::kWeighted) {
      if (IsDequantizedConstant(node.input(1))) return true;
      // Float weights are a gap, whatever stands around the node.
      if (graph_.FindInitializer(node.input(1)) != nullptr) return false;
    }
    return ReadsCodesOnly(node) &&
           (target_.pairs == PairPlacement::kInputs || IsQuantized(UnitOutput(n)));
  }

 private:
  bool IsDequantized(const std::string& value) const {
    const Node* producer = topology_.Producer(value);
    return producer != nullptr && IsDequantize(*producer);
  }

  bool IsDequantizedConstant(const std::string& value) const {
    return IsDequantized(value) &&
           graph_.FindInitializer(topology_.Producer(value)->inputs[0]) != nullptr;
  }

  bool IsQuantized(const std::string& value) const {
    const auto& uses = topology_.Uses(value);
    return std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
      return use.slot == 0 && IsQuantize(graph_.nodes[use.node]);
    });
  }

  bool ReadsCodesOnly(const Node& node) const {
    bool any = false;
    for (const std::string& input : node.inputs) {
      if (TypeOfValue(graph_, input) != DataType::kFloat) continue;
      if (graph_.FindInitializer(input) != nullptr) continue;
      if (!IsDequantized(input)) return false;
      any = true;
    }
    return any;
  }

  std::string UnitOutput(size_t n) const {
    // Movement has no tail: a Relu behind it is movement of its own.
    if (FindOpRule(graph_.nodes[n]).kind == OpKind::kMovement) return graph_.nodes[n].outputs[0];
    return FindFusedUnit(graph_, topology_, n).output;
  }

  // A clamp or a bias that the kernel of a node before it computes, which has its codes already.
  bool IsTailOfDone(const Node& node) const {
    if (!node.Is("Relu") && !node.Is("Clip") && !node.Is("Add")) return false;
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& input) {
      const size_t before = topology_.ProducerIndex(input);
      if (before == Topology::kNpos || !topology_.HasSingleUse(input)) return false;
      const Node& head = graph_.nodes[before];
      // Of sums the kernel takes the bias behind a MatMul alone.
      if (node.Is("Add") && !head.Is("MatMul")) return false;
      // A clamp may stand behind that bias.
      return (IsDequantizedConstant(head.input(1)) && FindOpRule(head).kind == OpKind::kWeighted) ||
             (head.Is("Add") && IsTailOfDone(head));
    });
  }

  const Graph& graph_;
  const Topology& topology_;
  const Target& target_;
};

}  // namespace

KeptPairs FindKeptPairs(const Graph& graph) {
  KeptPairs out;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!IsQuantize(node) && !IsDequantize(node)) continue;
    const std::string& codes = IsQuantize(node) ? node.outputs[0] : node.inputs[0];
    const std::string& value = IsQuantize(node) ? node.inputs[0] : node.outputs[0];
    if (graph.FindInitializer(node.inputs[0]) != nullptr) continue;
    auto params = ParamsOf(graph, node, codes);
    if (!params) continue;
    // A value that a DQ writes has its codes, whatever grid it is put on again behind.
    out.try_emplace(value, KeptPair{*std::move(params), codes, n, IsDequantize(node)});
  }
  return out;
}

bool StaysSigned(const Graph& graph, const Topology& topology, const KeptPair& kept, size_t more) {
  if (kept.params.type != DataType::kInt8) return false;
  size_t readers = more;
  for (const Use& use : topology.Uses(kept.codes)) {
    if (use.slot == Use::kCaptured || !IsDequantize(graph.nodes[use.node])) return true;
    const std::string& value = graph.nodes[use.node].outputs[0];
    readers += topology.Uses(value).size() + (topology.IsGraphOutput(value) ? 1 : 0);
  }
  return readers > 1;
}

bool IsQuantizedAlready(const Graph& graph, const Topology& topology, const Target& target,
                        size_t n) {
  return Judge(graph, topology, target).IsDone(n);
}

}  // namespace qconvert
