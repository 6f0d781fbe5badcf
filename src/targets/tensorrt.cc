// TensorRT 10 and 11, explicit precision. Sources: its developer guide ("Working with Quantized
// Types"), the rules of its ONNX parser for Q and DQ, and NVIDIA Model Optimizer's placement.
#include <fmt/format.h>

#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/target.h"

namespace qconvert {
namespace {

constexpr int64_t kTensorCoreStep = 16;  // int8 tensor cores work on multiples of it

// A matrix product of fewer rows or columns than a tensor core takes is faster in float.
std::string WhyFloatProduct(const Graph& graph, const Node& node) {
  const Tensor* weight = graph.FindInitializer(node.input(1));
  if (weight == nullptr) return "both operands are computed: attention is fused as a whole";
  const WeightOrder order = KernelOrder(node, *weight);
  if (order.count >= kTensorCoreStep && order.channels >= kTensorCoreStep) return "";
  return fmt::format("its weights are {} x {}, tensor cores take {} and more", order.count,
                     order.channels, kTensorCoreStep);
}

// Q moves back through these and DQ forward: a pair of their own would only stand in the way.
std::string PassesThrough(const Graph& /*graph*/, const Node& /*node*/) {
  return "passes integers through without a pair of its own";
}

constexpr TargetOperator kOperators[] = {
    {"Conv"},
    {"Gemm", WhyFloatProduct},
    {"MatMul", WhyFloatProduct},
    {"Add"},  // of a residual: FindResidualSlot
    {"AveragePool", PassesThrough},
    {"Concat", PassesThrough},
    {"DepthToSpace", PassesThrough},
    {"Expand", PassesThrough},
    {"Flatten", PassesThrough},
    {"Gather", PassesThrough},
    {"GlobalAveragePool", PassesThrough},
    {"MaxPool", PassesThrough},
    {"Pad", PassesThrough},
    {"Relu", PassesThrough},
    {"Reshape", PassesThrough},
    {"Resize", PassesThrough},
    {"Slice", PassesThrough},
    {"Split", PassesThrough},
    {"Squeeze", PassesThrough},
    {"Tile", PassesThrough},
    {"Transpose", PassesThrough},
    {"Unsqueeze", PassesThrough},
};

}  // namespace

// A DequantizeLinear of int32 is refused: biases stay float.
const Target kGpuTarget{.name = "GPU",
                        .works_on_codes = false,
                        .pairs = PairPlacement::kInputs,
                        .bias = BiasForm::kFloat,
                        .stores_weights = false,
                        .operators = kOperators};

}  // namespace qconvert
