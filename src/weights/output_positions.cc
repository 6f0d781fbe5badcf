#include "qconvert/weights/output_positions.h"

#include <algorithm>
#include <numeric>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

bool IsConvolution(const Node& node) { return node.Is("Conv") || node.Is("ConvTranspose"); }

// Number `d` of a list of an attribute.
int64_t IntOf(const Node& node, const char* key, size_t d, int64_t fallback) {
  const auto* list = node.FindInts(key);
  return list == nullptr ? fallback : (*list)[d];
}

}  // namespace

size_t PlaceOf(const WeightOrder& order, int64_t channel, int64_t k) {
  const int64_t together = order.group_channels > 0 ? order.group_channels : order.channels;
  return static_cast<size_t>(
      channel / together * order.group_stride + channel % together * order.channel_stride +
      k / order.inner_count * order.outer_stride + k % order.inner_count * order.inner_stride);
}

size_t ScaleOf(const WeightOrder& order, size_t scales, int64_t block_size, int64_t channel,
               int64_t k) {
  if (scales == 1) return 0;
  if (block_size == 0) return static_cast<size_t>(channel);
  const int64_t block = k / block_size;
  // Scales stand as the weights do: [blocks, channels] or [channels, blocks].
  const bool channels_last = order.channel_stride == 1 && order.inner_stride == order.channels;
  return static_cast<size_t>(channels_last ? block * order.channels + channel
                                           : channel * (order.count / block_size) + block);
}

int64_t GroupsOf(const Node& node) { return IsConvolution(node) ? node.GetInt("group", 1) : 1; }

std::vector<int64_t> TransposedOutputs(const Node& node, std::span<const int64_t> spatial,
                                       std::span<const int64_t> kernel) {
  std::vector<int64_t> outputs;
  for (size_t d = 0; d < spatial.size(); ++d) {
    const int64_t pads = IntOf(node, "pads", d, 0) + IntOf(node, "pads", d + spatial.size(), 0);
    const int64_t reach = (kernel[d] - 1) * IntOf(node, "dilations", d, 1) + 1;
    outputs.push_back(IntOf(node, "strides", d, 1) * (spatial[d] - 1) +
                      IntOf(node, "output_padding", d, 0) + reach - pads);
    if (spatial[d] == 0 || outputs.back() <= 0) return {};
  }
  return outputs;
}

int64_t StepOverPositions(const Node& node, int64_t step) {
  int64_t phases = 1;
  const std::vector<int64_t>* strides = node.FindInts("strides");
  if (node.Is("ConvTranspose") && strides != nullptr)
    for (const int64_t stride : *strides) phases *= stride;
  while (std::gcd(step, phases) != 1) ++step;
  return step;
}

bool HasOutputPositions(const Node& node, const Tensor& weight) {
  if (IsConvolution(node)) {
    // A shape that is given says how much padding there is.
    return weight.dims.size() >= 3 && node.GetString("auto_pad", "NOTSET") == "NOTSET" &&
           node.FindInts("output_shape") == nullptr;
  }
  if (node.Is("Gemm")) return weight.dims.size() == 2 && node.GetInt("transA", 0) == 0;
  return node.Is("MatMul") && weight.dims.size() == 2;
}

OutputPositions::OutputPositions(const Node& node, const Tensor& weight,
                                 std::span<const int64_t> input) {
  QCONVERT_CHECK(HasOutputPositions(node, weight) && !input.empty());
  if (!IsConvolution(node)) {
    // All dimensions but the last count rows.
    inputs_ = input.back();
    count_ = inputs_ == 0 ? 0 : 1;
    for (const int64_t dim : input.first(input.size() - 1)) count_ *= dim;
    return;
  }
  QCONVERT_CHECK(input.size() == weight.dims.size());
  const bool transposed = node.Is("ConvTranspose");
  channels_ = input[1];
  inputs_ = transposed ? weight.dims[0] / GroupsOf(node) : weight.dims[1];
  const size_t rank = input.size() - 2;
  std::vector<int64_t> transposed_outputs;
  if (transposed) {
    transposed_outputs =
        TransposedOutputs(node, input.subspan(2), std::span(weight.dims).subspan(2));
    transposed_outputs.resize(rank, 0);
  }
  for (size_t d = 0; d < rank; ++d) {
    Axis axis{.size = input[d + 2], .taps = weight.dims[d + 2]};
    axis.steps = {IntOf(node, "strides", d, 1), IntOf(node, "dilations", d, 1),
                  IntOf(node, "pads", d, 0), transposed};
    const int64_t room = axis.size + axis.steps.pad + IntOf(node, "pads", d + rank, 0) -
                         axis.steps.dilation * (axis.taps - 1) - 1;
    // A kernel that reaches over its input writes nothing.
    axis.outputs = transposed ? transposed_outputs[d] : room < 0 ? 0 : room / axis.steps.stride + 1;
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
  const Axis& last = axes_.back();
  const int64_t line = p % pixels_ / last.outputs;
  const int64_t pixel = p % last.outputs;
  for (int64_t tap = 0; tap < taps_; tap += last.taps) {
    const int64_t start = LineOffset(line, tap / last.taps);
    for (int64_t t = 0; t < last.taps; ++t) {
      const int64_t at = last.steps.InputOf(pixel, t);
      const bool is_inside = start >= 0 && at >= 0 && at < last.size;
      const float* from = first + (is_inside ? start + at : 0);
      // Tap by tap, channels innermost: the kernel order of weights.
      for (int64_t c = 0; c < inputs_; ++c) *out++ = is_inside ? from[c * plane_] : 0.0F;
    }
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

int64_t OutputPositions::LineOffset(int64_t line, int64_t tap) const {
  int64_t offset = 0;
  int64_t stride = axes_.back().size;
  for (size_t d = axes_.size() - 1; d-- > 0;) {
    const Axis& axis = axes_[d];
    const int64_t at = axis.steps.InputOf(line % axis.outputs, tap % axis.taps);
    if (at < 0 || at >= axis.size) return -1;
    offset += at * stride;
    stride *= axis.size;
    line /= axis.outputs;
    tap /= axis.taps;
  }
  return offset;
}

}  // namespace qconvert
