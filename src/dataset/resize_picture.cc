#include "resize_picture.h"

#include <algorithm>
#include <cmath>

namespace qconvert {
namespace {

// Weights are integers of this many bits behind the point: 255 * 2^22 is far from overflow.
constexpr int kOnceBits = 22;  // levels are rounded after each axis
constexpr int kHalfBits = 11;  // levels are rounded after both
constexpr int kWhite = 255;

// Pixels of the source that make one of the result.
struct Window {
  int64_t first = 0;
  std::vector<int32_t> weights;

  int64_t end() const { return first + static_cast<int64_t>(weights.size()); }
};

Window FixedPoint(int64_t first, const std::vector<double>& weights, int bits) {
  // At a border a window is cut off: what is left of it sums to one again.
  double sum = 0;
  for (const double w : weights) sum += w;
  Window window{first, {}};
  for (const double w : weights)
    window.weights.push_back(static_cast<int32_t>(std::lround(w / sum * (1 << bits))));
  return window;
}

Window Triangle(double center, double ratio, int64_t from) {
  const double reach = std::max(ratio, 1.0);
  const auto first = std::max<int64_t>(0, static_cast<int64_t>(center - reach + 0.5));
  const auto end = std::min(from, static_cast<int64_t>(center + reach + 0.5));
  std::vector<double> weights;
  for (int64_t k = first; k < end; ++k) {
    const double distance = std::abs(static_cast<double>(k) + 0.5 - center) / reach;
    weights.push_back(std::max(0.0, 1 - distance));
  }
  return FixedPoint(first, weights, kOnceBits);
}

// The last pixel has no neighbour: it weighs all.
Window TwoNearest(double center, int64_t from) {
  const double at = std::clamp(center - 0.5, 0.0, static_cast<double>(from - 1));
  const auto low = static_cast<int64_t>(at);
  const double share = at - static_cast<double>(low);
  if (low + 1 >= from) return FixedPoint(low, {1}, kHalfBits);
  return FixedPoint(low, {1 - share, share}, kHalfBits);
}

std::vector<Window> WindowsOf(int64_t from, int64_t to, ResizeMethod method) {
  const double ratio = static_cast<double>(from) / static_cast<double>(to);
  std::vector<Window> windows;
  for (int64_t i = 0; i < to; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * ratio;
    if (method == ResizeMethod::kAntialias) {
      windows.push_back(Triangle(center, ratio, from));
    } else if (method == ResizeMethod::kBilinear) {
      windows.push_back(TwoNearest(center, from));
    } else {
      const auto nearest = std::min(static_cast<int64_t>(center), from - 1);
      windows.push_back(FixedPoint(nearest, {1}, kOnceBits));
    }
  }
  return windows;
}

// What a sum of weighted levels is without its last `bits` bits.
int32_t Rounded(int32_t sum, int bits) {
  return bits == 0 ? sum : (sum + (1 << (bits - 1))) >> bits;
}

// One row of the source, as wide as the result.
void ResizeRow(const uint8_t* row, int64_t channels, const std::vector<Window>& windows, int bits,
               int32_t* out) {
  for (const Window& window : windows) {
    for (int64_t c = 0; c < channels; ++c) {
      int32_t sum = 0;
      const uint8_t* level = row + window.first * channels + c;
      for (const int32_t weight : window.weights) {
        sum += weight * *level;
        level += channels;
      }
      *out++ = Rounded(sum, bits);
    }
  }
}

}  // namespace

Picture ResizePicture(const Picture& picture, PictureSize to, ResizeMethod method) {
  const std::vector<Window> across = WindowsOf(picture.size.width, to.width, method);
  const std::vector<Window> down = WindowsOf(picture.size.height, to.height, method);
  const int first_bits = method == ResizeMethod::kBilinear ? 0 : kOnceBits;
  const auto stride = static_cast<size_t>(to.width * picture.channels);
  std::vector<int32_t> row(stride);
  std::vector<int32_t> sums(static_cast<size_t>(to.height) * stride);
  size_t open = 0;  // rows of the result before this one are complete
  for (int64_t y = 0; y < picture.size.height; ++y) {
    ResizeRow(picture.row(y), picture.channels, across, first_bits, row.data());
    while (open < down.size() && down[open].end() <= y) ++open;
    for (size_t i = open; i < down.size() && down[i].first <= y; ++i) {
      if (y >= down[i].end()) continue;
      const int32_t weight = down[i].weights[static_cast<size_t>(y - down[i].first)];
      for (size_t x = 0; x < stride; ++x) sums[i * stride + x] += weight * row[x];
    }
  }
  Picture out(to, picture.channels);
  for (size_t k = 0; k < sums.size(); ++k)
    // Rounded weights may sum to a little more than one.
    out.levels[k] = static_cast<uint8_t>(std::clamp(Rounded(sums[k], kOnceBits), 0, kWhite));
  return out;
}

}  // namespace qconvert
