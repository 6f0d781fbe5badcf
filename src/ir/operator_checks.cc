#include "qconvert/ir/operator_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "qconvert/ir/bias_length.h"
#include "qconvert/ir/graph_validator.h"

namespace qconvert {
namespace {

constexpr int64_t kLargeSize = int64_t{1} << 31;

// An integer attribute (or each element of a list) and the numbers it may have.
struct Bounds {
  std::string_view op_type;
  std::string_view attribute;
  int64_t min;
  int64_t max;
};

constexpr std::array kBounds = {
    Bounds{"Conv", "group", 1, kLargeSize},
    Bounds{"Conv", "strides", 1, kLargeSize},
    Bounds{"Conv", "dilations", 1, kLargeSize},
    Bounds{"Conv", "kernel_shape", 1, kLargeSize},
    Bounds{"ConvTranspose", "group", 1, kLargeSize},
    Bounds{"ConvTranspose", "strides", 1, kLargeSize},
    Bounds{"ConvTranspose", "dilations", 1, kLargeSize},
    Bounds{"ConvTranspose", "kernel_shape", 1, kLargeSize},
    Bounds{"ConvTranspose", "output_padding", 0, kLargeSize},
    Bounds{"MaxPool", "kernel_shape", 1, kLargeSize},
    Bounds{"MaxPool", "strides", 1, kLargeSize},
    Bounds{"MaxPool", "dilations", 1, kLargeSize},
    Bounds{"AveragePool", "kernel_shape", 1, kLargeSize},
    Bounds{"AveragePool", "strides", 1, kLargeSize},
    Bounds{"AveragePool", "dilations", 1, kLargeSize},
    Bounds{"LpPool", "kernel_shape", 1, kLargeSize},
    Bounds{"LpPool", "strides", 1, kLargeSize},
    Bounds{"DepthToSpace", "blocksize", 1, 1 << 15},
    Bounds{"SpaceToDepth", "blocksize", 1, 1 << 15},
    // Of any rank, since shapes are not known here.
    Bounds{"LayerNormalization", "axis", -kMaxRank, kMaxRank},
    Bounds{"Concat", "axis", -kMaxRank, kMaxRank},
    Bounds{"Split", "axis", -kMaxRank, kMaxRank},
    Bounds{"Split", "num_outputs", 1, kLargeSize},
    Bounds{"Gather", "axis", -kMaxRank, kMaxRank},
    Bounds{"GatherND", "batch_dims", 0, kMaxRank},
    Bounds{"Softmax", "axis", -kMaxRank, kMaxRank},
    Bounds{"Flatten", "axis", -kMaxRank, kMaxRank},
    Bounds{"Transpose", "perm", 0, kMaxRank},
    Bounds{"LSTM", "hidden_size", 1, kLargeSize},
    Bounds{"GRU", "hidden_size", 1, kLargeSize},
    Bounds{"RNN", "hidden_size", 1, kLargeSize},
    Bounds{"RoiAlign", "output_height", 1, 1 << 16},
    Bounds{"RoiAlign", "output_width", 1, 1 << 16},
    Bounds{"RoiAlign", "sampling_ratio", 0, 1 << 16},
    Bounds{"RandomUniform", "shape", 0, kLargeSize},
    Bounds{"RandomNormal", "shape", 0, kLargeSize},
    Bounds{"LRN", "size", 1, kLargeSize},
    Bounds{"GroupNormalization", "num_groups", 1, kLargeSize},
};

std::string WhyOutOfBounds(const Node& node) {
  for (const Bounds& bounds : kBounds) {
    if (node.op_type != bounds.op_type) continue;
    const auto it = node.attributes.find(bounds.attribute);
    if (it == node.attributes.end() || !it->second.reference.empty()) continue;
    // An attribute of another kind has none: whoever reads it takes the default.
    std::vector<int64_t> numbers;
    if (const auto* one = std::get_if<int64_t>(&it->second.data)) numbers.push_back(*one);
    if (const auto* many = std::get_if<std::vector<int64_t>>(&it->second.data)) numbers = *many;
    for (const int64_t number : numbers) {
      if (number < bounds.min || number > bounds.max) {
        return fmt::format("has {} {}, expected {} to {}", bounds.attribute, number, bounds.min,
                           bounds.max);
      }
    }
  }
  return "";
}

// Inputs that an operator cannot do without, in any of its versions; one where nothing else is
// known. Source: ONNX Operators.md.
size_t RequiredInputs(const Node& node) {
  static const std::unordered_map<std::string_view, size_t> kRequired = [] {
    // By their number of inputs, from none on; those with one are not listed.
    const std::vector<std::vector<std::string_view>> operators = {
        {"Constant", "Optional", "OptionalHasElement", "RandomNormal", "RandomUniform",
         "SequenceEmpty", "Loop", "Scan"},
        {},
        {"Add",
         "And",
         "BitShift",
         "CenterCropPad",
         "Compress",
         "Conv",
         "ConvInteger",
         "ConvTranspose",
         "CumSum",
         "Div",
         "DequantizeLinear",
         "Equal",
         "Expand",
         "Gather",
         "GatherElements",
         "GatherND",
         "Gemm",
         "Greater",
         "GridSample",
         "LayerNormalization",
         "Less",
         "MatMul",
         "MatMulInteger",
         "MaxRoiPool",
         "MaxUnpool",
         "Mod",
         "Mul",
         "NonMaxSuppression",
         "Or",
         "PRelu",
         "Pow",
         "QuantizeLinear",
         "RMSNormalization",
         "ReverseSequence",
         "STFT",
         "SequenceAt",
         "SequenceInsert",
         "Sub",
         "Tile",
         "Xor"},
        {"DeformConv", "GRU", "GroupNormalization", "InstanceNormalization", "LSTM", "OneHot",
         "RNN", "Range", "RoiAlign", "Scatter", "ScatterElements", "ScatterND", "Where"},
        {},
        {"BatchNormalization"}};
    std::unordered_map<std::string_view, size_t> required;
    for (size_t count = 0; count < operators.size(); ++count)
      for (const std::string_view name : operators[count]) required.emplace(name, count);
    return required;
  }();
  const auto it = kRequired.find(node.op_type);
  return it == kRequired.end() ? 1 : it->second;
}

std::string WhyIncomplete(const Node& node) {
  const size_t required = RequiredInputs(node);
  for (size_t i = 0; i < required; ++i)
    if (node.input(i).empty()) return fmt::format("lacks input {} of {}", i + 1, required);
  return "";
}

std::string WhyWrongSize(std::string_view what, int64_t found, int64_t expected) {
  if (found == expected) return "";
  return fmt::format("has {} {}, expected {}", found, what, expected);
}

std::string WhyConstantBias(const Node& node, const FindTensor& constant) {
  return WhyWrongBias(node, [&](const std::string& value) -> std::optional<std::vector<int64_t>> {
    const Tensor* tensor = constant(value);
    return tensor == nullptr ? std::nullopt : std::optional(tensor->dims);
  });
}

std::string WhyConv(const Node& node, const FindTensor& constant) {
  const Tensor* weight = constant(node.input(1));
  if (weight == nullptr) return "";
  const size_t rank = weight->dims.size();
  if (rank < 3) return fmt::format("has weights of rank {}, expected 3 or more", rank);
  const int64_t group = node.GetInt("group", 1);
  // Of a transposed convolution these are input channels: groups have to divide them as well.
  if (weight->dims[0] % group != 0)
    return fmt::format("has {} channels, which {} groups do not divide", weight->dims[0], group);
  // A number per axis of space; pads have two, in front and behind.
  for (const auto& [key, count] : {std::pair{"strides", rank - 2},
                                   {"dilations", rank - 2},
                                   {"kernel_shape", rank - 2},
                                   {"pads", 2 * (rank - 2)}}) {
    const auto* list = node.FindInts(key);
    if (list != nullptr && list->size() != count)
      return fmt::format("has {} {}, expected {}", list->size(), key, count);
  }
  const auto* kernel = node.FindInts("kernel_shape");
  if (kernel != nullptr && !std::equal(kernel->begin(), kernel->end(), weight->dims.begin() + 2))
    return "has a kernel_shape that is not that of its weights";
  return WhyConstantBias(node, constant);
}

// com.microsoft's Conv with an activation; its attributes were not looked at.
std::string WhyFusedConv(const Node& node, const FindTensor& constant) {
  const int64_t group = node.GetInt("group", 1);
  return group < 1 ? fmt::format("has group {}, expected 1 or more", group)
                   : WhyConv(node, constant);
}

// Scale, bias, mean and variance have one number per channel each.
std::string WhyBatchNormalization(const Node& node, const FindTensor& constant) {
  const Tensor* scale = constant(node.input(1));
  if (scale == nullptr) return "";
  for (size_t i = 2; i < 5; ++i) {
    const Tensor* other = constant(node.input(i));
    if (other == nullptr) continue;
    const std::string why = WhyWrongSize(fmt::format("numbers in input {}", i),
                                         other->element_count(), scale->element_count());
    if (!why.empty()) return why;
  }
  return "";
}

std::string WhyRecurrent(const Node& node, const FindTensor& constant) {
  const int64_t gates = node.Is("LSTM") ? 4 : node.Is("GRU") ? 3 : 1;
  const int64_t directions = node.GetString("direction", "forward") == "bidirectional" ? 2 : 1;
  const Tensor* recurrent = constant(node.input(2));
  const int64_t given = node.GetInt("hidden_size", -1);
  if (recurrent == nullptr || recurrent->dims.size() != 3) return "";
  // hidden_size may be left out: the recurrent weights have it.
  const int64_t hidden = given > 0 ? given : recurrent->dims[2];
  using Dims = std::vector<int64_t>;
  const auto check = [&](size_t slot, const char* name, const Dims& expected) -> std::string {
    const Tensor* tensor = constant(node.input(slot));
    if (tensor == nullptr) return "";
    Dims found = tensor->dims;
    Dims wanted = expected;
    // Gates are stacked, biases of W and R too; P has a peephole for input, output and forget gate.
    if (slot == 1 && found.size() == 3) wanted[2] = found[2];  // input size: free
    if (found == wanted) return "";
    return fmt::format("has {} [{}], expected [{}]", name, fmt::join(found, ","),
                       fmt::join(wanted, ","));
  };
  for (const std::string& why :
       {check(1, "W", {directions, gates * hidden, -1}),
        check(2, "R", {directions, gates * hidden, hidden}),
        check(3, "B", {directions, 2 * gates * hidden}), check(7, "P", {directions, 3 * hidden})}) {
    if (!why.empty()) return why;
  }
  return "";
}

template <typename T>
std::string WhyDivision(const Tensor* dividend, const Tensor& divisor) {
  const auto by = divisor.values<T>();
  if (std::find(by.begin(), by.end(), T{0}) != by.end()) return "divides integers by zero";
  if (dividend == nullptr || dividend->type != divisor.type) return "";
  const auto values = dividend->values<T>();
  // The one quotient in two's complement that does not fit: it traps as a division by zero does.
  const bool least =
      std::find(values.begin(), values.end(), std::numeric_limits<T>::min()) != values.end();
  const bool minus_one = std::find(by.begin(), by.end(), static_cast<T>(-1)) != by.end();
  return std::numeric_limits<T>::is_signed && least && minus_one
             ? fmt::format("divides {} by -1, which overflows", std::numeric_limits<T>::min())
             : "";
}

std::string WhyDivides(const Node& node, const FindTensor& constant) {
  const Tensor* divisor = constant(node.input(1));
  if (divisor == nullptr) return "";
  const Tensor* dividend = constant(node.input(0));
  switch (divisor->type) {
    case DataType::kInt32:
      return WhyDivision<int32_t>(dividend, *divisor);
    case DataType::kInt64:
      return WhyDivision<int64_t>(dividend, *divisor);
    default:
      return "";
  }
}

// A constant integer input between bounds.
std::string WhyNumber(const Node& node, const FindTensor& constant, size_t slot, const char* name,
                      int64_t min, int64_t max) {
  const Tensor* tensor = constant(node.input(slot));
  if (tensor == nullptr || (tensor->type != DataType::kInt64 && tensor->type != DataType::kInt32))
    return "";
  for (const int64_t number : ToInt64s(*tensor)) {
    if (number < min || number > max)
      return fmt::format("has {} {}, expected {} to {}", name, number, min, max);
  }
  return "";
}

// Inputs: signal, frame_step, window, frame_length.
std::string WhyStft(const Node& node, const FindTensor& constant) {
  for (const std::string& why : {WhyNumber(node, constant, 1, "frame_step", 1, kLargeSize),
                                 WhyNumber(node, constant, 3, "frame_length", 1, kLargeSize)}) {
    if (!why.empty()) return why;
  }
  const Tensor* window = constant(node.input(2));
  const Tensor* length = constant(node.input(3));
  if (window != nullptr && window->element_count() == 0) return "has a window without numbers";
  if (window == nullptr || length == nullptr || length->element_count() != 1) return "";
  return WhyWrongSize("numbers in its window", window->element_count(), ToInt64s(*length)[0]);
}

std::string WhyOneHot(const Node& node, const FindTensor& constant) {
  // The values are what is off and what is on.
  for (const auto& [slot, name, count] :
       {std::tuple{1, "numbers in its depth", 1}, {2, "values", 2}}) {
    const Tensor* tensor = constant(node.input(slot));
    if (tensor == nullptr) continue;
    const std::string why = WhyWrongSize(name, tensor->element_count(), count);
    if (!why.empty()) return why;
  }
  return "";
}

std::string WhyTopK(const Node& node, const FindTensor& constant) {
  const Tensor* from = constant(node.input(0));
  return from != nullptr && from->element_count() == 0 ? "has nothing to choose from" : "";
}

std::string WhyRandom(const Node& node, const FindTensor& /*constant*/) {
  const auto type = DataTypeFromNumber(node.GetInt("dtype", 1));
  if (!type || !IsFloatingPoint(*type))
    return fmt::format("has dtype {}, expected a float type", node.GetInt("dtype", 1));
  for (const char* key : {"low", "high", "mean", "scale"}) {
    // What is not given has a finite default.
    if (!std::isfinite(node.GetFloat(key, 0)))
      return fmt::format("has a {} that is not finite", key);
  }
  return "";
}

std::string WhyRoiAlign(const Node& node, const FindTensor& /*constant*/) {
  const float scale = node.GetFloat("spatial_scale", 1);
  return std::isfinite(scale) && scale > 0 ? "" : "has a spatial_scale that is not above zero";
}

}  // namespace

std::string WhyInvalid(const Node& node, const FindTensor& constant) {
  using Check = std::string (*)(const Node&, const FindTensor&);
  static const std::unordered_map<std::string_view, Check> kChecks = {
      {"Conv", WhyConv},
      {"ConvTranspose", WhyConv},
      {"QLinearConv", WhyConstantBias},
      {"BatchNormalization", WhyBatchNormalization},
      {"LSTM", WhyRecurrent},
      {"GRU", WhyRecurrent},
      {"RNN", WhyRecurrent},
      {"Div", WhyDivides},
      {"Mod", WhyDivides},
      {"STFT", WhyStft},
      {"OneHot", WhyOneHot},
      {"TopK", WhyTopK},
      {"RandomUniform", WhyRandom},
      {"RandomNormal", WhyRandom},
      {"RandomUniformLike", WhyRandom},
      {"RandomNormalLike", WhyRandom},
      {"RoiAlign", WhyRoiAlign},
      {"Trilu",
       [](const Node& n, const FindTensor& find) {
         return WhyNumber(n, find, 1, "k", -kLargeSize, kLargeSize);
       }},
  };
  if (node.domain == "com.microsoft" && node.op_type == "FusedConv")
    return WhyFusedConv(node, constant);
  if (node.domain == "com.microsoft.nchwc") return WhyConstantBias(node, constant);
  if (!node.domain.empty()) return "";
  // Bounds come before the checks of operators, which divide by these numbers.
  std::string why = WhyIncomplete(node);
  if (why.empty()) why = WhyOutOfBounds(node);
  if (!why.empty()) return why;
  const auto check = kChecks.find(node.op_type);
  return check == kChecks.end() ? "" : check->second(node, constant);
}

}  // namespace qconvert
