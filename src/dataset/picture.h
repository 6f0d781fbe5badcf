// A picture in memory.
#ifndef QCONVERT_SRC_DATASET_PICTURE_H_
#define QCONVERT_SRC_DATASET_PICTURE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qconvert {

// Larger pictures are refused.
inline constexpr int64_t kMaxPixels = int64_t{1} << 26;
inline constexpr int64_t kMaxSide = int64_t{1} << 16;

struct PictureSize {
  int64_t height = 0;
  int64_t width = 0;

  bool operator==(const PictureSize&) const = default;
};

// Levels of 0..255 row by row, those of a pixel beside each other.
struct Picture {
  PictureSize size;
  int64_t channels = 3;
  std::vector<uint8_t> levels;

  Picture() = default;
  Picture(PictureSize of, int64_t channel_count, uint8_t level = 0)
      : size(of),
        channels(channel_count),
        levels(static_cast<size_t>(of.height * of.width * channel_count), level) {}
  int64_t row_bytes() const { return size.width * channels; }
  uint8_t* row(int64_t y) { return levels.data() + y * row_bytes(); }
  const uint8_t* row(int64_t y) const { return levels.data() + y * row_bytes(); }
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_PICTURE_H_
