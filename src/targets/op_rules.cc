#include "qconvert/targets/op_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <variant>
#include <vector>

#include "qconvert/ir/value_types.h"

namespace qconvert {
namespace {

const OpRule kFloatRule{"", OpKind::kFloatOnly, 0};

using enum OpKind;

// Pad and clamps have kernels for integers, which the engine does not look for
// between pairs; Where and GatherElements it does, but nothing places them.
const std::vector<OpRule>& Rules() {
  static const std::vector<OpRule> kRules = {
      {"Conv", kWeighted, 1, PairForm::kWeighted},
      {"Gemm", kWeighted, 1, PairForm::kWeighted},
      {"MatMul", kWeighted, 1, PairForm::kWeighted},
      {"Add", kArithmetic, 2, PairForm::kArithmetic},
      {"Mul", kArithmetic, 2, PairForm::kArithmetic},
      {"Concat", kArithmetic, kAllInputs, PairForm::kArithmetic},
      {"AveragePool", kArithmetic, 1, PairForm::kArithmetic},
      {"GlobalAveragePool", kArithmetic, 1, PairForm::kArithmetic},
      {"LeakyRelu", kArithmetic, 1, PairForm::kArithmetic},
      {"Sigmoid", kArithmetic, 1, PairForm::kArithmetic},
      {"HardSigmoid", kArithmetic},
      {"Softmax", kArithmetic, 1, PairForm::kArithmetic},
      {"Where", kFloatOnly, 0, PairForm::kArithmetic},
      {"MaxPool", kMovement, 1, PairForm::kMovement},
      {"Reshape", kMovement, 1, PairForm::kMovement},
      {"Transpose", kMovement, 1, PairForm::kMovement},
      {"Squeeze", kMovement, 1, PairForm::kMovement},
      {"Unsqueeze", kMovement, 1, PairForm::kMovement},
      {"Flatten", kMovement, 1, PairForm::kMovement},
      {"Slice", kMovement, 1, PairForm::kMovement},
      {"Gather", kMovement, 1, PairForm::kMovement},
      {"GatherElements", kFloatOnly, 0, PairForm::kMovement},
      {"Split", kMovement, 1, PairForm::kMovement},
      {"Expand", kMovement, 1, PairForm::kMovement},
      {"Tile", kMovement, 1, PairForm::kMovement},
      {"DepthToSpace", kMovement, 1, PairForm::kMovement},
      {"Pad", kMovement},
      {"Resize", kMovement, 1, PairForm::kMovement},
      {"Relu", kMovement},
      {"ReduceMax", kMovement, 1, PairForm::kMovement},
      {"ReduceMin", kMovement, 1, PairForm::kMovement},
      {"ArgMax", kFloatOnly, 0, PairForm::kIndices},
  };
  return kRules;
}

std::string WhyFloatWeighted(const Graph& graph, const Node& node) {
  const Tensor* weight = graph.FindInitializer(node.input(1));
  if (node.Is("MatMul") && weight == nullptr)
    return "";  // both are activations: judged like arithmetic
  if (weight == nullptr) return "its weight is computed at run time";
  if (weight->type != DataType::kFloat)
    return fmt::format("its weight is {}", DataTypeName(weight->type));
  if (weight->element_count() == 0) return "its weight is empty";
  const bool conv = node.Is("Conv");
  const size_t rank = weight->dims.size();
  if (conv && (rank < 3 || rank > 5))
    return fmt::format("no integer kernel for weights of rank {}", rank);
  if (!conv && rank < 2) return "its weight is a vector";
  if (node.Is("Gemm") && node.GetInt("transA", 0) != 0) return "transA has no integer kernel";
  if (node.Is("Gemm") && node.GetFloat("alpha", 1) != 1) return "alpha is not 1";
  if (node.input(2).empty()) return "";
  const Tensor* bias = graph.FindInitializer(node.inputs[2]);
  const int64_t channels = weight->dims[static_cast<size_t>(WeightAxis(node, *weight))];
  if (bias == nullptr) return "its bias is computed at run time";
  if (bias->type != DataType::kFloat || bias->element_count() != channels)
    return "its bias is not one number per channel";
  if (node.Is("Gemm") && node.GetFloat("beta", 1) != 1) return "beta is not 1";
  return "";
}

std::string WhyFloatMovement(const Graph& graph, const Node& node) {
  if (node.Is("MaxPool") && node.outputs.size() > 1 && !node.outputs[1].empty())
    return "its indices are used";
  if (node.Is("Resize") && node.GetString("mode", "nearest") != "nearest") {
    return fmt::format("no exact integer kernel for mode {}", node.GetString("mode", "nearest"));
  }
  if (node.Is("Resize") &&
      node.GetString("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize") {
    return "crop and resize has no integer kernel";
  }
  if (node.Is("Pad") && !node.input(2).empty()) {
    const Tensor* value = graph.FindInitializer(node.inputs[2]);
    // On codes the padding is the zero point, which stands for 0 alone.
    if (value == nullptr || value->type != DataType::kFloat || value->element_count() != 1 ||
        value->values<float>()[0] != 0) {
      return "pads with another value than 0";
    }
  }
  return "";
}

const Tensor* FindFloatMatrix(const Graph& graph, const std::string& name, size_t rank) {
  const Tensor* tensor = graph.FindInitializer(name);
  const bool usable = tensor != nullptr && tensor->type == DataType::kFloat &&
                      tensor->dims.size() == rank && tensor->element_count() > 0;
  return usable ? tensor : nullptr;
}

bool HasDefaultActivations(const Node& gru) {
  const auto found = gru.attributes.find("activations");
  if (found == gru.attributes.end()) return true;
  const auto* names = std::get_if<std::vector<std::string>>(&found->second.data);
  if (names == nullptr) return false;
  // Two for each direction: that of the gates and that of the new state.
  for (size_t i = 0; i < names->size(); ++i)
    if ((*names)[i] != (i % 2 == 0 ? "Sigmoid" : "Tanh")) return false;
  return true;
}

// Of a GRU, but for its weights.
bool IsPlainGru(const Graph& graph, const Node& node) {
  const Tensor* bias = graph.FindInitializer(node.input(3));
  return !node.attributes.contains("clip") && HasDefaultActivations(node) &&
         node.input(4).empty() &&
         (node.input(3).empty() || (bias != nullptr && bias->type == DataType::kFloat));
}

}  // namespace

const OpRule& FindOpRule(const Node& node) {
  if (!node.domain.empty()) return kFloatRule;
  const auto& rules = Rules();
  const auto it = std::find_if(rules.begin(), rules.end(),
                               [&](const OpRule& rule) { return rule.op_type == node.op_type; });
  return it == rules.end() ? kFloatRule : *it;
}

bool IsIntegerKernel(const Node& node) {
  static constexpr std::array<std::string_view, 8> kTypes = {
      "QGemm",       "QAttention",           "QEmbedLayerNormalization", "MatMulInteger",
      "ConvInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul",    "DynamicQuantizeLSTM"};
  if (!node.domain.empty() && node.domain != "com.microsoft") return false;
  // Weights of few bits are multiplied with floats, but for the level that rounds those to int8.
  constexpr int64_t kInt8Level = 4;
  if (node.op_type == "MatMulNBits") return node.GetInt("accuracy_level", 0) == kInt8Level;
  return node.op_type.starts_with("QLinear") ||
         std::find(kTypes.begin(), kTypes.end(), node.op_type) != kTypes.end();
}

DataType TypeOfValue(const Graph& graph, const std::string& value) {
  if (const Tensor* tensor = graph.FindInitializer(value)) return tensor->type;
  const ValueType* type = FindValueType(graph, value);
  return type == nullptr ? DataType::kUndefined : type->element;
}

bool ComputesFloat(const Graph& graph, const Node& node) {
  return !node.outputs.empty() &&
         std::any_of(node.outputs.begin(), node.outputs.end(), [&](const std::string& output) {
           return !output.empty() && TypeOfValue(graph, output) == DataType::kFloat;
         });
}

int64_t WeightAxis(const Node& node, const Tensor& weight) {
  if (node.Is("Conv")) return 0;
  if (node.Is("Gemm")) return node.GetInt("transB", 0) != 0 ? 0 : 1;
  return weight.dims.size() == 2 ? 1 : -1;
}

WeightOrder KernelOrder(const Node& node, const Tensor& weight) {
  WeightOrder order;
  order.axis = WeightAxis(node, weight);
  const std::vector<int64_t>& dims = weight.dims;
  if (node.Is("Conv")) {
    order.channels = dims[0];
    // Channels last: the input channels of one kernel position follow each other.
    order.count = order.channel_stride = weight.element_count() / dims[0];
    order.inner_count = dims[1];
    order.inner_stride = order.count / dims[1];
    order.outer_stride = 1;
    order.pairs_in_16_bits = !(dims[1] == 1 && node.GetInt("group", 1) == dims[0]);
    return order;
  }
  if (node.Is("ConvTranspose")) {
    const int64_t groups = node.GetInt("group", 1);
    order.group_channels = dims[1];
    order.channels = dims[1] * groups;
    order.channel_stride = weight.element_count() / (dims[0] * dims[1]);
    order.inner_count = dims[0] / groups;
    order.inner_stride = dims[1] * order.channel_stride;
    order.group_stride = order.inner_count * order.inner_stride;
    order.outer_stride = 1;
    order.count = order.inner_count * order.channel_stride;
    return order;
  }
  const size_t rank = dims.size();
  const bool transposed = node.Is("Gemm") && node.GetInt("transB", 0) != 0;
  order.channels = dims[transposed ? rank - 2 : rank - 1];
  order.count = order.inner_count = dims[transposed ? rank - 1 : rank - 2];
  order.channel_stride = transposed ? order.count : 1;
  order.inner_stride = transposed ? 1 : order.channels;
  order.batch_stride = order.channels * order.count;
  order.batches = order.batch_stride == 0 ? 0 : weight.element_count() / order.batch_stride;
  return order;
}

std::string WhyFloat(const Graph& graph, const Node& node) {
  const OpRule& rule = FindOpRule(node);
  if (rule.kind == OpKind::kFloatOnly) {
    return fmt::format(
        "{} {}",
        rule.pair_form == PairForm::kNone ? "no integer kernel for" : "integers are not placed on",
        node.domain.empty() ? node.op_type : node.domain + ":" + node.op_type);
  }
  if (TypeOfValue(graph, node.outputs[0]) != DataType::kFloat) return "is not float32";
  const size_t inputs = std::min(rule.value_inputs, node.inputs.size());
  for (size_t i = 0; i < inputs; ++i) {
    if (TypeOfValue(graph, node.inputs[i]) != DataType::kFloat) return "is not float32";
  }
  return rule.kind == OpKind::kWeighted ? WhyFloatWeighted(graph, node)
                                        : WhyFloatMovement(graph, node);
}

bool CanBeDynamic(const Graph& graph, const Node& node) {
  if (node.Is("MatMul")) return FindFloatMatrix(graph, node.input(1), 2) != nullptr;
  if (node.Is("Gemm")) {
    return FindFloatMatrix(graph, node.input(1), 2) != nullptr && node.GetInt("transA", 0) == 0 &&
           node.GetFloat("alpha", 1) == 1 && node.GetFloat("beta", 1) == 1;
  }
  if (!node.Is("LSTM") && !node.Is("GRU")) return false;
  if (node.Is("GRU") && !IsPlainGru(graph, node)) return false;
  return FindFloatMatrix(graph, node.input(1), 3) != nullptr &&
         FindFloatMatrix(graph, node.input(2), 3) != nullptr && node.GetInt("layout", 0) == 0 &&
         node.GetInt("input_forget", 0) == 0;
}

}  // namespace qconvert
