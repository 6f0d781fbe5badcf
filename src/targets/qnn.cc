// Qualcomm's NPU through ONNX Runtime's QNN execution provider. Sources: the node-unit selectors
// and operator builders of onnxruntime-qnn, and the overrides of ONNX Runtime's quantizer for QNN.
#include "qconvert/targets/target.h"

namespace qconvert {
namespace {

// What the node units of its HTP backend take: not every chip of the family runs all of it.
constexpr TargetOperator kKernels[] = {
    {"Conv"},
    {"ConvTranspose"},
    {"Gemm"},
    {"MatMul"},
    {"Add"},
    {"Sub"},
    {"Mul"},
    {"Div"},
    {"Pow"},
    {"PRelu"},
    {"Where"},
    {"GridSample"},
    {"Concat"},
    {"Max"},
    {"Min"},
    {"AveragePool"},
    {"MaxPool"},
    {"GlobalAveragePool"},
    {"GlobalMaxPool"},
    {"Relu"},
    {"LeakyRelu"},
    {"Elu"},
    {"Gelu"},
    {"Erf"},
    {"HardSigmoid"},
    {"HardSwish"},
    {"Sigmoid"},
    {"Tanh"},
    {"Softmax"},
    {"LogSoftmax"},
    {"Sqrt"},
    {"Exp"},
    {"Log"},
    {"Abs"},
    {"Neg"},
    {"Sin"},
    {"Cos"},
    {"Round"},
    {"LRN"},
    {"CumSum"},
    {"LpNormalization"},
    {"LayerNormalization"},
    {"Clip"},
    {"BatchNormalization"},
    {"InstanceNormalization"},
    {"Pad"},
    {"Reshape"},
    {"Flatten"},
    {"Squeeze"},
    {"Unsqueeze"},
    {"Transpose"},
    {"Expand"},
    {"Tile"},
    {"Gather"},
    {"GatherElements"},
    {"Resize"},
    {"TopK"},
    {"Slice"},
    {"Split"},
    {"DepthToSpace"},
    {"SpaceToDepth"},
    {"ReduceMax"},
    {"ReduceMin"},
    {"ReduceMean"},
    {"ReduceSum"},
    {"ReduceProd"},
};

}  // namespace

// A pair around every node: the provider forms a group of DQ, node and Q, and what has none
// computes in float16 or on the CPU. Movement keeps the parameters of what it moves.
const Target kQnnTarget{.name = "QNN",
                        .works_on_codes = false,
                        .stores_weights = false,
                        .one_type_per_node = true,
                        .fixes_squashed = true,
                        .products_per_tensor = true,
                        .writes_beta = true,
                        .narrow_weights = true,
                        .kernels = kKernels};

}  // namespace qconvert
