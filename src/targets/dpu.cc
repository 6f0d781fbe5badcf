// AMD's DPUs and NPUs with power-of-two scales. Sources: what vai_q_pytorch quantizes in its
// pure-int strategy, and the limits of its shift checks.
#include "qconvert/targets/target.h"

namespace qconvert {
namespace {

// Sigmoid is missing on purpose: it runs in float, and only what reads it is quantized.
constexpr TargetOperator kOperators[] = {
    {"Conv"},        {"Gemm"},         {"MatMul"},
    {"Add"},         {"Mul"},          {"Concat"},
    {"AveragePool"}, {"LeakyRelu"},    {"GlobalAveragePool"},
    {"HardSigmoid"}, {"Softmax"},      {"MaxPool"},
    {"Relu"},        {"Reshape"},      {"Transpose"},
    {"Squeeze"},     {"Unsqueeze"},    {"Flatten"},
    {"Slice"},       {"Split"},        {"Expand"},
    {"Tile"},        {"DepthToSpace"}, {"Pad"},
    {"Resize"},      {"ReduceMax"},    {"ReduceMin"},
};

}  // namespace

const Target kDpuTarget{.name = "DPU",
                        .works_on_codes = false,
                        .bias = BiasForm::kOwnScale,
                        .limits_shifts = true,
                        .operators = kOperators};

}  // namespace qconvert
