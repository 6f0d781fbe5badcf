#include "qconvert/report/channel_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace qconvert {
namespace {

constexpr size_t kNamedRuns = 4;
// Fewer than one in so many channels are the ends of one kind: near silent ones of a feature map.
constexpr size_t kFew = 8;

double ScaleOf(const ChannelSums& sums, size_t channel) {
  const bool are_probabilities = sums.least[channel] >= 0 && sums.peak[channel] <= 1;
  return are_probabilities ? 1 : static_cast<double>(sums.peak[channel]);
}

// Channels with signal, by falling scale.
std::vector<size_t> ByScale(const ChannelSums& sums) {
  const double greatest = *std::max_element(sums.peak.begin(), sums.peak.end());
  std::vector<size_t> order;
  for (size_t c = 0; c < sums.peak.size(); ++c) {
    // Above zero even where all are silent: gaps divide by these.
    if (sums.peak[c] > kNoSignal * greatest) order.push_back(c);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return ScaleOf(sums, a) > ScaleOf(sums, b); });
  return order;
}

// How many times as wide the upper one is.
double Gap(const ChannelSums& sums, size_t upper, size_t lower) {
  return ScaleOf(sums, upper) / ScaleOf(sums, lower);
}

struct SplitAxis {
  double widest_gap = 1;
  std::vector<ChannelGroup> groups;  // by rising scale
};

SplitAxis Split(const ChannelSums& sums) {
  const std::vector<size_t> order = ByScale(sums);
  SplitAxis split;
  if (order.empty() || Gap(sums, order.front(), order.back()) <= kRangeRatio) return split;
  for (size_t k = 0; k < order.size(); ++k) {
    const double gap = k == 0 ? 1 : Gap(sums, order[k - 1], order[k]);
    split.widest_gap = std::max(split.widest_gap, gap);
    const bool are_few = std::min(k, order.size() - k) < order.size() / kFew;
    if (k == 0 || gap > (are_few ? kRangeRatio : kGap)) split.groups.push_back({sums.axis});
    split.groups.back().channels.push_back(order[k]);
  }
  std::reverse(split.groups.begin(), split.groups.end());
  for (ChannelGroup& group : split.groups) {
    std::sort(group.channels.begin(), group.channels.end());
    for (const size_t c : group.channels) {
      group.float_power += sums.float_power[c];
      group.error_power += sums.error_power[c];
    }
  }
  return split;
}

}  // namespace

void ChannelSums::Add(size_t first, size_t inner, std::span<const float> expected,
                      std::span<const float> actual) {
  size_t i = 0;
  const auto add = [&](size_t channel) {
    const double x = expected[i];
    const double error = x - actual[i];
    peak[channel] = std::max(peak[channel], std::fabs(expected[i]));
    least[channel] = std::min(least[channel], expected[i]);
    float_power[channel] += x * x;
    error_power[channel] += error * error;
    ++i;
  };
  // A block may begin and end inside of a channel.
  while (i < expected.size()) {
    size_t channel = (first + i) / inner % peak.size();
    if (inner == 1) {
      // Channels last: without the division for every value.
      while (channel < peak.size() && i < expected.size()) add(channel++);
    } else {
      // Up to the next channel, or to the end of the block.
      const size_t end = std::min(expected.size(), i + inner - (first + i) % inner);
      while (i < end) add(channel);
    }
  }
}

std::vector<ChannelSums> MakeChannelSums(std::span<const int64_t> dims, bool may_be_batched) {
  std::vector<ChannelSums> axes;
  for (size_t axis = may_be_batched ? 1 : 0; axis < dims.size(); ++axis) {
    if (dims[axis] < 2 || dims[axis] > kMaxChannels) continue;
    const auto channels = static_cast<size_t>(dims[axis]);
    axes.push_back({axis, std::vector<float>(channels), std::vector<float>(channels, INFINITY),
                    std::vector<double>(channels), std::vector<double>(channels)});
  }
  return axes;
}

void MergeChannelSums(std::vector<ChannelSums>& sums, const std::vector<ChannelSums>& later) {
  // Axes are found by number and size: samples of another rank have others.
  std::erase_if(sums, [&](ChannelSums& one) {
    const auto other = std::find_if(later.begin(), later.end(), [&](const ChannelSums& l) {
      return l.axis == one.axis && l.peak.size() == one.peak.size();
    });
    // An axis that has another size in a later sample is no axis of channels.
    if (other == later.end()) return true;
    for (size_t c = 0; c < one.peak.size(); ++c) {
      one.peak[c] = std::max(one.peak[c], other->peak[c]);
      one.least[c] = std::min(one.least[c], other->least[c]);
      one.float_power[c] += other->float_power[c];
      one.error_power[c] += other->error_power[c];
    }
    return false;
  });
}

std::string ChannelGroup::Name() const {
  std::vector<std::string> runs;
  for (size_t k = 0; k < channels.size();) {
    size_t end = k + 1;
    while (end < channels.size() && channels[end] == channels[end - 1] + 1) ++end;
    runs.push_back(end - k == 1 ? fmt::format("{}", channels[k])
                                : fmt::format("{}-{}", channels[k], channels[end - 1]));
    k = end;
  }
  if (runs.size() > kNamedRuns) {
    // The last run stays: it tells how far the group reaches.
    runs.erase(runs.begin() + (kNamedRuns - 1), runs.end() - 1);
    runs.insert(runs.end() - 1, "...");
  }
  return fmt::format("channel{} {} of axis {}", channels.size() == 1 ? "" : "s",
                     fmt::join(runs, ", "), axis);
}

std::vector<ChannelGroup> FindChannelGroups(const std::vector<ChannelSums>& axes) {
  SplitAxis best;
  for (const ChannelSums& axis : axes) {
    // Without a batch the first one may be one of places or steps as well.
    if (axis.axis == 0) continue;
    SplitAxis split = Split(axis);
    if (split.groups.size() > 1 && split.widest_gap > best.widest_gap) best = std::move(split);
  }
  if (best.groups.empty() && !axes.empty() && axes[0].axis == 0) best = Split(axes[0]);
  return best.groups.size() > 1 ? std::move(best.groups) : std::vector<ChannelGroup>{};
}

}  // namespace qconvert
