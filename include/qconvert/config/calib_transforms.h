// What becomes of a picture before it is a sample: the list `calib_transforms`.
#ifndef QCONVERT_CONFIG_CALIB_TRANSFORMS_H_
#define QCONVERT_CONFIG_CALIB_TRANSFORMS_H_

#include <cstdint>
#include <vector>

#include "qconvert/config/deployment_config.h"

namespace qconvert {

// How levels between pixels are found, see dataset/resize_picture.h.
enum class ResizeMethod {
  kAntialias,  // Pillow's BILINEAR: a triangle as wide as a pixel of the smaller picture
  kBilinear,   // OpenCV's INTER_LINEAR: the two nearest pixels of the source
  kNearest,    // Pillow's NEAREST
};

// Where a smaller picture lies in a larger one.
enum class PicturePosition { kCenter, kTopLeft };

// One step. Steps up to kColor work on 8-bit levels and come first; the others say what is made of
// the levels in the end.
struct CalibTransform {
  enum class Kind {
    kResize,      // to height x width, or to `short_side` with the ratio kept
    kCenterCrop,  // the middle height x width
    kLetterbox,   // resize with the ratio kept to fit into height x width, the rest is `fill`
    kPad,         // up to height x width, or up to multiples of `multiple`; the rest is `fill`
    kColor,       // RGB to `color`
    kLayout,      // NCHW or NHWC
    kMean,        // numbers, one or one per channel: subtracted,
    kScale,       // multiplied with the difference,
    kStd,         // or what the difference is divided by
  };
  Kind kind = Kind::kResize;
  int64_t height = 0;  // 0: the input's
  int64_t width = 0;
  int64_t short_side = 0;  // 0: height and width hold
  int64_t multiple = 0;    // 0: height and width hold
  ResizeMethod method = ResizeMethod::kAntialias;
  int fill = 127;  // level of all channels
  PicturePosition position = PicturePosition::kCenter;
  InputKind color = InputKind::kRgb;
  InputLayout layout = InputLayout::kNone;
  std::vector<double> numbers;

  bool operator==(const CalibTransform&) const = default;
};

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_CALIB_TRANSFORMS_H_
