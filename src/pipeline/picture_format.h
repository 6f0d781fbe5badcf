// What becomes of pictures, by the settings and the model's input.
#ifndef QCONVERT_SRC_PIPELINE_PICTURE_FORMAT_H_
#define QCONVERT_SRC_PIPELINE_PICTURE_FORMAT_H_

#include <map>
#include <string>
#include <vector>

#include "qconvert/config/calib_transforms.h"
#include "qconvert/config/deployment_config.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// What an input takes for a picture: settings say it, or the input's shape.
struct PictureInput {
  std::string unfit;  // see PictureFormat
  InputLayout layout = InputLayout::kNchw;
  InputKind color = InputKind::kRgb;
  size_t channel_axis = 1;
  int64_t channels = 3;
  int64_t height = 0;  // 0: free
  int64_t width = 0;
};

// By a step `layout` or `color`; else by `settings` (null: none); else NCHW where axis 1 has 1 or 3
// channels, NHWC where the last has, gray for one and RGB for three. Inputs of rank 4 with a batch
// of 1 or a free one, and of rank 3 without a batch, take pictures.
PictureInput PictureInputOf(const std::vector<CalibTransform>& steps, const InputSettings* settings,
                            const Value& input);

// Whether an input is one of a deployed or a J5 stage model that `settings` (of the float model's
// input) were for: pixels of the runtime's kind, int8 less 128, gray of J6 uint8. Float models of
// images have neither type.
bool TakesRuntimePixels(const InputSettings& settings, const Value& input);

// `steps` as they are, with what they leave out by the input, as PictureInputOf sees it:
//   no resize, center_crop, letterbox, pad   resize to the input's size goes first, where not free
//   no color                                 the input's color goes last
//   no mean, scale, std                      those of `settings`, of both generations: pictures are
//                                            not normalized yet
// Sizes that are left out are the input's. `unfit` says so when such a size is free, or numbers are
// not one per channel. An input that TakesRuntimePixels gets of `steps` the sizes alone, then the
// runtime's color (of nv12 yuv444, within the settings' range), less 128 where it is int8; its
// channels are where the shape has them, by layout_train where both could be.
PictureFormat MakePictureFormat(const std::vector<CalibTransform>& steps,
                                const InputSettings* settings, const Value& input);

// What the model does itself since FoldNormalization, by input.
using FoldedInputs = std::map<std::string, PixelScaling>;

// `scaling`, and then what was folded undone: the model takes x / scale + mean where it took x.
PixelScaling WithoutFolded(const PixelScaling& scaling, const PixelScaling& folded);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_PICTURE_FORMAT_H_
