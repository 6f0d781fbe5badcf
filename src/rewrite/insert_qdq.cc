#include "qconvert/rewrite/insert_qdq.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "qconvert/base/check.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/weights/quantize_weights.h"
#include "qdq_builder.h"

namespace qconvert {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);
constexpr int64_t kOpsetWith16Bit = 21;

class Inserter {
 public:
  Inserter(Model& model, const QuantizationPlan& plan, const ModelSettings& settings,
           WeightCache& cache)
      : model_(model),
        graph_(model.graph),
        plan_(plan),
        settings_(settings),
        cache_(cache),
        topology_(source_),
        builder_(model.graph, model.opset() < kOpsetWith16Bit) {}

  InsertedQdq Run() {
    for (const Value& input : source_.inputs) QuantizeIfPlanned(input.name);
    for (size_t n = 0; n < source_.nodes.size(); ++n) {
      const NodePlacement& place = plan_.placement.nodes[n];
      if (place.domain == NodeDomain::kFused) continue;
      if (place.domain != NodeDomain::kInteger) {
        EmitFloat(source_.nodes[n]);
      } else if (FindOpRule(source_.nodes[n]).kind == OpKind::kMovement &&
                 Is8Bit(source_.nodes[n].inputs[0])) {
        EmitMovement(source_.nodes[n]);
      } else {
        EmitUnit(n);
      }
    }
    for (const auto& [value, decided] : plan_.values) {
      if (IsPinned(value)) Dequantized(value);
    }
    graph_.nodes = std::move(out_);
    graph_.value_info.clear();
    SortNodes(graph_);
    RemoveDeadNodes(graph_);
    if (builder_.used_foreign_domain()) model_.opsets.emplace("com.microsoft", 1);
    return std::move(inserted_);
  }

 private:
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

  // The float view of a quantized value, one DQ for all readers.
  const std::string& Dequantized(const std::string& value) {
    auto& name = dequantized_[value];
    if (name.empty()) {
      name = IsPinned(value) ? value : builder_.FreshName("d");
      out_.push_back(builder_.Dequantize(QuantizedName(value), name, Params(value)));
    }
    return name;
  }

  // A float node or graph input writes `value`: quantize it for its integer readers.
  void QuantizeIfPlanned(const std::string& value) {
    if (!IsQuantized(value) || IsIntegerValue(value)) return;
    out_.push_back(builder_.Quantize(value, QuantizedName(value), Params(value)));
  }

  // What a float node reads for `value`.
  std::string FloatView(const std::string& value) {
    return IsIntegerValue(value) ? Dequantized(value) : value;
  }

  void EmitFloat(const Node& source) {
    Node node = source;
    for (std::string& input : node.inputs) input = FloatView(input);
    const int64_t channels = PrivateDqChannels(source);
    if (channels > 0) {
      QuantParams params = Params(source.inputs[0]);
      params.axis = 1;
      params.scales.assign(static_cast<size_t>(channels), params.scales[0]);
      params.zero_points.assign(static_cast<size_t>(channels), params.zero_points[0]);
      node.inputs[0] = builder_.FreshName("d");
      out_.push_back(builder_.Dequantize(QuantizedName(source.inputs[0]), node.inputs[0], params));
    }
    out_.push_back(std::move(node));
    for (const std::string& output : source.outputs) QuantizeIfPlanned(output);
  }

  // Input channels of a float node whose weights the engine would quantize behind a scalar DQ; 0
  // for all others.
  int64_t PrivateDqChannels(const Node& node) const {
    if (!IsIntegerValue(node.input(0))) return 0;
    const Tensor* weight = source_.FindInitializer(node.input(1));
    if (weight == nullptr || weight->dims.size() < 2) return 0;
    if (node.Is("Conv")) return weight->dims[1] * node.GetInt("group", 1);
    if (node.Is("ConvTranspose")) return weight->dims[0];
    if (node.Is("Gemm") && node.GetInt("transA", 0) == 0)
      return weight->dims[node.GetInt("transB", 0) != 0 ? 1 : 0];
    return 0;
  }

  // Movement on the integers themselves.
  void EmitMovement(const Node& source) {
    const std::string& input = source.inputs[0];
    const QuantParams& params = Params(input);
    Node node = source;
    node.inputs[0] = QuantizedName(input);
    for (size_t i = 1; i < node.inputs.size(); ++i) node.inputs[i] = FloatView(node.inputs[i]);
    if (source.Is("Relu") || source.Is("Clip")) {
      node.op_type = "Clip";
      node.inputs = {QuantizedName(input), IntegerBound(source, 1, params),
                     IntegerBound(source, 2, params)};
      if (node.inputs[2].empty()) node.inputs.resize(2);
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

  // Bound `slot` of a Relu (0 below) or Clip as a quantized scalar, "" when there is none.
  std::string IntegerBound(const Node& clamp, size_t slot, const QuantParams& params) {
    float bound = 0;
    if (clamp.Is("Relu")) {
      if (slot != 1) return "";
    } else {
      const Tensor* tensor = source_.FindInitializer(clamp.input(slot));
      if (tensor == nullptr) return "";
      bound = ToFloats(*tensor)[0];
    }
    return builder_.IntegerScalar(
        params.type,
        QuantizeValue(bound, params.scales[0], params.zero_points[0], FullFormat(params.type)));
  }

  // An integer node with what is fused behind it.
  void EmitUnit(size_t n) {
    const Node& source = source_.nodes[n];
    const NodePlacement& place = plan_.placement.nodes[n];
    if (source.Is("HardSigmoid") && place.tail.empty() && EmitHardSigmoid(source)) return;
    Node node = source;
    std::string bias_name;
    const bool weighted = FindOpRule(source).kind == OpKind::kWeighted &&
                          source_.FindInitializer(source.input(1)) != nullptr;
    if (weighted) {
      bias_name = EmitWeights(n, node);
    } else {
      for (size_t i = 0; i < node.inputs.size(); ++i) node.inputs[i] = IntegerOperand(source, i);
    }
    std::vector<Node> unit = {std::move(node)};
    for (const size_t t : place.tail) {
      Node next = source_.nodes[t];
      if (t == place.bias_add) {
        for (std::string& input : next.inputs) {
          if (source_.FindInitializer(input) != nullptr) input = bias_name;
        }
      } else if (IsImpliedClamp(next, place.output)) {
        ++inserted_.removed_clamps;
        continue;
      }
      unit.push_back(std::move(next));
    }
    ConnectAndQuantize(std::move(unit), place.output, source);
  }

  // Chains the unit's nodes, names its output, and puts the Qs behind it.
  void ConnectAndQuantize(std::vector<Node> unit, const std::string& output, const Node& source) {
    const bool quantized = IsIntegerValue(output);
    const bool movement =
        FindOpRule(source).kind == OpKind::kMovement;  // 16 bit: several outputs are possible
    std::vector<Node> quantizers;
    if (movement) {
      for (std::string& name : unit[0].outputs) {
        if (name.empty()) continue;
        const std::string raw = builder_.FreshName("t");
        quantizers.push_back(builder_.Quantize(raw, QuantizedName(name), Params(name)));
        name = raw;
      }
    } else {
      const std::string last = quantized ? builder_.FreshName("t") : output;
      for (size_t k = 0; k < unit.size(); ++k) {
        const std::string before = unit[k].outputs[0];
        unit[k].outputs[0] = k + 1 < unit.size() ? builder_.FreshName("t") : last;
        if (k + 1 < unit.size()) Reconnect(unit[k + 1], unit[k].outputs[0]);
      }
      if (quantized)
        quantizers.push_back(builder_.Quantize(last, QuantizedName(output), Params(output)));
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
        if (topology_.ProducerIndex(input) != kNone) input = name;
      }
    } else {
      node.inputs[0] = name;
    }
  }

  // Input i of an integer node: a quantized activation, a quantized constant, or what it is
  // (shapes, indices).
  std::string IntegerOperand(const Node& source, size_t i) {
    const std::string& input = source.inputs[i];
    if (i >= FindOpRule(source).value_inputs && !(source.Is("MatMul") && i == 1))
      return FloatView(input);
    const Tensor* constant = source_.FindInitializer(input);
    if (constant == nullptr) return Dequantized(input);
    auto& name = constant_operands_[input];
    if (name.empty()) {
      const auto values = constant->values<float>();
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      const Range range = values.empty() ? Range{} : Range{*low, *high};
      const NumericFormat format = FormatOf(settings_.Of(source).activation);
      const QuantParams params = ParamsFromRange(range, format);
      Tensor integers;
      integers.type = params.type;
      integers.dims = constant->dims;
      integers.bytes = std::make_shared<const std::string>(
          QuantizeToBytes(values, constant->dims, params, format));
      name = builder_.FreshName("d");
      out_.push_back(
          builder_.Dequantize(builder_.Constant(std::move(integers), "c"), name, params));
    }
    return name;
  }

  // Puts integer weights (and a Conv's or Gemm's bias) in place; returns the dequantized bias name
  // for a MatMul's Add.
  std::string EmitWeights(size_t n, Node& node) {
    const Node& source = source_.nodes[n];
    const NodePlacement& place = plan_.placement.nodes[n];
    const Tensor& weight = *source_.FindInitializer(source.inputs[1]);
    std::vector<float> bias;
    if (!source.Is("MatMul") && !source.input(2).empty())
      bias = ToFloats(*source_.FindInitializer(source.inputs[2]));
    if (place.bias_add != kNone) {
      for (const std::string& input : source_.nodes[place.bias_add].inputs) {
        if (const Tensor* tensor = source_.FindInitializer(input)) bias = ToFloats(*tensor);
      }
    }
    const QuantParams& input_params = Params(source.inputs[0]);
    const float input_scale = input_params.scales[0];
    const NodeSettings& settings = settings_.Of(source);
    RoundBias(settings.bias, bias);
    QuantizedWeights quantized = cache_.Get(n, input_scale, settings.weights, [&] {
      return QuantizeWeights(weight, KernelOrder(source, weight), bias, input_scale,
                             settings.weights,
                             {.pair_limit = kPairLimit, .workers = cache_.workers()});
    });
    inserted_.weights.push_back({source.name, source.inputs[1], quantized.params});
    const bool gemm_kernel = source.Is("Gemm") || place.bias_add != kNone;
    node.inputs[0] = Dequantized(source.inputs[0]);
    node.inputs[1] = builder_.FreshName("d");
    out_.push_back(builder_.Dequantize(builder_.Constant(std::move(quantized.weight), "w"),
                                       node.inputs[1], quantized.params,
                                       /*explicit_zero_point=*/gemm_kernel));
    if (!quantized.bias) return "";
    QuantParams bias_params{DataType::kInt32, quantized.bias_scales.size() > 1 ? 0 : -1,
                            quantized.bias_scales,
                            std::vector<int32_t>(quantized.bias_scales.size(), 0)};
    const std::string bias_name = builder_.FreshName("d");
    out_.push_back(builder_.Dequantize(builder_.Constant(std::move(*quantized.bias), "b"),
                                       bias_name, bias_params));
    if (place.bias_add == kNone) node.inputs[2] = bias_name;
    return bias_name;
  }

  // True when the saturation of the output's Q clamps just like `clamp`, to half a step.
  bool IsImpliedClamp(const Node& clamp, const std::string& output) const {
    if (!IsIntegerValue(output)) return false;
    const QuantParams& params = Params(output);
    const NumericFormat codes = FullFormat(params.type);
    const float half_step = params.scales[0] / 2;
    const float low = DequantizeValue(codes.qmin, params.scales[0], params.zero_points[0]);
    const float high = DequantizeValue(codes.qmax, params.scales[0], params.zero_points[0]);
    if (clamp.Is("Relu")) return low >= -half_step;
    const auto bound = [&](size_t slot, float none) {
      const Tensor* tensor = source_.FindInitializer(clamp.input(slot));
      return tensor == nullptr ? none : ToFloats(*tensor)[0];
    };
    return low >= bound(1, -INFINITY) - half_step && high <= bound(2, INFINITY) + half_step;
  }

  bool EmitHardSigmoid(const Node& source) {
    const QuantParams& params = Params(source.outputs[0]);
    const float alpha = source.GetFloat("alpha", 0.2F);
    const float beta = source.GetFloat("beta", 0.5F);
    if (params.type != DataType::kUint8 || params.zero_points[0] != 0 || !(alpha > 0)) return false;
    const float shift = beta / alpha;
    const QuantParams shift_params =
        ParamsFromRange({shift, shift}, FormatOf(settings_.Of(source).activation));
    const int32_t integer = QuantizeValue(
        shift, shift_params.scales[0], shift_params.zero_points[0], FullFormat(shift_params.type));
    const std::string operand = builder_.FreshName("d");
    const std::string sum = builder_.FreshName("t");
    out_.push_back(builder_.Dequantize(builder_.IntegerScalar(shift_params.type, integer), operand,
                                       shift_params));
    Node add = MakeNode("Add", {Dequantized(source.inputs[0]), operand}, {sum});
    add.name = source.name;
    QuantParams clip = params;
    clip.scales[0] = static_cast<float>(1.0 / (255.0 * alpha));
    out_.push_back(std::move(add));
    out_.push_back(builder_.Quantize(sum, QuantizedName(source.outputs[0]), clip));
    return true;
  }

  Model& model_;
  Graph& graph_;
  const QuantizationPlan& plan_;
  const ModelSettings& settings_;
  WeightCache& cache_;
  const Graph source_ = model_.graph;  // shares the tensors' bytes
  Topology topology_;
  QdqBuilder builder_;
  std::vector<Node> out_;
  InsertedQdq inserted_;
  std::map<std::string, std::string> quantized_;
  std::map<std::string, std::string> dequantized_;
  std::map<std::string, std::string> constant_operands_;
};

}  // namespace

const QuantizedWeights& WeightCache::Get(size_t node, float input_scale,
                                         const TensorSettings& settings,
                                         const std::function<QuantizedWeights()>& make) {
  const auto it = entries_.find(node);
  const bool fits = it != entries_.end() && it->second.input_scale == input_scale &&
                    it->second.settings == settings;
  if (fits) return it->second.weights;
  return entries_.insert_or_assign(node, Entry{input_scale, settings, make()})
      .first->second.weights;
}

InsertedQdq InsertQdq(Model& model, const QuantizationPlan& plan, const ModelSettings& settings,
                      WeightCache* cache) {
  WeightCache own;
  return Inserter(model, plan, settings, cache != nullptr ? *cache : own).Run();
}

}  // namespace qconvert
