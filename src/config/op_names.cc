#include "op_names.h"

#include <array>
#include <iterator>
#include <sstream>
#include <utility>

namespace qconvert {
namespace {

using Weight = OpMatch::Weight;

// ONNX op types of the default domain, opset 26.
constexpr std::string_view kOnnxOpTypes =
    "Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool "
    "BatchNormalization Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor "
    "BlackmanWindow Cast CastLike CausalConvWithState Ceil Celu CenterCropPad Clip Col2Im Compress "
    "Concat ConcatFromSequence Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh "
    "CumProd CumSum DFT DeformConv DepthToSpace DequantizeLinear Det Div Dropout "
    "DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather "
    "GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater "
    "GreaterOrEqual GridSample GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish "
    "Hardmax Identity If ImageDecoder InstanceNormalization IsInf IsNaN LRN LSTM "
    "LayerNormalization LeakyRelu Less LessOrEqual LinearAttention Log LogSoftmax Loop "
    "LpNormalization LpPool MatMul MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Mean "
    "MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Multinomial Neg "
    "NegativeLogLikelihoodLoss NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement "
    "OptionalHasElement Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization "
    "RNN RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1 "
    "ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
    "ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding "
    "Round STFT Scan Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct "
    "SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap Shape Shrink Sigmoid "
    "Sign Sin Sinh Size Slice Softmax SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split "
    "SplitToSequence Sqrt Squeeze StringConcat StringNormalizer StringSplit Sub Sum SwiGLU Swish "
    "Tan Tanh TensorScatter TfIdfVectorizer ThresholdedRelu Tile TopK Transpose Trilu Unique "
    "Unsqueeze Upsample Where Xor";

struct Alias {
  std::string_view name;
  OpMatch match;
};

// PyTorch modules and functions as the Vitis AI quantizer names them -> what the ONNX exporter
// makes of them. A name may stand here several times.
const std::vector<Alias>& Aliases() {
  static const std::vector<Alias> aliases = {
      {"Conv1d", {"Conv", 3}},
      {"Conv2d", {"Conv", 4}},
      {"Conv3d", {"Conv", 5}},
      {"Conv2D", {"Conv", 4}},
      {"ConvTranspose1d", {"ConvTranspose", 3}},
      {"ConvTranspose2d", {"ConvTranspose", 4}},
      {"ConvTranspose3d", {"ConvTranspose", 5}},
      {"Conv2DTranspose", {"ConvTranspose", 4}},
      {"Linear", {"Gemm"}},
      {"Linear", {"MatMul", 0, Weight::kConstant}},
      {"matmul", {"MatMul", 0, Weight::kComputed}},
      {"add", {"Add"}},
      {"sub", {"Sub"}},
      {"mul", {"Mul"}},
      {"div", {"Div"}},
      {"cat", {"Concat"}},
      {"MaxPool1d", {"MaxPool"}},
      {"MaxPool2d", {"MaxPool"}},
      {"AvgPool2d", {"AveragePool"}},
      {"AdaptiveAvgPool2d", {"GlobalAveragePool"}},
      {"AdaptiveAvgPool2d", {"AveragePool"}},
      {"BatchNorm", {"BatchNormalization"}},
      {"BatchNorm1d", {"BatchNormalization"}},
      {"BatchNorm2d", {"BatchNormalization"}},
      {"BatchNorm3d", {"BatchNormalization"}},
      {"LayerNorm", {"LayerNormalization"}},
      {"InstanceNorm", {"InstanceNormalization"}},
      {"GroupNorm", {"GroupNormalization"}},
      {"ReLU", {"Relu"}},
      {"ReLU6", {"Clip"}},
      {"LeakyReLU", {"LeakyRelu"}},
      {"PReLU", {"PRelu"}},
      {"GELU", {"Gelu"}},
      {"SiLU", {"Swish"}},
      {"Hardswish", {"HardSwish"}},
      {"Hardsigmoid", {"HardSigmoid"}},
      {"Hardtanh", {"Clip"}},
      {"interpolate", {"Resize"}},
      {"interpolate", {"Upsample"}},
      {"pad", {"Pad"}},
      {"reshape", {"Reshape"}},
      {"permute", {"Transpose"}},
      {"clamp", {"Clip"}},
      {"Embedding", {"Gather"}},
      {"DepthwiseConv2d", {"Conv", 4}},
      {"AdaptiveMaxPool2d", {"GlobalMaxPool"}},
      {"ZeroPad2d", {"Pad"}},
      {"ReflectionPad2d", {"Pad"}},
      {"PixelShuffle", {"DepthToSpace"}},
      {"strided_slice", {"Slice"}},
      {"flatten", {"Flatten"}},
      {"mean", {"ReduceMean"}},
      {"sum", {"ReduceSum"}},
      {"relu", {"Relu"}},
      {"sigmoid", {"Sigmoid"}},
      {"softmax", {"Softmax"}},
      {"bmm", {"MatMul", 0, Weight::kComputed}},
  };
  return aliases;
}

const std::vector<std::string>& OnnxOpTypes() {
  static const std::vector<std::string> types = [] {
    std::istringstream words{std::string(kOnnxOpTypes)};
    return std::vector<std::string>{std::istream_iterator<std::string>(words), {}};
  }();
  return types;
}

}  // namespace

std::vector<OpMatch> FindOpTypes(std::string_view name) {
  // npos + 1 is 0: a name without a dot is its own last part.
  const std::string_view last = name.substr(name.rfind('.') + 1);
  std::vector<OpMatch> found;
  for (const Alias& alias : Aliases()) {
    if (alias.name == last) found.push_back(alias.match);
  }
  if (!found.empty()) return found;
  for (const std::string& type : OnnxOpTypes()) {
    if (type == last) return {{type}};
  }
  return {};
}

std::vector<std::string> KnownOpNames() {
  std::vector<std::string> names = OnnxOpTypes();
  for (const Alias& alias : Aliases()) names.emplace_back(alias.name);
  return names;
}

}  // namespace qconvert
