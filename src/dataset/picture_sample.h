// A picture as a sample of a model's input.
#ifndef QCONVERT_SRC_DATASET_PICTURE_SAMPLE_H_
#define QCONVERT_SRC_DATASET_PICTURE_SAMPLE_H_

#include <span>
#include <string>

#include "picture.h"
#include "qconvert/config/calib_transforms.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// The steps up to kColor, in order, on an RGB picture:
//   kResize      ResizePicture; of a short side s the long one is floor(s * long / short)
//   kCenterCrop  from (height - wanted) / 2 on, halves to even, as torchvision does
//   kLetterbox   resized by min(wanted height / height, wanted width / width), sides rounded, at
//                the center (rounded down) or top left of a picture of `fill`
//   kPad         into a picture of `fill`
//   kColor       gray: 0.299 R + 0.587 G + 0.114 B (Pillow's 16-bit weights); yuv444: BT.601 of
//   full
//                range, U and V around 128 (JFIF 1.02); rounded, within 0..255
// Throws Error: kData naming `place` when a picture is too small to crop or too large to pad,
// kResource when a step makes one of more than kMaxPixels.
Picture TransformPicture(Picture picture, std::span<const CalibTransform> steps,
                         const std::string& place);

// The transformed picture in the layout of the input, with mean and scale, as the input's type.
// Throws Error(kData) when it does not fit.
Tensor PictureSample(const Picture& picture, const PictureFormat& format, const Value& input,
                     const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_PICTURE_SAMPLE_H_
