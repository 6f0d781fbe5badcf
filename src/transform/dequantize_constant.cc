#include "dequantize_constant.h"

#include <algorithm>
#include <cstddef>

namespace qconvert {
namespace {

// How many elements in a row have one scale; 0 where the scales fit no axis.
int64_t RunOfOneScale(const Node& node, const Tensor& codes, const Tensor& scale) {
  // 1 for no elements: 0 is kept for scales that fit no axis.
  if (scale.element_count() == 1) return std::max<int64_t>(codes.element_count(), 1);
  const auto rank = static_cast<int64_t>(codes.dims.size());
  int64_t axis = node.GetInt("axis", 1);
  axis += axis < 0 ? rank : 0;
  if (axis < 0 || axis >= rank || scale.dims.size() != 1 ||
      scale.dims[0] != codes.dims[static_cast<size_t>(axis)] || node.GetInt("block_size", 0) != 0)
    return 0;
  int64_t run = 1;
  for (int64_t d = axis + 1; d < rank; ++d) run *= codes.dims[static_cast<size_t>(d)];
  return run;
}

}  // namespace

std::optional<std::vector<int32_t>> IntegersOf(const Tensor& tensor) {
  const auto widen = [](auto values) { return std::vector<int32_t>(values.begin(), values.end()); };
  switch (tensor.type) {
    case DataType::kInt8:
      return widen(tensor.values<int8_t>());
    case DataType::kUint8:
      return widen(tensor.values<uint8_t>());
    case DataType::kInt16:
      return widen(tensor.values<int16_t>());
    case DataType::kUint16:
      return widen(tensor.values<uint16_t>());
    case DataType::kInt32:
      return widen(tensor.values<int32_t>());
    default:
      return std::nullopt;
  }
}

std::optional<Tensor> DequantizedConstant(const Graph& graph, const Node& node) {
  const Tensor* codes = graph.FindInitializer(node.inputs[0]);
  const Tensor* scale = graph.FindInitializer(node.inputs[1]);
  const Tensor* zero = graph.FindInitializer(node.input(2));
  if (codes == nullptr || scale == nullptr || scale->type != DataType::kFloat ||
      scale->element_count() == 0 || (zero == nullptr && !node.input(2).empty()))
    return std::nullopt;
  const auto integers = IntegersOf(*codes);
  const auto zeros = zero == nullptr ? std::optional(std::vector<int32_t>{0}) : IntegersOf(*zero);
  const auto scales = scale->values<float>();
  const int64_t run = RunOfOneScale(node, *codes, *scale);
  if (!integers || !zeros || run == 0 ||
      (zeros->size() != 1 && zeros->size() != static_cast<size_t>(scale->element_count())))
    return std::nullopt;
  std::vector<float> values(integers->size());
  for (size_t k = 0; k < values.size(); ++k) {
    const size_t channel = k / static_cast<size_t>(run) % scales.size();
    const int32_t z = (*zeros)[zeros->size() == 1 ? 0 : channel];
    values[k] = static_cast<float>((*integers)[k] - z) * scales[channel];
  }
  return MakeFloatTensor(node.outputs[0], codes->dims, values);
}

}  // namespace qconvert
