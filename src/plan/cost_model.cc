#include "qconvert/plan/cost_model.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "qconvert/base/checked.h"
#include "qconvert/ir/value_types.h"
#include "qconvert/plan/multiply_adds.h"
#include "qconvert/targets/op_rules.h"

namespace qconvert {
namespace {

constexpr double kUnknownSize = 1024;
// Channels in a block of the float kernels, and of the integer ones.
constexpr int64_t kBlock = 8;
constexpr int64_t kIntegerBlock = 16;
constexpr int64_t kThin = 4;

constexpr size_t kNoElements = kElementOperators.size();

// Place in kElementOperators, or kNoElements.
size_t FindElementOperator(const Node& node) {
  const auto* const it =
      std::find_if(kElementOperators.begin(), kElementOperators.end(),
                   [&](const ElementOperator& row) { return node.op_type == row.op_type; });
  return static_cast<size_t>(it - kElementOperators.begin());
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

CostModel::CostModel(const Graph& graph, ValueSizes sizes, const CostTable& table)
    : graph_(graph), table_(&table), sizes_(std::move(sizes)) {
  const auto add = [&](const Value& value) {
    if (!value.type.shape) return;
    is_image_[value.name] = value.type.shape->size() == 4;
    std::vector<int64_t> dims;
    for (const Dim& dim : *value.type.shape) dims.push_back(dim.known() ? dim.value : 1);
    // Sizes of a run are there already and come first.
    if (const auto size = ElementCount(dims)) sizes_.emplace(value.name, *size);
  };
  for (const auto& [name, value] : graph.value_info) add(value);
  for (const Value& value : graph.inputs) add(value);
  for (const Value& value : graph.outputs) add(value);
  // In place of a run's or a declared size: a constant is as large as it is.
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
  out.count = CountMultiplyAdds(graph_, *this, node);
  const Tensor* weight = graph_.FindInitializer(node.input(1));
  if (weight == nullptr) {  // a MatMul of activations [.., m, k] x [.., k, n]
    out.inputs += SizeOf(node.inputs[1]);
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
  }
  return out;
}

CostShares CostModel::ElementShares(const Node& node, size_t k, bool on_integers) const {
  const double elements = SizeOf(kElementOperators[k].per_input ? node.inputs[0] : node.outputs[0]);
  return {{CostTerm::kKernel, 1}, {on_integers ? IntegerElement(k) : FloatElement(k), elements}};
}

std::optional<CostModel::Steps> CostModel::CountSteps(const Node& gru) const {
  const Tensor* weight = graph_.FindInitializer(gru.input(1));
  const Tensor* recurrent = graph_.FindInitializer(gru.input(2));
  if (!gru.Is("GRU") || weight == nullptr || recurrent == nullptr || weight->dims.size() != 3 ||
      recurrent->dims.size() != 3 || weight->element_count() == 0)
    return std::nullopt;
  const std::vector<Dim>* shape = FindShape(graph_, gru.input(0));
  const bool is_known = shape != nullptr && shape->size() == 3 && (*shape)[1].value > 0;
  Steps out;
  out.batch = is_known ? static_cast<double>((*shape)[1].value) : 1;
  // Steps times batch.
  const double rows = SizeOf(gru.input(0)) / static_cast<double>(weight->dims[2]);
  const auto directions = static_cast<double>(weight->dims[0]);
  out.count = rows / out.batch * directions;
  out.states = rows * directions * static_cast<double>(recurrent->dims[2]);
  out.gates = rows * directions * static_cast<double>(weight->dims[1]);
  out.of_states = rows * static_cast<double>(recurrent->element_count());
  return out;
}

double CostModel::CountLstmSteps(const Node& lstm) const {
  const Tensor* weight = graph_.FindInitializer(lstm.input(1));
  if (weight == nullptr || weight->dims.size() != 3) return 0;
  const auto inputs = static_cast<double>(std::max<int64_t>(weight->dims[2], 1));
  return SizeOf(lstm.input(0)) / inputs * static_cast<double>(weight->dims[0]);
}

CostShares CostModel::DynamicShares(const Node& node) const {
  if (const auto steps = CountSteps(node)) {
    // A step runs a body, which is a small model; the reset stands behind its product or in front
    // of a second one.
    const double products = node.GetInt("linear_before_reset", 0) != 0 ? 1 : 2;
    // All gates are written twice, from the input and from the state.
    return {{CostTerm::kKernel, 1},
            {CostTerm::kRun, steps->count},
            {CostTerm::kDynamicKernel, steps->count * products + 1},
            {CostTerm::kDynamicInput, SizeOf(node.input(0)) + steps->states * products},
            {CostTerm::kDynamicProduct, CountMultiplyAdds(graph_, *this, node)},
            {CostTerm::kDynamicOutput, 2 * steps->gates}};
  }
  if (node.Is("LSTM"))
    return {{CostTerm::kKernel, 1},
            {CostTerm::kDynamicLstmStep, CountLstmSteps(node)},
            {CostTerm::kDynamicLstmProduct, CountMultiplyAdds(graph_, *this, node)}};
  const Products p = CountProducts(node);
  return {{CostTerm::kDynamicKernel, 1},
          {CostTerm::kDynamicInput, p.inputs},
          {CostTerm::kDynamicProduct, p.count},
          {CostTerm::kDynamicOutput, p.outputs},
          {CostTerm::kIntegerWeight, p.weights}};
}

CostShares CostModel::FloatShares(const Node& node) const {
  if (OnlyReshapes(node)) return {};
  if (node.Is("LSTM"))
    return {{CostTerm::kKernel, 1},
            {CostTerm::kFloatLstmProduct, CountMultiplyAdds(graph_, *this, node)}};
  if (const auto steps = CountSteps(node)) {
    // The weights of the state come from memory in every step, whatever its rows.
    const double loaded = steps->of_states / steps->batch;
    return {{CostTerm::kKernel, 1},
            {CostTerm::kFloatMatrixProduct, CountMultiplyAdds(graph_, *this, node) - loaded},
            {CostTerm::kFloatLstmProduct, loaded}};
  }
  if (const size_t k = FindElementOperator(node); k != kNoElements)
    return ElementShares(node, k, false);
  const Products p = CountProducts(node);
  CostShares shares = {{CostTerm::kKernel, 1}, {CostTerm::kFloatInput, p.inputs}};
  if (p.depthwise()) {
    const bool blocked = p.output_channels % kBlock == 0;
    shares.push_back(
        {blocked ? CostTerm::kFloatDepthwiseProduct : CostTerm::kFloatPlainDepthwiseProduct,
         p.count});
    shares.push_back({CostTerm::kFloatDepthwiseOutput, p.outputs});
    return shares;
  }
  const CostTerm product = !p.conv                           ? CostTerm::kFloatMatrixProduct
                           : p.output_channels <= kBlock     ? CostTerm::kFloatNarrowProduct
                           : p.input_channels < kThin        ? CostTerm::kFloatThinProduct
                           : p.output_channels <= 3 * kBlock ? CostTerm::kFloatMediumProduct
                                                             : CostTerm::kFloatProduct;
  shares.push_back({product, p.count});
  shares.push_back({CostTerm::kFloatOutput, p.outputs});
  shares.push_back({CostTerm::kFloatWeight, p.weights});
  return shares;
}

CostShares CostModel::IntegerShares(const Node& node) const {
  if (OnlyReshapes(node)) return {};
  if (const size_t k = FindElementOperator(node); k != kNoElements)
    return ElementShares(node, k, true);
  const Products p = CountProducts(node);
  CostShares shares = {{CostTerm::kKernel, 1}};
  if (p.depthwise()) {
    const CostTerm product = p.window != 9 ? CostTerm::kIntegerLargeDepthwiseProduct
                             : p.output_channels % kIntegerBlock == 0
                                 ? CostTerm::kIntegerDepthwiseProduct
                                 : CostTerm::kIntegerPlainDepthwiseProduct;
    shares.push_back({CostTerm::kIntegerConv, 1});
    shares.push_back({product, p.count});
    return shares;
  }
  shares.push_back({CostTerm::kIntegerInput, p.inputs});
  shares.push_back({CostTerm::kIntegerWeight, p.weights});
  if (!p.conv) {
    shares.push_back({CostTerm::kIntegerMatrixProduct, p.count});
    shares.push_back({CostTerm::kIntegerMatrixOutput, p.outputs});
    return shares;
  }
  const auto channels = static_cast<double>(std::max<int64_t>(p.output_channels, 1));
  // The kernel computes whole blocks: 17 output channels take the time of 32.
  const int64_t blocks = (p.output_channels + kIntegerBlock - 1) / kIntegerBlock;
  const double padding = static_cast<double>(blocks * kIntegerBlock) / channels;
  shares.push_back({CostTerm::kIntegerConv, 1});
  shares.push_back({CostTerm::kIntegerOutput, p.outputs});
  shares.push_back({CostTerm::kIntegerProduct, padding * p.count});
  // A kernel of one position reads its inputs where they lie.
  if (p.window == 1) return shares;
  // Bytes copied to put a window's inputs in a row.
  const double gathered = p.count * static_cast<double>(p.groups) / channels;
  const double runs = gathered / static_cast<double>(std::max<int64_t>(p.input_channels, 1));
  shares.push_back({CostTerm::kGatheredRun, runs});
  shares.push_back({CostTerm::kGatheredByte, gathered});
  return shares;
}

CostShares CostModel::ConversionShares(const std::string& value, CostTerm element) const {
  CostShares shares = {{CostTerm::kKernel, 1}, {element, SizeOf(value)}};
  const auto it = is_image_.find(value);
  if (it == is_image_.end() || !it->second) return shares;
  shares.push_back({CostTerm::kKernel, 1});
  shares.push_back({CostTerm::kLayout, SizeOf(value)});
  return shares;
}

CostShares CostModel::QuantizeShares(const std::string& value, const Node* producer) const {
  CostShares shares = ConversionShares(value, CostTerm::kQuantize);
  // The engine moves the conversion in front of the pool, whose integer kernel is slow in this
  // layout.
  if (producer != nullptr && producer->Is("MaxPool"))
    shares.push_back({CostTerm::kPlainPool, SizeOf(value)});
  return shares;
}

CostShares CostModel::DequantizeShares(const std::string& value) const {
  return ConversionShares(value, CostTerm::kDequantize);
}

double CostModel::FloatCost(const Node& node) const { return TimeOf(FloatShares(node), *table_); }

double CostModel::IntegerCost(const Node& node) const {
  return TimeOf(IntegerShares(node), *table_);
}

double CostModel::DynamicCost(const Node& node) const {
  return TimeOf(DynamicShares(node), *table_);
}

double CostModel::QuantizeCost(const std::string& value, const Node* producer) const {
  return TimeOf(QuantizeShares(value, producer), *table_);
}

double CostModel::DequantizeCost(const std::string& value) const {
  return TimeOf(DequantizeShares(value), *table_);
}

}  // namespace qconvert
