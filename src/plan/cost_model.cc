#include "qconvert/plan/cost_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/base/checked.h"
#include "qconvert/targets/op_rules.h"

namespace qconvert {
namespace {

// All times in nanoseconds; see docs/plan.md for how they were measured.
constexpr double kUnknownSize = 1024;
constexpr double kKernel = 3000;  // calling any kernel
constexpr double kQuantizeElement = 0.46;
constexpr double kDequantizeElement = 0.31;
constexpr double kLayoutElement = 0.45;

// A product of an input and a weight, by kind of kernel.
constexpr double kFloatProduct = 0.025;
constexpr double kFloatMediumProduct = 0.031;    // at most three blocks of output channels
constexpr double kFloatThinProduct = 0.045;      // fewer than 4 input channels
constexpr double kFloatNarrowProduct = 0.056;    // at most one block of output channels
constexpr double kFloatDepthwiseProduct = 0.04;  // channels in full blocks
constexpr double kFloatPlainDepthwiseProduct = 0.45;
constexpr double kIntegerProduct = 0.0145;
constexpr double kIntegerMatrixProduct = 0.0175;
constexpr double kIntegerDepthwiseProduct = 0.095;      // 3 x 3, channels a multiple of 16
constexpr double kIntegerPlainDepthwiseProduct = 0.26;  // 3 x 3
constexpr double kIntegerLargeDepthwiseProduct = 0.14;
// Other parts of a convolution or matrix product.
constexpr double kFloatOutput = 0.12;
constexpr double kFloatDepthwiseOutput = 0.15;
constexpr double kFloatInput = 0.11;
constexpr double kFloatWeight = 0.1;
constexpr double kIntegerOutput = 0.2;
constexpr double kIntegerMatrixOutput = 1.1;
constexpr double kIntegerInput = 0.12;
constexpr double kIntegerWeight = 0.03;
constexpr double kIntegerConv = 1000;  // on top of kKernel
constexpr double kGatheredRun = 2.5;   // copying the channels of one kernel position
constexpr double kGatheredByte = 0.03;
constexpr int64_t kBlock = 8;
constexpr int64_t kIntegerBlock = 16;
constexpr int64_t kThin = 4;

constexpr double kPlainPoolOutput = 25;  // MaxPool of integers, channels first
// Quantizing at run time: finding the range and converting.
constexpr double kDynamicKernel = 4000;
constexpr double kDynamicInput = 1.0;
constexpr double kDynamicProduct = 0.0165;
constexpr double kDynamicOutput = 0.5;
// An LSTM multiplies a vector in every step: the weights come from memory.
constexpr double kFloatLstmProduct = 0.1;
constexpr double kDynamicLstmProduct = 0.045;

struct ElementCost {
  std::string_view op_type;
  double on_float;
  double on_integers;
  bool per_input = false;  // per element of the first input; else per element of the output
};

constexpr std::array kElementCosts = {
    ElementCost{"Add", 0.27, 0.21},
    ElementCost{"Mul", 0.29, 0.38},
    ElementCost{"Concat", 0.27, 0.57},
    ElementCost{"AveragePool", 0.3, 0.6, true},
    ElementCost{"GlobalAveragePool", 0.1, 0.1, true},
    ElementCost{"LeakyRelu", 0.25, 0.52},
    ElementCost{"Sigmoid", 0.51, 1.0},
    ElementCost{"HardSigmoid", 0.29, 0.21},
    ElementCost{"Softmax", 1.0, 5.0},
    ElementCost{"MaxPool", 0.92, 0.57},
    ElementCost{"Reshape", 0, 0},
    ElementCost{"Squeeze", 0, 0},
    ElementCost{"Unsqueeze", 0, 0},
    ElementCost{"Flatten", 0, 0},
    ElementCost{"Transpose", 0.17, 0.17},
    ElementCost{"Slice", 0.18, 0.1},
    ElementCost{"Gather", 0.35, 0.2},
    ElementCost{"Split", 0.21, 0.1},
    ElementCost{"Expand", 0.8, 0.8},
    ElementCost{"Tile", 0.8, 0.8},
    ElementCost{"DepthToSpace", 0.3, 0.3},
    ElementCost{"Pad", 0.41, 0.2},
    ElementCost{"Resize", 0.67, 0.5},
    ElementCost{"Relu", 0.18, 0.1},
    ElementCost{"ReduceMax", 0.3, 0.3, true},
    ElementCost{"ReduceMin", 0.3, 0.3, true},
};

const ElementCost* FindElementCost(const Node& node) {
  const auto* const it =
      std::find_if(kElementCosts.begin(), kElementCosts.end(),
                   [&](const ElementCost& cost) { return node.op_type == cost.op_type; });
  return it == kElementCosts.end() ? nullptr : it;
}

// Of a kernel that goes over elements; one that only renames its input takes none.
double ElementTime(double per_element, double elements) {
  return per_element == 0 ? 0 : kKernel + per_element * elements;
}

}  // namespace

// The size of a Conv, Gemm or MatMul.
struct CostModel::Products {
  double count = 0;    // multiplications
  double weights = 0;  // elements of constant weights
  double outputs = 0;
  double inputs = 0;
  double window = 1;  // kernel positions of a Conv
  int64_t output_channels = 0;
  int64_t input_channels = 0;  // per group
  int64_t groups = 1;
  bool conv = false;

  bool depthwise() const { return conv && input_channels == 1 && groups > 1; }
};

CostModel::CostModel(const Graph& graph, ValueSizes sizes)
    : graph_(graph), sizes_(std::move(sizes)) {
  const auto add = [&](const Value& value) {
    if (!value.type.shape) return;
    is_image_[value.name] = value.type.shape->size() == 4;
    std::vector<int64_t> dims;
    for (const Dim& dim : *value.type.shape) dims.push_back(dim.known() ? dim.value : 1);
    if (const auto size = ElementCount(dims)) sizes_.emplace(value.name, *size);
  };
  for (const auto& [name, value] : graph.value_info) add(value);
  for (const Value& value : graph.inputs) add(value);
  for (const Value& value : graph.outputs) add(value);
  for (const auto& [name, tensor] : graph.initializers) sizes_[name] = tensor.element_count();
}

double CostModel::SizeOf(const std::string& value) const {
  const auto it = sizes_.find(value);
  return it == sizes_.end() ? kUnknownSize : static_cast<double>(it->second);
}

CostModel::Products CostModel::CountProducts(const Node& node) const {
  Products out;
  out.outputs = SizeOf(node.outputs[0]);
  out.inputs = SizeOf(node.inputs[0]);
  const Tensor* weight = graph_.FindInitializer(node.input(1));
  if (weight == nullptr) {  // a MatMul of activations [.., m, k] x [.., k, n]
    const double right = SizeOf(node.inputs[1]);
    out.count = std::sqrt(out.inputs * right * out.outputs);
    out.inputs += right;
    return out;
  }
  const int64_t axis = WeightAxis(node, *weight);
  const auto elements = static_cast<double>(weight->element_count());
  out.weights = elements;
  out.conv = node.Is("Conv");
  const size_t last = weight->dims.size() - 1;
  out.output_channels = weight->dims[axis < 0 ? last : static_cast<size_t>(axis)];
  if (out.conv) {
    out.groups = node.GetInt("group", 1);
    out.input_channels = weight->dims[1];
    out.window = elements / static_cast<double>(weight->dims[0] * weight->dims[1]);
    out.count = out.outputs * elements / static_cast<double>(weight->dims[0]);
  } else {
    const bool transposed = node.Is("Gemm") && node.GetInt("transB", 0) != 0;
    out.count = out.outputs * static_cast<double>(weight->dims[transposed ? last : last - 1]);
  }
  return out;
}

double CostModel::LstmProducts(const Node& node) const {
  const Tensor* weight = graph_.FindInitializer(node.input(1));
  const Tensor* recurrent = graph_.FindInitializer(node.input(2));
  if (weight == nullptr || recurrent == nullptr || weight->dims.size() != 3) return 0;
  const double steps =
      SizeOf(node.inputs[0]) / static_cast<double>(std::max<int64_t>(weight->dims[2], 1));
  return steps * static_cast<double>(weight->element_count() + recurrent->element_count());
}

double CostModel::DynamicCost(const Node& node) const {
  if (node.Is("LSTM")) return kKernel + kDynamicLstmProduct * LstmProducts(node);
  const Products p = CountProducts(node);
  return kDynamicKernel + kDynamicInput * p.inputs + kDynamicProduct * p.count +
         kDynamicOutput * p.outputs + kIntegerWeight * p.weights;
}

double CostModel::FloatCost(const Node& node) const {
  if (node.Is("LSTM")) return kKernel + kFloatLstmProduct * LstmProducts(node);
  if (const ElementCost* cost = FindElementCost(node)) {
    return ElementTime(cost->on_float, SizeOf(cost->per_input ? node.inputs[0] : node.outputs[0]));
  }
  const Products p = CountProducts(node);
  const double common = kKernel + kFloatInput * p.inputs;
  if (p.depthwise()) {
    const bool blocked = p.output_channels % kBlock == 0;
    return common + (blocked ? kFloatDepthwiseProduct : kFloatPlainDepthwiseProduct) * p.count +
           kFloatDepthwiseOutput * p.outputs;
  }
  const double product = !p.conv                           ? kFloatProduct
                         : p.output_channels <= kBlock     ? kFloatNarrowProduct
                         : p.input_channels < kThin        ? kFloatThinProduct
                         : p.output_channels <= 3 * kBlock ? kFloatMediumProduct
                                                           : kFloatProduct;
  return common + product * p.count + kFloatOutput * p.outputs + kFloatWeight * p.weights;
}

double CostModel::IntegerCost(const Node& node) const {
  if (const ElementCost* cost = FindElementCost(node)) {
    return ElementTime(cost->on_integers,
                       SizeOf(cost->per_input ? node.inputs[0] : node.outputs[0]));
  }
  const Products p = CountProducts(node);
  if (!p.conv) {
    return kKernel + kIntegerMatrixProduct * p.count + kIntegerMatrixOutput * p.outputs +
           kIntegerInput * p.inputs + kIntegerWeight * p.weights;
  }
  if (p.depthwise()) {
    const double product = p.window != 9                            ? kIntegerLargeDepthwiseProduct
                           : p.output_channels % kIntegerBlock == 0 ? kIntegerDepthwiseProduct
                                                                    : kIntegerPlainDepthwiseProduct;
    return kKernel + kIntegerConv + product * p.count;
  }
  const double common = kKernel + kIntegerConv + kIntegerInput * p.inputs +
                        kIntegerOutput * p.outputs + kIntegerWeight * p.weights;
  const int64_t blocks = (p.output_channels + kIntegerBlock - 1) / kIntegerBlock;
  const double padding = static_cast<double>(blocks * kIntegerBlock) /
                         static_cast<double>(std::max<int64_t>(p.output_channels, 1));
  // Bytes copied to put a window's inputs in a row.
  const double gathered = p.window == 1
                              ? 0
                              : p.count * static_cast<double>(p.groups) /
                                    static_cast<double>(std::max<int64_t>(p.output_channels, 1));
  const double runs = gathered / static_cast<double>(std::max<int64_t>(p.input_channels, 1));
  return common + kIntegerProduct * padding * p.count + kGatheredRun * runs +
         kGatheredByte * gathered;
}

double CostModel::LayoutCost(const std::string& value) const {
  const auto it = is_image_.find(value);
  return it != is_image_.end() && it->second ? kKernel + kLayoutElement * SizeOf(value) : 0;
}

double CostModel::QuantizeCost(const std::string& value, const Node* producer) const {
  double cost = kKernel + kQuantizeElement * SizeOf(value) + LayoutCost(value);
  // The engine moves the conversion in front of the pool, whose integer kernel is slow in this
  // layout.
  if (producer != nullptr && producer->Is("MaxPool")) cost += kPlainPoolOutput * SizeOf(value);
  return cost;
}

double CostModel::DequantizeCost(const std::string& value) const {
  return kKernel + kDequantizeElement * SizeOf(value) + LayoutCost(value);
}

}  // namespace qconvert
