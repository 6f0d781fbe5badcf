// Horizon's BPUs. Sources: the toolchain's lists of ONNX operators for J5 and J6 with the types
// that each takes, and its quantization notes.
//
// Values are int8 or int16 with zero point 0, halves rounded to even; a convolution or product of
// int16 values has int8 weights, or int16 ones where both are asked for (dual-int16); a bias is
// int32 with the scale of input times weights. node_info and the levels of quant_config choose
// among them (config/horizon), config/target_limits.cc refuses what does not fit.
#include <fmt/format.h>

#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/target.h"

namespace qconvert {
namespace {

constexpr size_t kMostDimensions = 5;  // of the weights of a convolution: three in space

std::string WhyFloatConv(const Graph& graph, const Node& node) {
  const Tensor* weight = graph.FindInitializer(node.input(1));
  if (weight == nullptr) return "its weights are computed";
  if (weight->dims.size() <= kMostDimensions) return "";
  return fmt::format("its weights have {} dimensions, at most {} are taken", weight->dims.size(),
                     kMostDimensions);
}

std::string WhyFloatResize(const Graph& /*graph*/, const Node& node) {
  const std::string mode = node.GetString("mode", "nearest");
  return mode == "cubic" ? "mode cubic" : "";
}

// What a file of anyone may have on integers. Functions of one value are tables of codes.
constexpr TargetOperator kKernels[] = {
    // weights
    {"Conv", WhyFloatConv},
    {"ConvTranspose", WhyFloatConv},
    {"Gemm"},
    {"MatMul"},
    // arithmetic
    {"Add"},
    {"Sub"},
    {"Mul"},
    {"Div"},
    {"Max"},
    {"Min"},
    {"Concat"},
    {"Where"},
    {"AveragePool"},
    {"GlobalAveragePool"},
    {"MaxPool"},
    {"GlobalMaxPool"},
    {"ReduceMax"},
    {"ReduceMean"},
    {"ReduceMin"},
    {"ReduceSum"},
    {"Softmax"},
    {"LayerNormalization"},
    {"GridSample"},
    // tables
    {"Abs"},
    {"Clip"},
    {"Cos"},
    {"Elu"},
    {"Erf"},
    {"Exp"},
    {"Gelu"},
    {"HardSigmoid"},
    {"HardSwish"},
    {"LeakyRelu"},
    {"Log"},
    {"Mish"},
    {"Neg"},
    {"Pow"},
    {"PRelu"},
    {"Reciprocal"},
    {"Relu"},
    {"Sigmoid"},
    {"Sin"},
    {"Softplus"},
    {"Sqrt"},
    {"Tanh"},
    // movement
    {"DepthToSpace"},
    {"Expand"},
    {"Flatten"},
    {"Gather"},
    {"Pad"},
    {"Reshape"},
    {"Resize", WhyFloatResize},
    {"Slice"},
    {"SpaceToDepth"},
    {"Split"},
    {"Squeeze"},
    {"Tile"},
    {"Transpose"},
    {"Unsqueeze"},
};

}  // namespace

const Target kBpuTarget{.name = "BPU", .products_write_floats = true, .kernels = kKernels};

}  // namespace qconvert
