#include "qconvert/weights/output_positions.h"

#include <algorithm>

#include "qconvert/base/check.h"

namespace qconvert {

size_t PlaceOf(const WeightOrder& order, int64_t channel, int64_t k) {
  return static_cast<size_t>(channel * order.channel_stride +
                             k / order.inner_count * order.outer_stride +
                             k % order.inner_count * order.inner_stride);
}

int64_t GroupsOf(const Node& node) { return node.Is("Conv") ? node.GetInt("group", 1) : 1; }

bool HasOutputPositions(const Node& node, const Tensor& weight) {
  if (node.Is("Conv"))
    return weight.dims.size() >= 3 && node.GetString("auto_pad", "NOTSET") == "NOTSET";
  if (node.Is("Gemm")) return weight.dims.size() == 2 && node.GetInt("transA", 0) == 0;
  return node.Is("MatMul") && weight.dims.size() == 2;
}

OutputPositions::OutputPositions(const Node& node, const Tensor& weight,
                                 std::span<const int64_t> input) {
  QCONVERT_CHECK(HasOutputPositions(node, weight) && !input.empty());
  if (!node.Is("Conv")) {
    // All dimensions but the last count rows.
    inputs_ = input.back();
    count_ = inputs_ == 0 ? 0 : 1;
    for (const int64_t dim : input.first(input.size() - 1)) count_ *= dim;
    return;
  }
  QCONVERT_CHECK(input.size() == weight.dims.size());
  channels_ = input[1];
  inputs_ = weight.dims[1];
  const size_t rank = input.size() - 2;
  const auto ints = [&](const char* key, size_t d, int64_t fallback) {
    const auto* list = node.FindInts(key);
    return list == nullptr ? fallback : (*list)[d];
  };
  for (size_t d = 0; d < rank; ++d) {
    Axis axis{.size = input[d + 2], .taps = weight.dims[d + 2]};
    axis.stride = ints("strides", d, 1);
    axis.dilation = ints("dilations", d, 1);
    axis.pad = ints("pads", d, 0);
    const int64_t room =
        axis.size + axis.pad + ints("pads", d + rank, 0) - axis.dilation * (axis.taps - 1) - 1;
    // A kernel that reaches over its input writes nothing.
    axis.outputs = room < 0 ? 0 : room / axis.stride + 1;
    taps_ *= axis.taps;
    plane_ *= axis.size;
    pixels_ *= axis.outputs;
    axes_.push_back(axis);
  }
  count_ = input[0] * pixels_;
}

void OutputPositions::Gather(std::span<const float> values, int64_t p, int64_t group,
                             std::span<float> row) const {
  QCONVERT_CHECK(static_cast<int64_t>(row.size()) == taps_ * inputs_);
  if (axes_.empty()) {
    const auto from = values.subspan(static_cast<size_t>(p * inputs_), row.size());
    std::copy(from.begin(), from.end(), row.begin());
    return;
  }
  const int64_t channel = p / pixels_ * channels_ + group * inputs_;
  const float* first = values.data() + channel * plane_;
  float* out = row.data();
  for (int64_t tap = 0; tap < taps_; ++tap) {
    const int64_t at = Offset(p % pixels_, tap);
    // Tap by tap, channels innermost: the kernel order of weights.
    for (int64_t c = 0; c < inputs_; ++c) *out++ = at < 0 ? 0.0F : first[c * plane_ + at];
  }
}

void OutputPositions::GatherOutputs(std::span<const float> values, int64_t p, int64_t channels,
                                    int64_t first, std::span<float> row) const {
  // Rows are images of one pixel.
  const int64_t image = p / pixels_;
  const int64_t start = (image * channels + first) * pixels_ + p % pixels_;
  for (size_t o = 0; o < row.size(); ++o)
    row[o] = values[static_cast<size_t>(start + static_cast<int64_t>(o) * pixels_)];
}

int64_t OutputPositions::Offset(int64_t pixel, int64_t tap) const {
  int64_t offset = 0;
  int64_t stride = 1;
  for (size_t d = axes_.size(); d-- > 0;) {
    const Axis& axis = axes_[d];
    const int64_t at =
        pixel % axis.outputs * axis.stride - axis.pad + tap % axis.taps * axis.dilation;
    if (at < 0 || at >= axis.size) return -1;
    offset += at * stride;
    stride *= axis.size;
    pixel /= axis.outputs;
    tap /= axis.taps;
  }
  return offset;
}

}  // namespace qconvert
