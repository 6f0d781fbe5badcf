// Which samples a run takes.
#ifndef QCONVERT_CALIBRATION_SHARD_H_
#define QCONVERT_CALIBRATION_SHARD_H_

#include <algorithm>
#include <cstddef>

namespace qconvert {

inline constexpr size_t kMaxShards = 1'000'000;

// Samples go in batches of one size, in order; the last batch may be shorter. Batch b of a data set
// belongs to shard b % count, as its batch b / count.
struct Shard {
  size_t index = 0;
  size_t count = 1;  // at most kMaxShards

  bool is_whole() const { return count == 1; }
  bool operator==(const Shard&) const = default;
};

inline size_t BatchCount(size_t samples, size_t batch_size) {
  return (samples + batch_size - 1) / batch_size;
}

// Batches of `samples` that belong to a shard.
inline size_t ShardBatches(size_t samples, size_t batch_size, const Shard& shard) {
  const size_t batches = BatchCount(samples, batch_size);
  return batches > shard.index ? (batches - shard.index - 1) / shard.count + 1 : 0;
}

// Their samples.
inline size_t ShardSamples(size_t samples, size_t batch_size, const Shard& shard) {
  const size_t batches = ShardBatches(samples, batch_size, shard);
  if (batches == 0) return 0;
  const size_t last = (batches - 1) * shard.count + shard.index;  // of the data set
  return (batches - 1) * batch_size + std::min(batch_size, samples - last * batch_size);
}

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_SHARD_H_
