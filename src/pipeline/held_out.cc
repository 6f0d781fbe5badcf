#include "held_out.h"

#include <algorithm>

namespace qconvert {
namespace {

// Of `count` different samples.
size_t CountHeldOut(size_t count) {
  const size_t of_few = std::clamp(count / 3, kFewestHeldOut, kFewHeldOut);
  return std::clamp(count / 5, of_few, kMostHeldOut);
}

}  // namespace

SampleSplit SplitSamples(const DataDigest& digest, bool keep_all) {
  const std::vector<bool>& repeats = digest.repeats;
  SampleSplit split{digest.by_content, digest.by_content, {}, false};
  if (!keep_all) {
    split.judged = DifferentFrom(digest, {});
    const size_t count = split.judged.size();
    if (count >= kFewestToHoldOut) {
      split.judged.resize(CountHeldOut(count));
      split.is_held_out = true;
      // Up to the first that is neither judged on nor a copy.
      const auto& order = digest.by_content;
      auto first = std::find(order.begin(), order.end(), split.judged.back()) + 1;
      while (repeats[static_cast<size_t>(first - order.begin())]) ++first;
      split.calibration.assign(first, order.end());
    }
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

std::vector<size_t> DifferentFrom(const DataDigest& digest, const DataDigest& others) {
  std::vector<size_t> different;
  for (size_t k = 0; k < digest.by_content.size(); ++k) {
    const bool is_known =
        k < digest.contents.size() &&
        std::binary_search(others.contents.begin(), others.contents.end(), digest.contents[k]);
    if (!digest.repeats[k] && !is_known) different.push_back(digest.by_content[k]);
  }
  return different;
}

}  // namespace qconvert
