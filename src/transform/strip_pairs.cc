#include "qconvert/transform/strip_pairs.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

bool IsPairEnd(const Node& node, std::string_view type) {
  return node.op_type == type && (node.domain.empty() || node.domain == "com.microsoft") &&
         node.inputs.size() >= 2;
}

// The integers of a tensor of codes or zero points; nothing for another type.
std::optional<std::vector<int32_t>> Integers(const Tensor& tensor) {
  const auto widen = [](auto values) { return std::vector<int32_t>(values.begin(), values.end()); };
  switch (tensor.type) {
    case DataType::kInt8:
      return widen(tensor.values<int8_t>());
    case DataType::kUint8:
      return widen(tensor.values<uint8_t>());
    case DataType::kInt16:
      return widen(tensor.values<int16_t>());
    case DataType::kUint16:
      return widen(tensor.values<uint16_t>());
    case DataType::kInt32:
      return widen(tensor.values<int32_t>());
    default:
      return std::nullopt;
  }
}

// How many elements in a row have one scale; 0 where the scales fit no axis.
int64_t RunOfOneScale(const Node& node, const Tensor& codes, const Tensor& scale) {
  if (scale.element_count() == 1) return std::max<int64_t>(codes.element_count(), 1);
  const auto rank = static_cast<int64_t>(codes.dims.size());
  int64_t axis = node.GetInt("axis", 1);
  axis += axis < 0 ? rank : 0;
  if (axis < 0 || axis >= rank || scale.dims.size() != 1 ||
      scale.dims[0] != codes.dims[static_cast<size_t>(axis)] || node.GetInt("block_size", 0) != 0)
    return 0;
  int64_t run = 1;
  for (int64_t d = axis + 1; d < rank; ++d) run *= codes.dims[static_cast<size_t>(d)];
  return run;
}

// y = (q - z) * s, ONNX DequantizeLinear.
std::optional<Tensor> Dequantized(const Graph& graph, const Node& node) {
  const Tensor* codes = graph.FindInitializer(node.inputs[0]);
  const Tensor* scale = graph.FindInitializer(node.inputs[1]);
  const Tensor* zero = graph.FindInitializer(node.input(2));
  if (codes == nullptr || scale == nullptr || scale->type != DataType::kFloat ||
      scale->element_count() == 0 || (zero == nullptr && !node.input(2).empty()))
    return std::nullopt;
  const auto integers = Integers(*codes);
  const auto zeros = zero == nullptr ? std::optional(std::vector<int32_t>{0}) : Integers(*zero);
  const auto scales = scale->values<float>();
  const int64_t run = RunOfOneScale(node, *codes, *scale);
  if (!integers || !zeros || run == 0 ||
      (zeros->size() != 1 && zeros->size() != static_cast<size_t>(scale->element_count())))
    return std::nullopt;
  std::vector<float> values(integers->size());
  for (size_t k = 0; k < values.size(); ++k) {
    const size_t channel = k / static_cast<size_t>(run) % scales.size();
    const int32_t z = (*zeros)[zeros->size() == 1 ? 0 : channel];
    values[k] = static_cast<float>((*integers)[k] - z) * scales[channel];
  }
  return MakeFloatTensor(node.outputs[0], codes->dims, values);
}

// Whether no code stands for a negative number.
bool HasNoNegatives(const Graph& graph, const Node& quantize) {
  if (quantize.input(2).empty()) return true;  // uint8, zero point 0
  const Tensor* zero = graph.FindInitializer(quantize.inputs[2]);
  const auto zeros = zero == nullptr ? std::nullopt : Integers(*zero);
  if (!zeros) return false;
  const bool is_signed = zero->type == DataType::kInt8 || zero->type == DataType::kInt16;
  const int32_t least = is_signed ? -(1 << (BitsOf(zero->type) - 1)) : 0;
  return std::all_of(zeros->begin(), zeros->end(), [&](int32_t z) { return z == least; });
}

// A Relu in front of a pair goes when its codes have no negative numbers: the pair does its work.
bool StandsForRelu(const Graph& graph, const Topology& topology, const Node& quantize) {
  static constexpr std::string_view kNeverNegative[] = {"Relu", "Sigmoid", "HardSigmoid", "Softmax",
                                                        "Abs",  "Sqrt",    "Exp"};
  const Node* producer = topology.Producer(quantize.inputs[0]);
  return producer != nullptr &&
         std::find(std::begin(kNeverNegative), std::end(kNeverNegative), producer->op_type) ==
             std::end(kNeverNegative) &&
         HasNoNegatives(graph, quantize);
}

}  // namespace

size_t StripPairs(Graph& graph) {
  size_t stripped = 0;
  const Topology topology(graph);
  std::vector<bool> is_constant(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& node = graph.nodes[n];
    for (Graph* body : SubgraphsOf(node)) stripped += StripPairs(*body);
    if (!IsPairEnd(node, "DequantizeLinear")) continue;
    const Node* producer = topology.Producer(node.inputs[0]);
    if (producer != nullptr && IsPairEnd(*producer, "QuantizeLinear")) {
      node.op_type = StandsForRelu(graph, topology, *producer) ? "Relu" : "Identity";
      node.domain.clear();
      node.inputs = {producer->inputs[0]};
      node.attributes.clear();
    } else if (auto weight = topology.IsGraphOutput(node.outputs[0]) ? std::nullopt
                                                                     : Dequantized(graph, node)) {
      graph.initializers.insert_or_assign(node.outputs[0], *std::move(weight));
      is_constant[n] = true;
    } else {
      continue;
    }
    ++stripped;
  }
  RemoveNodes(graph, is_constant);
  EliminateIdentity(graph);
  RemoveDeadNodes(graph);
  return stripped;
}

}  // namespace qconvert
