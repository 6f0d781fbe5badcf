#include "insert_level.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/numbers/quantize.h"
#include "qconvert/targets/kept_pairs.h"
#include "qdq_builder.h"
#include "quantize_rounding.h"

namespace qconvert {
namespace {

constexpr int64_t kOpsetWith16Bit = 21;
constexpr int64_t kLastOpsetWithoutInt2 = 24;

class Inserter {
 public:
  Inserter(Graph& graph, int64_t opset, const QuantizationPlan& plan,
           std::shared_ptr<NameMaker> names)
      : graph_(graph),
        plan_(plan),
        topology_(source_),
        builder_(graph, opset < kOpsetWith16Bit, std::move(names)),
        opset_(opset) {}

  // Says whether it took operators of com.microsoft.
  bool Run() {
    UseKeptPairs();
    for (const Value& input : source_.inputs) QuantizeIfPlanned(input.name);
    for (size_t n = 0; n < source_.nodes.size(); ++n) {
      const NodePlacement& place = plan_.placement.nodes[n];
      if (place.domain == NodeDomain::kFused || replaced_.contains(n)) continue;
      if (place.domain != NodeDomain::kInteger) {
        EmitFloat(n);
      } else if (FindOpRule(source_.nodes[n]).kind == OpKind::kMovement && plan_.works_on_codes &&
                 Is8Bit(source_.nodes[n].inputs[0])) {
        EmitMovement(n);
      } else {
        EmitUnit(n);
      }
    }
    for (const auto& [value, decided] : plan_.values) {
      if (IsPinned(value)) Dequantized(value);
    }
    graph_.nodes = std::move(out_);
    SortNodes(graph_);
    RemoveDeadNodes(graph_);
    return builder_.used_foreign_domain();
  }

 private:
  using Bounds = std::array<std::optional<int32_t>, 2>;

  // Codes that the model came with, where the plan has the same parameters, keep their names: a DQ
  // or Q of it is read as it is, and a Q behind what an integer node writes now is that node's own.
  void UseKeptPairs() {
    for (const auto& [value, kept] : FindKeptPairs(source_)) {
      if (!IsQuantized(value) || Params(value) != kept.params) continue;
      quantized_[value] = kept.codes;
      if (kept.is_dequantized) dequantized_[value] = value;
      if (IsIntegerValue(value)) {
        replaced_.insert(kept.node);
      } else {
        has_codes_.insert(value);
      }
    }
  }

  const QuantParams& Params(const std::string& value) const {
    return plan_.values.at(value).params;
  }
  bool IsQuantized(const std::string& value) const { return plan_.values.contains(value); }
  bool IsIntegerValue(const std::string& value) const {
    return plan_.placement.integer_values.contains(value);
  }
  bool Is8Bit(const std::string& value) const { return BitsOf(Params(value).type) == 8; }

  // Values whose name others know: graph outputs and what subgraphs read.
  bool IsPinned(const std::string& value) const {
    if (!IsIntegerValue(value)) return false;
    const auto& uses = topology_.Uses(value);
    return topology_.IsGraphOutput(value) ||
           std::any_of(uses.begin(), uses.end(),
                       [](const Use& use) { return use.slot == Use::kCaptured; });
  }

  const std::string& QuantizedName(const std::string& value) {
    auto& name = quantized_[value];
    if (name.empty()) name = builder_.FreshName("q");
    return name;
  }

  // The float view of a quantized value, one DQ for all readers. It keeps the value's name where no
  // node writes that any more, so that both models can be compared value by value.
  const std::string& Dequantized(const std::string& value) {
    auto& name = dequantized_[value];
    if (name.empty()) {
      name = IsIntegerValue(value) ? value : builder_.FreshName("d");
      out_.push_back(builder_.Dequantize(QuantizedName(value), name, Params(value)));
    }
    return name;
  }

  // A float node or graph input writes `value`: quantize it for its integer readers.
  void QuantizeIfPlanned(const std::string& value) {
    if (!IsQuantized(value) || IsIntegerValue(value) || has_codes_.contains(value)) return;
    AppendQuantize(value, value, out_);
  }

  // Quantizes `from` as the plan says of `value`. A Clip on the codes keeps them inside `bounds`,
  // and on a grid narrower than their type; integer kernels still find the Q in front of it. 16-bit
  // types have no kernel to lose (and the engine no 16-bit Clip): there it stands in front of the
  // Q.
  void AppendQuantize(const std::string& from, const std::string& value, std::vector<Node>& out,
                      Bounds bounds = {}, bool on_grid = false) {
    const NumericFormat& codes = plan_.values.at(value).format;
    const QuantParams& params = Params(value);
    // Without the lowest code alone: met beyond what was calibrated, and not worth a Clip.
    const bool narrow = codes.qmax != FullFormat(params.type).qmax;
    if (narrow && Is8Bit(value))
      bounds = {bounds[0].value_or(codes.qmin), bounds[1].value_or(codes.qmax)};
    if (bounds[0] || bounds[1]) {
      const std::string any = builder_.FreshName("q");
      Quantize(from, any, value, on_grid, out);
      out.push_back(MakeNode("Clip", ClipInputs(any, params.type, bounds), {QuantizedName(value)}));
      return;
    }
    std::string inside = from;
    if (narrow) {
      inside = builder_.FreshName("t");
      const auto real = [&](int32_t code) {
        const float bound = DequantizeValue(code, params.scales[0], params.zero_points[0]);
        return builder_.Constant(MakeFloatTensor("", {}, std::vector<float>{bound}), "c");
      };
      out.push_back(MakeNode("Clip", {from, real(codes.qmin), real(codes.qmax)}, {inside}));
    }
    Quantize(inside, QuantizedName(value), value, on_grid, out);
  }

  // Numbers that are on the grid already have no halves: every mode gives them the same codes.
  // Round operators there would also break the engine, which writes pairs of its own around Reshape
  // and the like, from opset 21 on with a type that its int8 to uint8 pass leaves behind (1.28).
  void Quantize(const std::string& from, const std::string& to, const std::string& value,
                bool on_grid, std::vector<Node>& out) {
    const Rounder round = plan_.values.at(value).format.round;
    if (plan_.exact_rounding && !on_grid && round.mode() != RoundMode::kHalfEven) {
      for (Node& node : QuantizeRounding(from, to, Params(value), round.mode(), builder_))
        out.push_back(std::move(node));
    } else {
      out.push_back(builder_.Quantize(from, to, Params(value)));
    }
  }

  // What a float node reads for `value`.
  std::string FloatView(const std::string& value) {
    return IsIntegerValue(value) ? Dequantized(value) : value;
  }

  void EmitFloat(size_t n) {
    const Node& source = source_.nodes[n];
    Node node = source;
    for (std::string& input : node.inputs) input = FloatView(input);
    const auto own = plan_.own_dequantize.find(n);
    if (own != plan_.own_dequantize.end()) {
      QuantParams params = Params(source.inputs[0]);
      params.axis = 1;
      params.scales.assign(static_cast<size_t>(own->second), params.scales[0]);
      params.zero_points.assign(static_cast<size_t>(own->second), params.zero_points[0]);
      node.inputs[0] = builder_.FreshName("d");
      out_.push_back(builder_.Dequantize(QuantizedName(source.inputs[0]), node.inputs[0], params));
    }
    out_.push_back(std::move(node));
    for (const std::string& output : source.outputs) QuantizeIfPlanned(output);
  }

  // Movement on the integers themselves.
  void EmitMovement(size_t n) {
    const Node& source = source_.nodes[n];
    const std::string& input = source.inputs[0];
    const QuantParams& params = Params(input);
    Node node = source;
    node.inputs[0] = QuantizedName(input);
    for (size_t i = 1; i < node.inputs.size(); ++i) node.inputs[i] = FloatView(node.inputs[i]);
    if (source.Is("Relu") || source.Is("Clip")) {
      node.op_type = "Clip";
      node.inputs = ClipInputs(QuantizedName(input), params.type, plan_.integer_nodes.at(n).bounds);
    }
    if (source.Is("Pad") && source.GetString("mode", "constant") == "constant") {
      node.inputs.resize(std::max<size_t>(node.inputs.size(), 3));
      node.inputs[2] = builder_.IntegerScalar(params.type, params.zero_points[0]);
    }
    for (std::string& output : node.outputs) {
      if (!output.empty()) output = QuantizedName(output);
    }
    out_.push_back(std::move(node));
  }

  std::vector<std::string> ClipInputs(const std::string& codes, DataType type,
                                      const Bounds& bounds) {
    const auto name = [&](const std::optional<int32_t>& bound) {
      return bound ? builder_.IntegerScalar(type, *bound) : "";
    };
    std::vector<std::string> inputs = {codes, name(bounds[0]), name(bounds[1])};
    if (inputs[2].empty()) inputs.resize(2);
    return inputs;
  }

  // An integer node with what is fused behind it.
  void EmitUnit(size_t n) {
    const Node& source = source_.nodes[n];
    const FusedUnit& fused = plan_.placement.nodes[n].unit;
    const IntegerNodePlan& integer = plan_.integer_nodes.at(n);
    if (integer.hard_sigmoid) return EmitHardSigmoid(source, *integer.hard_sigmoid);
    Node node = source;
    std::string bias_name;
    if (integer.weight) {
      bias_name = EmitWeights(source, integer, node);
    } else {
      const std::set<size_t>& floats = plan_.placement.nodes[n].float_inputs;
      for (size_t i = 0; i < node.inputs.size(); ++i)
        node.inputs[i] = floats.contains(i) ? source.inputs[i] : IntegerOperand(source, integer, i);
    }
    for (const auto& [i, grid] : integer.converted)
      node.inputs[i] = Converted(source.inputs[i], grid);
    if (source.Is("Gemm") && plan_.writes_beta) node.Set("beta", source.GetFloat("beta", 1));
    std::vector<Node> unit = {std::move(node)};
    if (source.Is("MatMul") && integer.bias && fused.bias_add == FusedUnit::kNone)
      unit.push_back(MakeNode("Add", {source.outputs[0], bias_name}, {source.outputs[0]}));
    for (const size_t t : fused.tail) {
      if (integer.implied.contains(t)) continue;
      Node next = source_.nodes[t];
      if (t == fused.bias_add && integer.bias) {
        for (std::string& input : next.inputs) {
          if (source_.FindInitializer(input) != nullptr) input = bias_name;
        }
      }
      unit.push_back(std::move(next));
    }
    ConnectAndQuantize(std::move(unit), fused.output, source, integer.bounds);
  }

  // Chains the unit's nodes, names its output, and puts the Qs behind it.
  void ConnectAndQuantize(std::vector<Node> unit, const std::string& output, const Node& source,
                          const Bounds& bounds) {
    const bool quantized = IsIntegerValue(output);
    const bool movement =
        FindOpRule(source).kind == OpKind::kMovement;  // 16 bit: several outputs are possible
    std::vector<Node> quantizers;
    if (movement) {
      for (std::string& name : unit[0].outputs) {
        if (name.empty()) continue;
        const std::string raw = builder_.FreshName("t");
        AppendQuantize(raw, name, quantizers, {}, /*on_grid=*/!source.Is("Clip"));
        name = raw;
      }
    } else {
      const std::string last = quantized ? builder_.FreshName("t") : output;
      for (size_t k = 0; k < unit.size(); ++k) {
        const std::string before = unit[k].outputs[0];
        unit[k].outputs[0] = k + 1 < unit.size() ? builder_.FreshName("t") : last;
        if (k + 1 < unit.size()) Reconnect(unit[k + 1], unit[k].outputs[0]);
      }
      const bool is_clamp = source.Is("Relu") || source.Is("Clip");
      if (quantized) AppendQuantize(last, output, quantizers, is_clamp ? Bounds{} : bounds);
    }
    for (auto* list : {&unit, &quantizers}) {
      for (Node& node : *list) out_.push_back(std::move(node));
    }
    if (!quantized && !movement) QuantizeIfPlanned(output);
  }

  // Makes the value input of a tail node (not its constants) read `name`.
  void Reconnect(Node& node, const std::string& name) const {
    if (node.Is("Add")) {
      for (std::string& input : node.inputs) {
        if (topology_.ProducerIndex(input) != Topology::kNpos) input = name;
      }
    } else {
      node.inputs[0] = name;
    }
  }

  // Input i of an integer node: a quantized activation, a quantized constant, or what it is
  // (shapes, indices).
  std::string IntegerOperand(const Node& source, const IntegerNodePlan& integer, size_t i) {
    const std::string& input = source.inputs[i];
    const auto constant = integer.operands.find(i);
    if (constant == integer.operands.end())
      return plan_.values.contains(input) && IsValueInput(source, i) ? Dequantized(input)
                                                                     : FloatView(input);
    const ConstantCodes& codes = constant->second;
    auto& name = constant_operands_[input];
    if (name.empty()) {
      name = builder_.FreshName("d");
      out_.push_back(builder_.Dequantize(builder_.Constant(codes.codes, "c"), name, codes.params));
    }
    return name;
  }

  static bool IsValueInput(const Node& node, size_t i) {
    return i < FindOpRule(node).value_inputs || (node.Is("MatMul") && i == 1);
  }

  // Puts integer weights (and a Conv's or Gemm's bias) in place; returns the dequantized bias name
  // for a MatMul's Add.
  std::string EmitWeights(const Node& source, const IntegerNodePlan& integer, Node& node) {
    node.inputs[0] = Dequantized(source.inputs[0]);
    node.inputs[1] = builder_.FreshName("d");
    const ConstantCodes weight = Narrowed(*integer.weight);
    out_.push_back(builder_.Dequantize(builder_.Constant(weight.codes, "w"), node.inputs[1],
                                       weight.params, integer.zero_point_of_weight));
    if (!integer.bias) return "";
    const std::string bias_name = EmitBias(integer);
    if (!source.Is("MatMul")) {
      node.inputs.resize(3);
      node.inputs[2] = bias_name;
    }
    return bias_name;
  }

  ConstantCodes Narrowed(ConstantCodes weight) const {
    // The engine takes int2 weights for an integer kernel that has none; devices want int4 anyway.
    const DataType type = NarrowestType(weight.format, std::min(opset_, kLastOpsetWithoutInt2));
    if (!plan_.narrow_weights || type == weight.params.type) return weight;
    const auto values = weight.codes.values<int8_t>();
    const std::vector<int32_t> codes(values.begin(), values.end());
    weight.params.type = weight.codes.type = type;
    weight.codes.bytes = std::make_shared<const std::string>(PackCodes(codes, type));
    return weight;
  }

  // A view of `value` in another type. Its DequantizeLinear has no other reader: together with the
  // QuantizeLinear it is one conversion for a compiler.
  std::string Converted(const std::string& value, const ConvertedInput& grid) {
    for (const auto& [known, name] : converted_[value])
      if (known == grid.params) return name;
    const std::string real = builder_.FreshName("d");
    const std::string codes = builder_.FreshName("q");
    const std::string view = builder_.FreshName("d");
    out_.push_back(builder_.Dequantize(QuantizedName(value), real, Params(value)));
    out_.push_back(builder_.Quantize(real, codes, grid.params));
    out_.push_back(builder_.Dequantize(codes, view, grid.params));
    converted_[value].emplace_back(grid.params, view);
    return view;
  }

  std::string EmitBias(const IntegerNodePlan& integer) {
    std::string codes = builder_.Constant(*integer.bias, "b");
    if (integer.bias_scales.empty()) return codes;
    const QuantParams bias_params{integer.bias->type, integer.bias_scales.size() > 1 ? 0 : -1,
                                  integer.bias_scales,
                                  std::vector<int32_t>(integer.bias_scales.size(), 0)};
    std::string name = builder_.FreshName("d");
    out_.push_back(builder_.Dequantize(codes, name, bias_params));
    return name;
  }

  void EmitHardSigmoid(const Node& source, const HardSigmoidPlan& plan) {
    const std::string operand = builder_.FreshName("d");
    const std::string sum = builder_.FreshName("t");
    out_.push_back(
        builder_.Dequantize(builder_.Constant(plan.shift.codes, "z"), operand, plan.shift.params));
    Node add = MakeNode("Add", {Dequantized(source.inputs[0]), operand}, {sum});
    add.name = source.name;
    out_.push_back(std::move(add));
    out_.push_back(builder_.Quantize(sum, QuantizedName(source.outputs[0]), plan.clip));
  }

  Graph& graph_;
  const QuantizationPlan& plan_;
  const Graph source_ = graph_;  // shares the tensors' bytes
  Topology topology_;
  QdqBuilder builder_;
  int64_t opset_;
  std::vector<Node> out_;
  std::map<std::string, std::string> quantized_;
  std::map<std::string, std::string> dequantized_;
  std::set<size_t> replaced_;        // Qs of the model that a unit's own Q stands for
  std::set<std::string> has_codes_;  // values that a pair of the model quantizes
  std::map<std::string, std::string> constant_operands_;
  std::map<std::string, std::vector<std::pair<QuantParams, std::string>>> converted_;
};

}  // namespace

bool InsertLevel(Graph& graph, int64_t opset, const QuantizationPlan& plan,
                 std::shared_ptr<NameMaker> names) {
  return Inserter(graph, opset, plan, std::move(names)).Run();
}

}  // namespace qconvert
