#include "held_out.h"

#include <algorithm>

namespace qconvert {

SampleSplit SplitSamples(const DataDigest& digest, bool keep_all) {
  const std::vector<bool>& repeats = digest.repeats;
  const auto count = static_cast<size_t>(std::count(repeats.begin(), repeats.end(), false));
  SampleSplit split{digest.by_content, digest.by_content, {}, false};
  if (!keep_all && count >= kFewestToHoldOut) {
    const size_t different = std::clamp(count / 5, kFewestHeldOut, kMostHeldOut);
    size_t held_out = 0;
    // Twins of those that are judged count no more than they do, and must not calibrate.
    for (size_t seen = 0; held_out < repeats.size(); ++held_out) {
      if (!repeats[held_out] && ++seen > different) break;
    }
    split.judged.resize(held_out);
    split.calibration.erase(split.calibration.begin(),
                            split.calibration.begin() + static_cast<ptrdiff_t>(held_out));
    split.is_held_out = true;
  }
  // Places among all samples become places among those that calibrate.
  const std::vector<size_t> content = split.calibration;
  std::sort(split.calibration.begin(), split.calibration.end());
  for (const size_t sample : content) {
    const auto at = std::lower_bound(split.calibration.begin(), split.calibration.end(), sample);
    split.by_content.push_back(static_cast<size_t>(at - split.calibration.begin()));
  }
  return split;
}

size_t CountShared(const DataDigest& judged, const DataDigest& calibration) {
  const auto& other = calibration.contents;
  return static_cast<size_t>(
      std::count_if(judged.contents.begin(), judged.contents.end(), [&](const auto& content) {
        return std::binary_search(other.begin(), other.end(), content);
      }));
}

}  // namespace qconvert
