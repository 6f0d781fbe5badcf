// Channels of an output that live on different scales: boxes in pixels beside scores in [0, 1].
#ifndef QCONVERT_REPORT_CHANNEL_GROUPS_H_
#define QCONVERT_REPORT_CHANNEL_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace qconvert {

// Sums by index of one axis, over all other axes and all samples.
struct ChannelSums {
  size_t axis = 0;
  std::vector<float> peak;   // greatest |x| of the float model
  std::vector<float> least;  // least x of it
  std::vector<double> float_power;
  std::vector<double> error_power;

  // Adds a row-major run of a tensor that begins at flat index `first`; `inner` is the product of
  // the dimensions behind the axis. Values must be finite.
  void Add(size_t first, size_t inner, std::span<const float> expected,
           std::span<const float> actual);
};

// Axes that could be one of channels: all but the first, of size 2 to kMaxChannels. Memory: 24
// bytes by channel and axis, whatever the size of the output.
inline constexpr int64_t kMaxChannels = 4096;
std::vector<ChannelSums> MakeChannelSums(std::span<const int64_t> dims);

// Adds what `later` samples gave; axes that do not have the same size there are dropped.
void MergeChannelSums(std::vector<ChannelSums>& sums, const std::vector<ChannelSums>& later);

struct ChannelGroup {
  size_t axis = 0;
  std::vector<size_t> channels;  // increasing
  double float_power = 0;
  double error_power = 0;

  double noise() const { return error_power / float_power; }
  // "channels 0-3, 7 of axis 1"; the middle of long lists is left out.
  std::string Name() const;
};

// Groups of channels whose ranges are more than kRangeRatio apart: with the channels of an axis
// sorted by peak, a group ends where the next peak is more than kRangeRatio times as great.
//
//   peaks   640 420 | 0.9 0.2 0.5      -> {0, 1} {2, 3, 4}
//
// Channels whose values all lie in [0, 1] are taken for probabilities, which are on one scale: a
// class that no sample shows is not held to its own noise. The axis with the widest gap is taken
// (the first of equal ones); without a gap there is no group.
// Channels below kNoSignal of the greatest peak belong to no group: nothing to be relative to.
inline constexpr double kRangeRatio = 8;
inline constexpr double kNoSignal = 1e-6;
std::vector<ChannelGroup> FindChannelGroups(const std::vector<ChannelSums>& axes);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_CHANNEL_GROUPS_H_
