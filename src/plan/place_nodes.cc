#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "min_cut.h"
#include "qconvert/base/check.h"
#include "qconvert/plan/body_plans.h"
#include "qconvert/plan/cost_model.h"
#include "qconvert/plan/moved_values.h"
#include "qconvert/plan/placement.h"
#include "qconvert/targets/kept_pairs.h"
#include "qconvert/targets/residual.h"

namespace qconvert {
namespace {

constexpr size_t kNone = FusedUnit::kNone;
constexpr int64_t kFollow = int64_t{1} << 40;  // more than any estimate: follows an integer node

class Placer {
 public:
  Placer(const Graph& graph, const PlaceOptions& options)
      : graph_(graph),
        options_(options),
        topology_(graph),
        kept_(FindKeptPairs(graph)),
        moves_into_body_(FindMovesIntoBodies(graph, topology_)),
        placement_{.nodes = std::vector<NodePlacement>(graph.nodes.size())} {}

  Placement Run() {
    FindCandidates();
    MakeBlockedFloat();
    for (size_t n = 0; n < graph_.nodes.size(); ++n)
      if (At(n).domain == NodeDomain::kInteger) candidates_.insert(n);
    if (!candidates_.empty() && !QuantizesInputsOnly()) ChooseByTime();
    CollectValues();
    return std::move(placement_);
  }

 private:
  NodePlacement& At(size_t n) { return placement_.nodes[n]; }
  bool QuantizesInputsOnly() const { return options_.target->pairs == PairPlacement::kInputs; }
  const OpRule& Rule(size_t n) const { return FindOpRule(graph_.nodes[n]); }

  void SetFloat(size_t n, std::string reason) {
    At(n) = {NodeDomain::kFloat, std::move(reason), {{}, kNone, graph_.nodes[n].outputs[0]}};
  }

  void MakeFloat(size_t n, std::string reason) {
    // Behind a float node no kernel computes them as well.
    for (const size_t t : At(n).unit.tail)
      SetFloat(t, fmt::format("no integer kernel for {}", graph_.nodes[t].op_type));
    SetFloat(n, std::move(reason));
  }

  // Everything the kernels allow starts as integer; ChooseByTime takes back what does not pay.
  void FindCandidates() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      NodePlacement& place = At(n);
      if (place.domain != NodeDomain::kOther || !MayComputeFloat(graph_, node)) continue;
      place.unit.output = node.outputs[0];
      const auto kept = options_.keep_float.find(n);
      std::string reason =
          IsQuantizedAlready(graph_, topology_, *options_.target, n) ? "is quantized already"
          : kept != options_.keep_float.end()                        ? kept->second
          : float_biases_.contains(n)    ? "the MatMul before it is float"
          : !ComputesFloat(graph_, node) ? "writes what has no known type"
                                         : WhyFloatOn(*options_.target, graph_, node);
      if (reason.empty() && QuantizesInputsOnly() && node.Is("Add")) reason = KeepOneInput(n);
      if (!reason.empty()) {
        SetFloat(n, std::move(reason));
        // Nobody observes what lies between, and the engine adds in the product's own pass.
        float_biases_.insert(FindFusedUnit(graph_, topology_, n).bias_add);
        continue;
      }
      place.domain = NodeDomain::kInteger;
      if (Rule(n).kind != OpKind::kMovement) FindTail(n);
    }
  }

  // Of a sum only the residual is quantized: the other operand never leaves its convolution.
  std::string KeepOneInput(size_t n) {
    if (depths_.empty()) depths_ = FindDepths(graph_, topology_);
    const auto slot = FindResidualSlot(graph_, topology_, depths_, n);
    if (!slot) return "no convolution takes it in";
    At(n).float_inputs = {1 - *slot};
    return IntegerProducer(graph_.nodes[n].inputs[1 - *slot]) == kNone
               ? "the convolution before it is float"
               : "";
  }

  // The codes of `value` that the model came with.
  const KeptPair* Kept(const std::string& value) const {
    const auto it = kept_.find(value);
    return it == kept_.end() ? nullptr : &it->second;
  }
  bool HasCodes(const std::string& value) const {
    const KeptPair* kept = Kept(value);
    return kept != nullptr && kept->is_dequantized;
  }

  void FindTail(size_t n) {
    At(n).unit = FindFusedUnit(graph_, topology_, n);
    for (const size_t t : At(n).unit.tail) {
      At(t).domain = NodeDomain::kFused;
      At(t).reason.clear();
    }
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

  bool HasFloatOutputKernel(size_t n) const {
    return options_.target->products_write_floats &&
           CanLeaveFloat(graph_, topology_, n, placement_.nodes[n].unit);
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

  // A Q that came with the model reads codes where its value is written by an integer node.
  bool IsKeptQuantize(const Use& use, const std::string& value) const {
    const KeptPair* kept = Kept(value);
    return kept != nullptr && use.node == kept->node;
  }

  bool HasIntegerReader(const std::string& value) const {
    const auto& uses = topology_.Uses(value);
    return std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
      return IsQuantizedUse(use) || IsKeptQuantize(use, value);
    });
  }

  bool HasFloatReader(const std::string& value) const {
    const auto& uses = topology_.Uses(value);
    return topology_.IsGraphOutput(value) ||
           std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
             return !IsQuantizedUse(use) && !IsKeptQuantize(use, value);
           });
  }

  void MakeBlockedFloat() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (At(n).domain != NodeDomain::kInteger) continue;
      std::string reason = WhyBlocked(n);
      if (!reason.empty()) MakeFloat(n, std::move(reason));
    }
    // The last first: a node that moves codes in front of one that moves floats is float then.
    for (size_t n = graph_.nodes.size(); n-- > 0;) {
      if (!moves_into_body_[n] || At(n).domain == NodeDomain::kInteger) continue;
      const size_t producer = IntegerProducer(graph_.nodes[n].inputs[0]);
      if (producer != kNone) MakeFloat(producer, "a body reads what is moved behind it");
    }
  }

  std::string WhyBlocked(size_t n) const {
    const Node& node = graph_.nodes[n];
    bool all_constant = true;
    for (size_t i = 0; i < ValueInputs(n); ++i) {
      all_constant &= graph_.FindInitializer(node.inputs[i]) != nullptr;
      const auto input = options_.blocked.find(node.inputs[i]);
      if (input != options_.blocked.end()) return "its input " + input->second;
    }
    if (all_constant) return "its input is constant";
    const auto output = options_.blocked.find(placement_.nodes[n].unit.output);
    if (output != options_.blocked.end()) return "its output " + output->second;
    if (WrapsAround(n)) return "the codes behind it end below 1";
    return MixesTypes(n) ? "the engine would have int8 and uint8 codes around it" : "";
  }

  // The engine's integer Softmax wraps where a probability lies beyond the codes that are there.
  bool WrapsAround(size_t n) const {
    const KeptPair* kept = Kept(placement_.nodes[n].unit.output);
    if (kept == nullptr || !graph_.nodes[n].Is("Softmax")) return false;
    const float scale = kept->params.scales[0];
    const auto largest = FullFormat(kept->params.type).qmax - kept->params.zero_points[0];
    // Within a step of 1 the largest code stands for it.
    return scale * static_cast<float>(largest) < 1 - scale;
  }

  // Of int8 codes that the model came with the engine makes uint8, and of new ones, except where
  // several nodes read them or a clamp on codes stands behind: no kernel has both types, and those
  // with weights have none with int8.
  bool MixesTypes(size_t n) const {
    if (!options_.target->unsigns_codes || kept_.empty() || IsMovement(n)) return false;
    size_t values = 1;
    size_t is_signed = StaysSignedBehind(n) ? 1 : 0;
    for (size_t i = 0; i < ValueInputs(n); ++i) {
      const std::string& input = graph_.nodes[n].inputs[i];
      if (input.empty()) continue;
      ++values;
      const KeptPair* kept = Kept(input);
      const size_t more = HasCodes(input) ? 0 : 1;
      is_signed += kept != nullptr && StaysSigned(graph_, topology_, *kept, more) ? 1 : 0;
    }
    return is_signed > 0 && (is_signed < values || IsWeighted(n));
  }

  bool StaysSignedBehind(size_t n) const {
    const FusedUnit& unit = placement_.nodes[n].unit;
    const KeptPair* kept = Kept(unit.output);
    if (kept == nullptr || kept->params.type != DataType::kInt8) return false;
    const bool has_relu = !unit.tail.empty() && graph_.nodes[unit.tail.back()].Is("Relu");
    const bool clamps = has_relu && kept->params.zero_points[0] != FullFormat(DataType::kInt8).qmin;
    return clamps || StaysSigned(graph_, topology_, *kept, 0);
  }

  // Labels the candidates so that the estimated time of kernels and conversions is least.
  void ChooseByTime() {
    const CostModel costs(graph_, options_.sizes, options_.costs);
    MinCut cut(graph_.nodes.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (At(n).domain == NodeDomain::kInteger) AddNodeCosts(n, costs, cut);
    }
    AddValueCosts(costs, cut);
    const std::vector<bool> integer = cut.Solve();
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (At(n).domain != NodeDomain::kInteger || integer[n]) continue;
      MakeFloat(n, IsMovement(n) ? "moves floats" : "integers would not save time here");
    }
    CountCosts(costs);
  }

  static int64_t Round(double nanoseconds) { return std::llround(nanoseconds); }
  bool IsMovement(size_t n) const { return Rule(n).kind == OpKind::kMovement; }
  // A node with constant weights; MatMul of two activations is judged like arithmetic.
  bool IsWeighted(size_t n) const {
    return Rule(n).kind == OpKind::kWeighted &&
           graph_.FindInitializer(graph_.nodes[n].input(1)) != nullptr;
  }

  void AddNodeCosts(size_t n, const CostModel& costs, MinCut& cut) const {
    const Node& node = graph_.nodes[n];
    const bool weighted = IsWeighted(n);
    // Whole nanoseconds: sums of floats would depend on the order of edges, and so would ties.
    cut.AddIntegerCost(n, Round(costs.IntegerCost(node)));
    const bool all = options_.place_by == PlaceBy::kKernels;
    const bool pinned = all ? !IsMovement(n) : weighted && options_.place_by == PlaceBy::kWeights;
    cut.AddFloatCost(n, pinned ? MinCut::kInfinite : all ? kFollow : Round(costs.FloatCost(node)));
    if (!IsMovement(n)) return;
    if (HasCodes(node.inputs[0])) return;
    const size_t producer = IntegerProducer(node.inputs[0]);
    // Codes that nobody made cannot be moved; behind an integer node they can, whatever follows.
    if (producer == kNone) {
      cut.AddIntegerCost(n, MinCut::kInfinite);
    } else {
      cut.AddCost(n, producer, MinCut::kInfinite);
      if (moves_into_body_[n]) cut.AddCost(producer, n, MinCut::kInfinite);
    }
  }

  // Every value that a candidate reads or writes: one Q for all its integer readers when a float
  // node writes it, one DQ for all its float readers when an integer node does.
  void AddValueCosts(const CostModel& costs, MinCut& cut) const {
    for (const std::string& value : CandidateValues()) {
      if (HasCodes(value)) continue;  // both forms are there
      const size_t producer = IntegerProducer(value);
      const size_t quantized = cut.AddNode();
      const int64_t cost =
          Kept(value) != nullptr ? 0 : Round(costs.QuantizeCost(value, topology_.Producer(value)));
      if (producer == kNone) {
        cut.AddIntegerCost(quantized, cost);
      } else {
        cut.AddCost(quantized, producer, cost);
      }
      const size_t dequantized = cut.AddNode();  // float: some reader wants floats
      if (producer != kNone && !HasFloatOutputKernel(producer))
        cut.AddCost(producer, dequantized, Round(costs.DequantizeCost(value)));
      if (topology_.IsGraphOutput(value)) cut.AddIntegerCost(dequantized, MinCut::kInfinite);
      for (const Use& use : topology_.Uses(value)) {
        if (IsQuantizedUse(use)) {
          // An integer reader needs the codes, a float one the floats.
          cut.AddCost(use.node, quantized, MinCut::kInfinite);
          cut.AddCost(dequantized, use.node, MinCut::kInfinite);
        } else if (!IsKeptQuantize(use, value)) {
          cut.AddIntegerCost(dequantized, MinCut::kInfinite);
        }
      }
    }
  }

  std::set<std::string> CandidateValues() const {
    std::set<std::string> values;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (placement_.nodes[n].domain != NodeDomain::kInteger) continue;
      for (size_t i = 0; i < ValueInputs(n); ++i) {
        const std::string& input = graph_.nodes[n].inputs[i];
        if (!input.empty() && graph_.FindInitializer(input) == nullptr) values.insert(input);
      }
      if (!IsMovement(n)) {
        values.insert(placement_.nodes[n].unit.output);
        continue;
      }
      for (const std::string& output : graph_.nodes[n].outputs)
        if (!output.empty()) values.insert(output);
    }
    return values;
  }

  // Of what was chosen, and of the same nodes in float.
  void CountCosts(const CostModel& costs) {
    for (const size_t n : candidates_) {
      const CostShares on_float = costs.FloatShares(graph_.nodes[n]);
      placement_.in_float.Add(on_float);
      placement_.chosen.Add(
          At(n).domain == NodeDomain::kInteger ? costs.IntegerShares(graph_.nodes[n]) : on_float);
    }
    for (const std::string& value : CandidateValues()) {
      const size_t producer = IntegerProducer(value);
      if (producer == kNone && HasIntegerReader(value) && Kept(value) == nullptr)
        placement_.chosen.Add(costs.QuantizeShares(value, topology_.Producer(value)));
      if (producer != kNone && !HasFloatOutputKernel(producer) && HasFloatReader(value))
        placement_.chosen.Add(costs.DequantizeShares(value));
    }
    placement_.float_ns = TimeOf(placement_.in_float, options_.costs);
    placement_.chosen_ns = TimeOf(placement_.chosen, options_.costs);
  }

  void CollectValues() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (At(n).domain != NodeDomain::kInteger) continue;
      const Node& node = graph_.nodes[n];
      const bool movement = IsMovement(n);
      for (size_t i = 0; i < ValueInputs(n); ++i) {
        const std::string& input = node.inputs[i];
        const bool is_value = !input.empty() && graph_.FindInitializer(input) == nullptr;
        if (is_value && !At(n).float_inputs.contains(i)) placement_.roots.emplace(input, input);
      }
      if (QuantizesInputsOnly()) continue;
      if (movement) {
        const std::string root = placement_.roots.at(node.inputs[0]);
        for (const std::string& output : node.outputs) {
          if (output.empty()) continue;
          placement_.roots[output] = root;
          placement_.integer_values.insert(output);
        }
        continue;
      }
      const std::string& output = At(n).unit.output;
      // Nobody reads codes and the kernel gives floats for free: a pair would only cost precision.
      if (HasFloatOutputKernel(n) && !HasIntegerReader(output)) continue;
      placement_.roots[output] = output;
      placement_.integer_values.insert(output);
    }
  }

  const Graph& graph_;
  const PlaceOptions& options_;
  Topology topology_;
  const KeptPairs kept_;
  const std::vector<bool> moves_into_body_;
  Placement placement_;
  std::set<size_t> candidates_;
  std::set<size_t> float_biases_;  // Adds of the bias of a float MatMul
  std::vector<size_t> depths_;     // FindDepths, where asked for
};

}  // namespace

Placement PlaceNodes(const Graph& graph, const PlaceOptions& options) {
  Placement placement = Placer(graph, options).Run();
  for (const auto& [way, body] : options.bodies) {
    Placement inside = PlaceNodes(body->graph, body->options);
    for (size_t k = 0; k < kCostTerms; ++k) {
      placement.chosen.count[k] += body->runs * inside.chosen.count[k];
      placement.in_float.count[k] += body->runs * inside.in_float.count[k];
    }
    placement.chosen_ns += body->runs * inside.chosen_ns;
    placement.float_ns += body->runs * inside.float_ns;
    placement.bodies.emplace(way, std::move(inside));
  }
  return placement;
}

}  // namespace qconvert
