#include "opset_adapters.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

namespace qconvert {
namespace {

using Nodes = std::vector<Node>;

std::string Ints(AdapterContext& context, const std::vector<int64_t>& values) {
  return context.add_constant(MakeInt64List(values));
}

std::string Scalar(AdapterContext& context, float value) {
  return context.add_constant(MakeFloatTensor("", {}, std::array{value}));
}

// A number of the type of what the node computes with: float, double or float16.
std::string ScalarLike(AdapterContext& context, const Node& node, float value) {
  const ValueType* type = context.type_of(node.input(0));
  const DataType element = type != nullptr && type->is_tensor() ? type->element : DataType::kFloat;
  if (element == DataType::kFloat) return Scalar(context, value);
  if (element == DataType::kDouble) {
    return context.add_constant(
        MakeTensor<double>("", element, {}, std::array{static_cast<double>(value)}));
  }
  if (element != DataType::kFloat16)
    throw AdapterRefusal{node.op_type + " on a type other than float, double and float16"};
  return context.add_constant(Narrowed(MakeFloatTensor("", {}, std::array{value}), element));
}

// Removes an integer-list attribute and returns it.
std::vector<int64_t> TakeInts(Node& node, std::string_view key) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return {};
  std::vector<int64_t> values;
  if (const auto* found = std::get_if<std::vector<int64_t>>(&it->second.data)) values = *found;
  node.attributes.erase(it);
  return values;
}

std::vector<float> TakeFloats(Node& node, std::string_view key) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return {};
  std::vector<float> values;
  if (auto* found = std::get_if<std::vector<float>>(&it->second.data)) values = *found;
  node.attributes.erase(it);
  return values;
}

// What the standard asks for a damaged file may lack: raised, it would be another operator.
void Require(bool is_there, const Node& node, std::string_view key) {
  if (!is_there) throw AdapterRefusal{node.op_type + " without the attribute " + std::string(key)};
}

// Moves an integer-list attribute to input `slot`.
void AttributeToInput(Node& node, std::string_view key, size_t slot, AdapterContext& context) {
  if (node.FindInts(key) == nullptr) return;
  node.inputs.resize(std::max(node.inputs.size(), slot));
  node.inputs.push_back(Ints(context, TakeInts(node, key)));
}

// Squeeze, Unsqueeze, ReduceSum-13, the other Reduce operators-18: axes became input 1. Split-13:
// split became input 1.
Nodes AxesToInput(Node node, AdapterContext& context) {
  AttributeToInput(node, "axes", 1, context);
  return {std::move(node)};
}

// Split-18 without sizes has to say into how many parts; before, that was the number of outputs.
Nodes Split18(Node node, AdapterContext& /*context*/) {
  if (node.input(1).empty()) node.Set("num_outputs", static_cast<int64_t>(node.outputs.size()));
  return {std::move(node)};
}

// DFT-20: axis became input 2, and its default another one.
Nodes Dft20(Node node, AdapterContext& context) {
  const int64_t axis = node.GetInt("axis", 1);
  node.attributes.erase("axis");
  node.inputs.resize(2);
  node.inputs.push_back(context.add_constant(MakeInt64Tensor("", {}, std::array{axis})));
  return {std::move(node)};
}

// GridSample-20 renamed its modes.
Nodes GridSample20(Node node, AdapterContext& /*context*/) {
  const std::string mode = node.GetString("mode", "bilinear");
  if (mode == "bilinear") node.Set("mode", std::string("linear"));
  if (mode == "bicubic") node.Set("mode", std::string("cubic"));
  return {std::move(node)};
}

// GroupNormalization-21 scales channels; before, groups.
Nodes GroupNormalization21(Node /*node*/, AdapterContext& /*context*/) {
  throw AdapterRefusal{"GroupNormalization of opset 18 scales groups, newer ones channels"};
}

Nodes SplitToInput(Node node, AdapterContext& context) {
  AttributeToInput(node, "split", 1, context);
  return {std::move(node)};
}

// BatchNormalization-9 lost the attribute spatial; only its default had a meaning that is left.
Nodes BatchNormalization9(Node node, AdapterContext& /*context*/) {
  if (node.GetInt("spatial", 1) != 1) throw AdapterRefusal{"spatial=0 has no equivalent"};
  node.attributes.erase("spatial");
  return {std::move(node)};
}

// Scan-9 lost the batch axis and the sequence lengths.
Nodes Scan9(Node /*node*/, AdapterContext& /*context*/) {
  throw AdapterRefusal{"Scan of opset 8 has a batch axis that newer versions lack"};
}

// Upsample-9: attribute scales became input 1.
Nodes Upsample9(Node node, AdapterContext& context) {
  const std::vector<float> scales = TakeFloats(node, "scales");
  Require(!scales.empty(), node, "scales");
  node.inputs.resize(1);
  node.inputs.push_back(
      context.add_constant(MakeFloatTensor("", {static_cast<int64_t>(scales.size())}, scales)));
  return {std::move(node)};
}

Nodes UpsampleToResize10(Node node, AdapterContext& /*context*/) {
  node.op_type = "Resize";
  return {std::move(node)};
}

// Resize-11 named the coordinate rule; version 10 always was asymmetric, and rounded down when
// enlarging, up when shrinking. A new second input, roi, is unused in this mode.
Nodes Resize11(Node node, AdapterContext& context) {
  const std::string scales_name = node.input(1);
  if (node.GetString("mode", "nearest") == "nearest") {
    const Tensor* scales = context.constant(scales_name);
    if (scales == nullptr)
      throw AdapterRefusal{"nearest Resize with computed scales has no equivalent"};
    const std::vector<float> values = ToFloats(*scales);
    const bool shrinks = std::any_of(values.begin(), values.end(), [](float s) { return s < 1; });
    const bool enlarges = std::any_of(values.begin(), values.end(), [](float s) { return s > 1; });
    if (shrinks && enlarges)
      throw AdapterRefusal{"nearest Resize that shrinks one axis and enlarges another"};
    node.Set("nearest_mode", std::string(shrinks ? "ceil" : "floor"));
  }
  node.Set("coordinate_transformation_mode", std::string("asymmetric"));
  node.inputs = {node.input(0), context.add_constant(MakeFloatTensor("", {0}, {})), scales_name};
  return {std::move(node)};
}

// Slice-10: starts, ends, axes became inputs.
Nodes Slice10(Node node, AdapterContext& context) {
  for (const char* key : {"starts", "ends"}) Require(node.FindInts(key) != nullptr, node, key);
  AttributeToInput(node, "starts", 1, context);
  AttributeToInput(node, "ends", 2, context);
  AttributeToInput(node, "axes", 3, context);
  return {std::move(node)};
}

// TopK-10: k became an input of one element.
Nodes TopK10(Node node, AdapterContext& context) {
  const auto found = node.attributes.find("k");
  Require(found != node.attributes.end() && std::holds_alternative<int64_t>(found->second.data),
          node, "k");
  const int64_t k = node.GetInt("k", 0);
  node.attributes.erase("k");
  node.inputs.resize(1);
  node.inputs.push_back(Ints(context, {k}));
  return {std::move(node)};
}

// Clip-11: min and max became scalar inputs of the data's type.
Nodes Clip11(Node node, AdapterContext& context) {
  const auto limit = [&](std::string_view key) -> std::string {
    const auto it = node.attributes.find(key);
    if (it == node.attributes.end()) return "";
    Require(std::holds_alternative<float>(it->second.data), node, key);
    const float value = node.GetFloat(key, 0);
    node.attributes.erase(it);
    return ScalarLike(context, node, value);
  };
  const std::string low = limit("min");
  const std::string high = limit("max");
  node.inputs.resize(1);
  // An empty name where the lower bound alone is missing.
  if (!low.empty() || !high.empty()) node.inputs.push_back(low);
  if (!high.empty()) node.inputs.push_back(high);
  return {std::move(node)};
}

// Pad-11: pads and value became inputs, the value of the data's type.
Nodes Pad11(Node node, AdapterContext& context) {
  Require(node.FindInts("pads") != nullptr, node, "pads");
  AttributeToInput(node, "pads", 1, context);
  const float value = node.GetFloat("value", 0);
  node.attributes.erase("value");
  if (value != 0) node.inputs.push_back(ScalarLike(context, node, value));
  return {std::move(node)};
}

Nodes ScatterToElements11(Node node, AdapterContext& /*context*/) {
  node.op_type = "ScatterElements";
  return {std::move(node)};
}

// Dropout-12: ratio became an input and the mask boolean. Inference is identity either way.
Nodes Dropout12(Node node, AdapterContext& /*context*/) {
  node.attributes.erase("ratio");
  return {std::move(node)};
}

// Softmax-13, LogSoftmax-13, Hardmax-13 work along one axis; before, on all axes from `axis`
// (default 1) on as one row.
//   Softmax{axis}(x)  =  Reshape(Softmax{-1}(Flatten{axis}(x)), Shape(x))
// and simply Softmax{axis} when all other axes from there on have size 1 or axis is the last one.
Nodes Softmax13(Node node, AdapterContext& context) {
  const int64_t axis = node.GetInt("axis", 1);
  const ValueType* type = context.type_of(node.input(0));
  // Behind reshapes that are computed, the file may know the rank of what comes out alone.
  if (type == nullptr || !type->shape) type = context.type_of(node.outputs[0]);
  if (type != nullptr && type->shape) {
    const auto rank = static_cast<int64_t>(type->shape->size());
    const int64_t from = axis < 0 ? axis + rank : axis;
    int64_t wide = -1;  // the one axis from `from` on that is not of size 1
    bool single = from >= 0 && from < rank;
    for (int64_t d = std::max<int64_t>(from, 0); d < rank; ++d) {
      if ((*type->shape)[static_cast<size_t>(d)].value == 1) continue;
      single = single && wide < 0;
      wide = d;
    }
    if (single) {
      // Where all are of size 1 any axis gives ones.
      node.Set("axis", wide < 0 ? rank - 1 : wide);
      return {std::move(node)};
    }
  }
  const std::string flat = context.names.Make("softmax_");
  const std::string shape = context.names.Make("softmax_");
  const std::string result = context.names.Make("softmax_");
  Node flatten = MakeNode("Flatten", {node.inputs[0]}, {flat});
  flatten.Set("axis", axis);
  Node shape_of = MakeNode("Shape", {node.inputs[0]}, {shape});
  Node reshape = MakeNode("Reshape", {result, shape}, {node.outputs[0]});
  node.inputs = {flat};
  node.outputs = {result};
  node.Set("axis", int64_t{-1});
  return {std::move(flatten), std::move(shape_of), std::move(node), std::move(reshape)};
}

// Affine (left the standard in opset 10): alpha * x + beta.
Nodes Affine(Node node, AdapterContext& context) {
  const std::string product = context.names.Make("affine_");
  return {MakeNode("Mul", {node.inputs[0], Scalar(context, node.GetFloat("alpha", 1))}, {product}),
          MakeNode("Add", {product, Scalar(context, node.GetFloat("beta", 0))}, {node.outputs[0]})};
}

// ImageScaler (left in opset 10): scale * x + bias, bias per channel of NCHW.
Nodes ImageScaler(Node node, AdapterContext& context) {
  const std::vector<float> bias = TakeFloats(node, "bias");
  Require(!bias.empty(), node, "bias");
  const std::string product = context.names.Make("scaler_");
  const std::string shift =
      context.add_constant(MakeFloatTensor("", {1, static_cast<int64_t>(bias.size()), 1, 1}, bias));
  return {MakeNode("Mul", {node.inputs[0], Scalar(context, node.GetFloat("scale", 1))}, {product}),
          MakeNode("Add", {product, shift}, {node.outputs[0]})};
}

// Crop (left in opset 10): border = left, top, right, bottom of NCHW; scale = height, width of the
// result instead of right and bottom.
Nodes Crop(Node node, AdapterContext& context) {
  const std::vector<int64_t> border = TakeInts(node, "border");
  if (border.size() != 4) throw AdapterRefusal{"Crop without four numbers in border"};
  const auto* scale = node.FindInts("scale");
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  // An end of -0 would leave nothing of the axis.
  std::vector<int64_t> ends = {border[3] == 0 ? kEnd : -border[3],
                               border[2] == 0 ? kEnd : -border[2]};
  if (scale != nullptr && scale->size() == 2)
    ends = {border[1] + (*scale)[0], border[0] + (*scale)[1]};
  return {MakeNode("Slice",
                   {node.inputs[0], Ints(context, {border[1], border[0]}), Ints(context, ends),
                    Ints(context, {2, 3})},
                   {node.outputs[0]})};
}

// alpha * f(beta * x) for the two retired activations.
Nodes ScaledActivation(const Node& node, const std::string& activation, AdapterContext& context) {
  const std::string scaled = context.names.Make("scaled_");
  const std::string active = context.names.Make("scaled_");
  return {MakeNode("Mul", {node.inputs[0], Scalar(context, node.GetFloat("beta", 1))}, {scaled}),
          MakeNode(activation, {scaled}, {active}),
          MakeNode("Mul", {active, Scalar(context, node.GetFloat("alpha", 1))}, {node.outputs[0]})};
}

Nodes ScaledTanh(Node node, AdapterContext& context) {
  return ScaledActivation(node, "Tanh", context);
}
Nodes ParametricSoftplus(Node node, AdapterContext& context) {
  return ScaledActivation(node, "Softplus", context);
}

// Half-pixel coordinates became the default.
Nodes RoiAlign16(Node node, AdapterContext& /*context*/) {
  if (!node.attributes.contains("coordinate_transformation_mode"))
    node.Set("coordinate_transformation_mode", std::string("output_half_pixel"));
  return {std::move(node)};
}

Nodes Retired(Node node, AdapterContext& /*context*/) {
  throw AdapterRefusal{"operator " + node.op_type +
                       " left the ONNX standard and has no equivalent"};
}

}  // namespace

const std::vector<OpsetAdapterRow>& OpsetAdapters() {
  static const std::vector<OpsetAdapterRow> kRows = {
      {"BatchNormalization", 9, BatchNormalization9},
      {"Scan", 9, Scan9},
      {"Upsample", 9, Upsample9},
      {"Upsample", 10, UpsampleToResize10},
      {"Slice", 10, Slice10},
      {"TopK", 10, TopK10},
      {"Affine", 10, Affine},
      {"ImageScaler", 10, ImageScaler},
      {"Crop", 10, Crop},
      {"ScaledTanh", 10, ScaledTanh},
      {"ParametricSoftplus", 10, ParametricSoftplus},
      {"Scale", 10, Retired},
      {"GivenTensorFill", 10, Retired},
      {"DynamicSlice", 10, Retired},
      {"GRUUnit", 10, Retired},
      {"ATen", 10, Retired},
      {"Clip", 11, Clip11},
      {"Pad", 11, Pad11},
      {"Resize", 11, Resize11},
      {"Scatter", 11, ScatterToElements11},
      {"Dropout", 12, Dropout12},
      {"Softmax", 13, Softmax13},
      {"LogSoftmax", 13, Softmax13},
      {"Hardmax", 13, Softmax13},
      {"Squeeze", 13, AxesToInput},
      {"Unsqueeze", 13, AxesToInput},
      {"ReduceSum", 13, AxesToInput},
      {"Split", 13, SplitToInput},
      {"RoiAlign", 16, RoiAlign16},
      {"ReduceMax", 18, AxesToInput},
      {"ReduceMin", 18, AxesToInput},
      {"ReduceMean", 18, AxesToInput},
      {"ReduceProd", 18, AxesToInput},
      {"ReduceL1", 18, AxesToInput},
      {"ReduceL2", 18, AxesToInput},
      {"ReduceLogSum", 18, AxesToInput},
      {"ReduceLogSumExp", 18, AxesToInput},
      {"ReduceSumSquare", 18, AxesToInput},
      {"Split", 18, Split18},
      {"DFT", 20, Dft20},
      {"GridSample", 20, GridSample20},
      {"GroupNormalization", 21, GroupNormalization21},
  };
  return kRows;
}

}  // namespace qconvert
