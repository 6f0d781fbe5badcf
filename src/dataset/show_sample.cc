#include "qconvert/dataset/show_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "convert_type.h"
#include "picture_file.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr double kWhite = 255;
constexpr double kGrayLevel = 128;

uint8_t Rounded(double level) {
  return static_cast<uint8_t>(std::lround(std::clamp(level, 0.0, kWhite)));
}

std::array<double, 3> ToRgb(std::array<double, 3> pixel, InputKind color) {
  if (color == InputKind::kBgr) std::swap(pixel[0], pixel[2]);
  if (color != InputKind::kYuv444) return pixel;
  const auto [y, u, v] = pixel;
  const double blue = u - kGrayLevel;
  const double red = v - kGrayLevel;
  return {y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue};
}

// Where the channels, rows and columns of an image lie.
struct ImageAxes {
  PictureSize size;
  int64_t channels;
  int64_t pixel_step;    // elements from one pixel to the next
  int64_t channel_step;  // and from one channel to the next
};

ImageAxes AxesOf(const Tensor& sample, size_t channel_axis) {
  const size_t rank = sample.dims.size();
  const bool is_image = (rank == 3 || rank == 4) && channel_axis < rank && channel_axis + 3 >= rank;
  const bool channels_last = channel_axis + 1 == rank;
  // From the end: an axis of the batch may stand in front or not.
  const auto dim = [&](size_t from_end) { return sample.dims[rank - from_end]; };
  ImageAxes axes{};
  if (is_image && channels_last) axes = {{dim(3), dim(2)}, dim(1), dim(1), 1};
  if (is_image && !channels_last) axes = {{dim(2), dim(1)}, dim(3), 1, dim(2) * dim(1)};
  const auto [height, width] = axes.size;
  // By division, as the product may overflow; a batch of none has no first picture.
  const bool fits = height > 0 && width > 0 && std::max(height, width) <= kMaxSide &&
                    height <= kMaxPixels / width && (axes.channels == 1 || axes.channels == 3) &&
                    (rank == 3 || sample.dims[0] > 0);
  if (fits) return axes;
  throw Error(ExitCode::kData, sample.name,
              fmt::format("has shape [{}], expected an image of 1 or 3 channels to show",
                          fmt::join(sample.dims, ",")));
}

}  // namespace

std::string PngOfSample(const Tensor& sample, const PixelScaling& scaling, InputKind color) {
  const ImageAxes axes = AxesOf(sample, scaling.channel_axis);
  const std::vector<float> values = ToFloats(ConvertSample(sample, DataType::kFloat, sample.name));
  const auto level = [&](int64_t pixel, int64_t channel) {
    const auto index = static_cast<size_t>(pixel * axes.pixel_step + channel * axes.channel_step);
    const auto value = static_cast<double>(values[index]);
    const auto c = static_cast<size_t>(channel);
    // The inverse of NormalizePixels.
    return scaling.mean.empty() ? value : value / scaling.scale[c] + scaling.mean[c];
  };
  Picture picture(axes.size, axes.channels);
  uint8_t* out = picture.levels.data();
  for (int64_t pixel = 0; pixel < axes.size.height * axes.size.width; ++pixel) {
    if (axes.channels == 1) {
      *out++ = Rounded(level(pixel, 0));
      continue;
    }
    for (const double one : ToRgb({level(pixel, 0), level(pixel, 1), level(pixel, 2)}, color))
      *out++ = Rounded(one);
  }
  return EncodePng(picture);
}

}  // namespace qconvert
