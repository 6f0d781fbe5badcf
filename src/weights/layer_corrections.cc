#include "qconvert/weights/layer_corrections.h"

#include <algorithm>
#include <cmath>

#include "qconvert/base/check.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/weight_slots.h"
#include "qconvert/weights/clipped_sums.h"
#include "qconvert/weights/output_positions.h"

namespace qconvert {
namespace {

constexpr int kHalvings = 8;

// Channel c of slice i has its elements at [(i * channels + c) * inner, ... + inner).
struct ChannelLayout {
  size_t channels = 1;
  size_t inner = 1;
};

ChannelLayout LayoutOf(const Tensor& values, ChannelAxis axis) {
  QCONVERT_CHECK(values.dims.size() >= 2);
  const size_t at = axis == ChannelAxis::kSecond ? 1 : values.dims.size() - 1;
  ChannelLayout layout{static_cast<size_t>(values.dims[at]), 1};
  for (size_t d = at + 1; d < values.dims.size(); ++d)
    layout.inner *= static_cast<size_t>(values.dims[d]);
  return layout;
}

// Adds up `number(c, y)` over the positions of the channels that `wanted(c)` says.
template <typename Wanted, typename Number>
void AddChannels(const Tensor& values, const ChannelLayout& layout, const Wanted& wanted,
                 const Number& number, std::vector<double>& sums) {
  const std::span<const float> floats = values.values<float>();
  for (size_t i = 0; i < floats.size();) {
    for (size_t c = 0; c < layout.channels; ++c, i += layout.inner) {
      if (!wanted(c)) continue;
      double sum = 0;
      for (size_t k = 0; k < layout.inner; ++k) sum += number(c, floats[i + k]);
      sums[c] += sum;
    }
  }
}

// Of clip(y + shift) over all samples and positions, by channel; 0 for those that are not `open`.
std::vector<double> ClippedSums(std::span<const Tensor> values, ChannelAxis axis,
                                const LayerActivation& clip, std::span<const float> shift,
                                const std::vector<bool>& open) {
  std::vector<double> sums(shift.size(), 0.0);
  for (const Tensor& tensor : values) {
    const ChannelLayout layout = LayoutOf(tensor, axis);
    QCONVERT_CHECK(layout.channels == shift.size());
    AddChannels(
        tensor, layout, [&](size_t c) { return open[c]; },
        [&](size_t c, float y) { return std::min(std::max(y + shift[c], clip.low), clip.high); },
        sums);
  }
  return sums;
}

}  // namespace

void AddShift(std::span<const float> shift, std::vector<float>& bias) {
  QCONVERT_CHECK(bias.empty() || bias.size() == shift.size());
  bias.resize(shift.size(), 0.0F);
  for (size_t c = 0; c < shift.size(); ++c) bias[c] += shift[c];
}

bool CanMoveBias(const Graph& graph, const Node& node, const FusedUnit& unit) {
  if (node.Is("MatMul")) {
    const Tensor* weight = graph.FindInitializer(node.input(1));
    return unit.bias_add != FusedUnit::kNone || (weight != nullptr && weight->dims.size() == 2);
  }
  return node.input(2).empty() || FindBias(graph, node) != nullptr;
}

std::vector<double> ChannelMeans(const Tensor& values, ChannelAxis axis) {
  const ChannelLayout layout = LayoutOf(values, axis);
  std::vector<double> means(layout.channels, 0.0);
  AddChannels(
      values, layout, [](size_t /*c*/) { return true; }, [](size_t /*c*/, float y) { return y; },
      means);
  const auto positions =
      static_cast<double>(values.element_count()) / static_cast<double>(means.size());
  for (double& mean : means) mean /= std::max(positions, 1.0);
  return means;
}

Tensor AddToChannels(const Tensor& values, ChannelAxis axis, std::span<const float> shift) {
  const ChannelLayout layout = LayoutOf(values, axis);
  QCONVERT_CHECK(layout.channels == shift.size());
  std::vector<float> sums = ToFloats(values);
  size_t c = 0;
  for (size_t i = 0; i < sums.size(); i += layout.inner) {
    for (size_t k = 0; k < layout.inner; ++k) sums[i + k] += shift[c];
    if (++c == layout.channels) c = 0;
  }
  return MakeFloatTensor(values.name, values.dims, sums);
}

std::vector<float> BiasShift(const std::vector<std::vector<double>>& differences) {
  std::vector<float> shift;
  const auto count = static_cast<double>(differences.size());
  for (size_t c = 0; !differences.empty() && c < differences[0].size(); ++c) {
    double mean = 0;
    for (const auto& of_sample : differences) mean += of_sample[c] / count;
    double variance = 0;
    for (const auto& of_sample : differences)
      variance += (of_sample[c] - mean) * (of_sample[c] - mean) / std::max(count - 1, 1.0) / count;
    const double sure = mean == 0 ? 0 : std::max(0.0, 1 - variance / (mean * mean));
    // After NaN or infinity in a sample the channel stays as it is.
    shift.push_back(std::isfinite(mean * sure) ? static_cast<float>(mean * sure) : 0);
  }
  return shift;
}

std::vector<float> ExpectedBiasShift(const Node& node, const Tensor& weight,
                                     const ConstantCodes& codes, std::span<const double> means) {
  const bool is_conv = node.Is("Conv");
  const bool is_matrix = weight.dims.size() == 2 && node.GetInt("transA", 0) == 0 &&
                         (node.Is("MatMul") || node.Is("Gemm"));
  if (!is_conv && !is_matrix) return {};
  const WeightOrder order = KernelOrder(node, weight);
  const int64_t groups = GroupsOf(node);
  if (static_cast<int64_t>(means.size()) != groups * order.inner_count) return {};
  const std::vector<float> exact = ToFloats(weight);
  const std::vector<float> coded = DequantizeTensor(codes.codes, codes.params);
  std::vector<float> shift;
  for (int64_t o = 0; o < order.channels; ++o) {
    // The first input channel of the group; in kernel order these are the innermost.
    const int64_t first = o / (order.channels / groups) * order.inner_count;
    double sum = 0;
    for (int64_t k = 0; k < order.count; ++k) {
      const size_t at = PlaceOf(order, o, k);
      sum += (static_cast<double>(exact[at]) - static_cast<double>(coded[at])) *
             means[static_cast<size_t>(first + k % order.inner_count)];
    }
    shift.push_back(static_cast<float>(sum));
  }
  return shift;
}

std::vector<double> ClippedSums(std::span<const Tensor> values, ChannelAxis axis,
                                const LayerActivation& activation) {
  if (activation.kind != LayerActivation::Kind::kClip || activation.is_identity() || values.empty())
    return {};
  const size_t channels = LayoutOf(values[0], axis).channels;
  return ClippedSums(values, axis, activation, std::vector<float>(channels, 0.0F),
                     std::vector<bool>(channels, true));
}

void LimitShift(std::span<const Tensor> expected, std::span<const Tensor> actual, ChannelAxis axis,
                const LayerActivation& activation, std::vector<float>& shift) {
  LimitShift(ClippedSums(expected, axis, activation), actual, axis, activation, shift);
}

void LimitShift(std::span<const double> aim, std::span<const Tensor> actual, ChannelAxis axis,
                const LayerActivation& activation, std::vector<float>& shift) {
  if (aim.empty()) return;
  std::vector<bool> open(shift.size());  // what the channel would come to is not known yet
  for (size_t c = 0; c < shift.size(); ++c) open[c] = shift[c] != 0;
  // How much of the way a channel goes at least and at most.
  std::vector<float> least(shift.size(), 0.0F);
  std::vector<float> most(shift.size(), 1.0F);
  std::vector<float> share = most;
  // The first step tries the whole way, each of the others halves what is open.
  for (int step = 0; step <= kHalvings; ++step) {
    std::vector<float> moved = shift;
    for (size_t c = 0; c < shift.size(); ++c) moved[c] *= share[c];
    const std::vector<double> sums = ClippedSums(actual, axis, activation, moved, open);
    for (size_t c = 0; c < shift.size(); ++c) {
      if (!open[c]) continue;
      const bool is_too_far = shift[c] > 0 ? sums[c] > aim[c] : sums[c] < aim[c];
      (is_too_far ? most : least)[c] = share[c];
      share[c] = (least[c] + most[c]) / 2;
      open[c] = least[c] < most[c];  // no longer once the whole way will do
    }
  }
  for (size_t c = 0; c < shift.size(); ++c) shift[c] *= least[c];
}

}  // namespace qconvert
