#include "picture_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "convert_type.h"
#include "normalize_pixels.h"
#include "qconvert/base/error.h"
#include "resize_picture.h"
#include "sample_array.h"

namespace qconvert {
namespace {

using Kind = CalibTransform::Kind;

constexpr int kColorBits = 16;
constexpr int kWhite = 255;
constexpr int kGrayLevel = 128;

// Rows of weights of R, G and B, and an offset.
// In units of 2^-16. Weights of the luma sum to 1, those of a difference to 0: gray stays gray.
struct ColorRow {
  std::array<int, 3> weights;
  int offset;
};
constexpr ColorRow kLuma = {{19595, 38470, 7471}, 0};
constexpr ColorRow kBlueDifference = {{-11059, -21709, 32768}, kGrayLevel};
constexpr ColorRow kRedDifference = {{32768, -27439, -5329}, kGrayLevel};

class Transformer {
 public:
  explicit Transformer(const std::string& place) : place_(place) {}

  Picture Apply(Picture picture, const CalibTransform& step) const {
    const PictureSize size{step.height, step.width};
    switch (step.kind) {
      case Kind::kResize:
        return Resize(picture,
                      step.short_side > 0 ? ShortSide(picture.size, step.short_side) : size,
                      step.method);
      case Kind::kCenterCrop:
        return CenterCrop(picture, size);
      case Kind::kLetterbox:
        return Place(Resize(picture, Inside(picture.size, size), step.method), size, step);
      case Kind::kPad:
        return Place(picture, step.multiple > 0 ? NextMultiple(picture.size, step.multiple) : size,
                     step);
      case Kind::kColor:
        return InColor(std::move(picture), step.color);
      // Layout, mean, scale and std are of the numbers that pixels become.
      default:
        return picture;
    }
  }

 private:
  void RequireSize(PictureSize size) const {
    // By division: the product may overflow.
    if (size.height <= kMaxPixels / size.width) return;
    throw Error(ExitCode::kResource, place_,
                fmt::format("would become a picture of {} x {} pixels, at most {} Mi are made",
                            size.width, size.height, kMaxPixels >> 20));
  }

  Picture Resize(const Picture& picture, PictureSize to, ResizeMethod method) const {
    RequireSize(to);
    return to == picture.size ? picture : ResizePicture(picture, to, method);
  }

  static PictureSize ShortSide(PictureSize from, int64_t side) {
    if (from.height <= from.width) return {side, side * from.width / from.height};
    return {side * from.height / from.width, side};
  }

  static PictureSize Inside(PictureSize from, PictureSize to) {
    const double scale = std::min(static_cast<double>(to.height) / static_cast<double>(from.height),
                                  static_cast<double>(to.width) / static_cast<double>(from.width));
    const auto scaled = [&](int64_t side, int64_t most) {
      // A line of one pixel stays a line.
      return std::clamp<int64_t>(std::llround(static_cast<double>(side) * scale), 1, most);
    };
    return {scaled(from.height, to.height), scaled(from.width, to.width)};
  }

  static PictureSize NextMultiple(PictureSize from, int64_t multiple) {
    const auto next = [&](int64_t side) { return (side + multiple - 1) / multiple * multiple; };
    return {next(from.height), next(from.width)};
  }

  static int64_t HalfToEven(int64_t rest) {
    const int64_t half = rest / 2;
    return rest % 2 == 0 ? half : half + half % 2;
  }

  Picture CenterCrop(const Picture& picture, PictureSize size) const {
    if (size.height > picture.size.height || size.width > picture.size.width) {
      throw Error(ExitCode::kData, place_,
                  fmt::format("has {} x {} pixels before center_crop, expected at least {} x {}",
                              picture.size.width, picture.size.height, size.width, size.height));
    }
    const int64_t top = HalfToEven(picture.size.height - size.height);
    const int64_t left = HalfToEven(picture.size.width - size.width);
    Picture out(size, picture.channels);
    for (int64_t y = 0; y < size.height; ++y)
      std::copy_n(picture.row(top + y) + left * picture.channels, out.row_bytes(), out.row(y));
    return out;
  }

  // Inside a picture of the step's fill.
  Picture Place(const Picture& picture, PictureSize size, const CalibTransform& step) const {
    if (size.height < picture.size.height || size.width < picture.size.width) {
      throw Error(ExitCode::kData, place_,
                  fmt::format("has {} x {} pixels before pad, expected at most {} x {}",
                              picture.size.width, picture.size.height, size.width, size.height));
    }
    RequireSize(size);
    const bool is_centered = step.position == PicturePosition::kCenter;
    const int64_t top = is_centered ? (size.height - picture.size.height) / 2 : 0;
    const int64_t left = is_centered ? (size.width - picture.size.width) / 2 : 0;
    // The table of steps lets 0 to 255 pass.
    Picture out(size, picture.channels, static_cast<uint8_t>(step.fill));
    for (int64_t y = 0; y < picture.size.height; ++y)
      std::copy_n(picture.row(y), picture.row_bytes(), out.row(top + y) + left * out.channels);
    return out;
  }

  static uint8_t Level(const uint8_t* rgb, const ColorRow& row) {
    // BT.601 of full range in 16-bit fixed point, half a level added: rounded, not cut.
    int sum = (row.offset << kColorBits) + (1 << (kColorBits - 1));
    for (size_t c = 0; c < row.weights.size(); ++c) sum += row.weights[c] * rgb[c];
    return static_cast<uint8_t>(std::clamp(sum >> kColorBits, 0, kWhite));
  }

  static Picture InColor(Picture picture, InputKind color) {
    // Decoders give RGB.
    if (color == InputKind::kRgb) return picture;
    Picture out(picture.size, color == InputKind::kGray ? 1 : 3);
    uint8_t* to = out.levels.data();
    for (size_t k = 0; k < picture.levels.size(); k += 3) {
      const uint8_t* rgb = picture.levels.data() + k;
      if (color == InputKind::kBgr) {
        for (const size_t c : {2, 1, 0}) *to++ = rgb[c];
      } else {
        *to++ = Level(rgb, kLuma);
        if (color == InputKind::kGray) continue;
        *to++ = Level(rgb, kBlueDifference);
        *to++ = Level(rgb, kRedDifference);
      }
    }
    return out;
  }

  const std::string& place_;
};

// Levels as floats in the order of the input's axes.
Tensor Arranged(const Picture& picture, size_t channel_axis, size_t rank) {
  const auto [height, width] = picture.size;
  const int64_t channels = picture.channels;
  const bool channels_last = channel_axis + 1 == rank;
  std::vector<int64_t> dims = channels_last ? std::vector<int64_t>{height, width, channels}
                                            : std::vector<int64_t>{channels, height, width};
  if (rank == 4) dims.insert(dims.begin(), 1);
  std::vector<float> values(picture.levels.size());
  const size_t pixels = picture.levels.size() / static_cast<size_t>(channels);
  for (size_t k = 0; k < values.size(); ++k) {
    const size_t pixel = k / static_cast<size_t>(channels);
    const size_t channel = k % static_cast<size_t>(channels);
    values[channels_last ? k : channel * pixels + pixel] = picture.levels[k];
  }
  return MakeFloatTensor("", std::move(dims), values);
}

}  // namespace

Picture TransformPicture(Picture picture, std::span<const CalibTransform> steps,
                         const std::string& place) {
  const Transformer transformer(place);
  for (const CalibTransform& step : steps) picture = transformer.Apply(std::move(picture), step);
  return picture;
}

Tensor PictureSample(const Picture& picture, const PictureFormat& format, const Value& input,
                     const std::string& place) {
  Tensor values = Arranged(picture, format.scaling.channel_axis, input.type.shape->size());
  RequireShape(values.dims, input, place);
  values = NormalizePixels(std::move(values), format.scaling, place);
  values.name = input.name;
  if (IsInteger(input.type.element)) values = RoundedToIntegers(values, place);
  return ConvertSample(std::move(values), input.type.element, place);
}

}  // namespace qconvert
