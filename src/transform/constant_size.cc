#include "constant_size.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "qconvert/base/checked.h"

namespace qconvert {
namespace {

constexpr int64_t kWidest = 8;  // bytes of one element

// Elements of the shape that a tensor of integers names; nothing on overflow.
std::optional<int64_t> Product(const Tensor* tensor) {
  if (tensor == nullptr || (tensor->type != DataType::kInt64 && tensor->type != DataType::kInt32))
    return std::nullopt;
  return ElementCount(ToInt64s(*tensor));
}

// Elements of the inputs broadcast together (NumPy rules); nothing on overflow.
std::optional<int64_t> BroadcastCount(const std::vector<const Tensor*>& inputs) {
  size_t rank = 0;
  for (const Tensor* tensor : inputs) rank = std::max(rank, tensor->dims.size());
  std::vector<int64_t> dims(rank, 1);
  for (const Tensor* tensor : inputs) {
    const size_t lead = rank - tensor->dims.size();
    for (size_t d = 0; d < tensor->dims.size(); ++d)
      // A 0 counts as a 1, which makes the bound higher.
      dims[lead + d] = std::max(dims[lead + d], tensor->dims[d]);
  }
  return ElementCount(dims);
}

std::optional<int64_t> Times(std::optional<int64_t> a, std::optional<int64_t> b) {
  return a && b ? CheckedMul(*a, *b) : std::nullopt;
}

}  // namespace

std::optional<int64_t> BoundOutputBytes(const Node& node, const FindConstant& constant) {
  // Their sizes are numbers in inputs or attributes, or products over several dimensions.
  static constexpr std::array<std::string_view, 10> kUnbounded = {
      "Range",         "Resize", "Upsample", "Pad",    "OneHot",
      "CenterCropPad", "Col2Im", "EyeLike",  "Einsum", "Conv"};
  if (std::find(kUnbounded.begin(), kUnbounded.end(), node.op_type) != kUnbounded.end())
    return std::nullopt;
  std::vector<const Tensor*> inputs;
  int64_t in_bytes = 16;
  for (const std::string& input : node.inputs) {
    if (input.empty()) continue;
    inputs.push_back(constant(input));
    in_bytes += inputs.back()->byte_size();
  }
  if (node.Is("ConstantOfShape")) return Times(Product(constant(node.input(0))), kWidest);
  if (node.Is("Expand") || node.Is("Tile"))
    return Times(Product(constant(node.input(1))), in_bytes);
  if (node.Is("MatMul") || node.Is("Gemm") || node.Is("Gather") || node.Is("GatherND")) {
    // Whatever the shapes, the result has no more elements than there are pairs.
    std::optional<int64_t> count = kWidest;
    for (const Tensor* tensor : inputs) count = Times(count, tensor->element_count());
    // Of these pairs, those along the inner dimension are summed up.
    const int64_t inner = inputs.empty() || inputs[0]->dims.empty()
                              ? 1
                              : std::max<int64_t>(inputs[0]->dims.back(), 1);
    return count && node.Is("MatMul") ? std::optional(*count / inner) : count;
  }
  const auto broadcast = Times(BroadcastCount(inputs), kWidest);
  const auto plain = CheckedMul(in_bytes, 16);
  return broadcast && plain ? std::optional(std::max(*broadcast, *plain)) : std::nullopt;
}

}  // namespace qconvert
