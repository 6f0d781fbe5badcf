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

// Axes that could be one of channels, of size 2 to kMaxChannels: all, but not the first where that
// `may_be_batched`. Memory: 24 bytes by channel and axis, whatever the size of the output.
inline constexpr int64_t kMaxChannels = 4096;
std::vector<ChannelSums> MakeChannelSums(std::span<const int64_t> dims, bool may_be_batched);

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

// Groups of channels on different scales, of an axis whose peaks differ by more than kRangeRatio:
// with the channels sorted by peak, a group ends where the next one is less than 1 / kGap as great.
// Boxes, offsets and scores may lie in steps of which none is wide, and what is lost in the least
// one is not seen beside the next. Few of many channels are a group where kRangeRatio parts them.
//
//   peaks   640 420 | 0.9 0.2 0.5      -> {0, 1} {2, 3, 4}
//   peaks   400 380 | 80 | 14 | 2.5    -> {0, 1} {2} {3} {4}: neighbours are near, the ends are not
//   peaks   40 30 21 ... 2.1 1.2 0.8   -> none: no gap
//
// What keeps other outputs whole: channels whose values all lie in [0, 1] are taken for
// probabilities, which are on one scale (a class that no sample shows is not held to its own
// noise); peaks of logits, embeddings and feature maps, and of places and steps, spread over more
// than kRangeRatio too, but without gaps. Of several axes the one with the widest gap is taken (the
// first of equal ones), axis 0 only where no other has groups.
// Channels below kNoSignal of the greatest peak belong to no group: nothing to be relative to.
inline constexpr double kRangeRatio = 8;
inline constexpr double kGap = 3;  // between neighbours of one kind in trained models: up to 2.9
inline constexpr double kNoSignal = 1e-6;
std::vector<ChannelGroup> FindChannelGroups(const std::vector<ChannelSums>& axes);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_CHANNEL_GROUPS_H_
