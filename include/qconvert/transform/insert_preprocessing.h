// A camera's pixels -> what the float model takes, as nodes in front of it.
#ifndef QCONVERT_TRANSFORM_INSERT_PREPROCESSING_H_
#define QCONVERT_TRANSFORM_INSERT_PREPROCESSING_H_

#include <string>

#include "qconvert/config/deployment_config.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// x [N,3,H,W]                 becomes, for nv12 (J6):
//   x_y  [N,H,W,1] uint8                       Cast, Sub 128, Transpose ------------+
//   x_uv [N,H/2,W/2,2] uint8, U before V       Cast, Sub 128, Transpose, Resize 2x2-+- Concat
//   x = Conv 1x1 (Concat)                      and Transpose to NHWC where x is NHWC
// nv12 from the resizer: x_roi [1,4] int32 (left, top, right, bottom of the source, inclusive), x_y
// [1,?,?,1] and x_uv [1,?,?,2] of the whole picture, cropped and resized to [N,H,W] before as
// its settings say; gray has no x_uv (crop_resize.h). J6, other types: yuv444, rgb, bgr are x
// [N,H,W,3] int8, value - 128; gray is x_y [N,H,W,1] uint8 from a pyramid, else x [N,1,H,W] uint8.
// J5 (its stage models take what the chip's loader makes): all are x int8, value - 128, in the
// shape and layout of the float model, or in `layout_rt`, nv12 as yuv444. A featuremap stays as it
// is, behind a Transpose where that is not its layout in the float model.
//
//   x[c] = (convert(pixel)[c] - mean[c]) * scale[c]       one linear map, nothing is clipped
// Full range, u = U - 128, v = V - 128, the coefficients of the vendor's node (JPEG BT.601 to four
// digits):
//   R = Y + 1.4017 v     G = Y - 0.3437 u - 0.7142 v     B = Y + 1.7722 u
// Video range (ITU-R BT.601, 16..235), rounded here and not in the node:
//   R = 1.164384 (Y-16) + 1.596027 v     G = 1.164384 (Y-16) - 0.391762 u - 0.812968 v
//   B = 1.164384 (Y-16) + 2.017232 u
// Trained on yuv444: Y, U, V as they are. Standard operators of opset 13.
//
// `input.kind_rt` and `kind_train` are a legal pair. Throws Error(kModel) naming `place` when the
// input has no shape of four dimensions, height and width known, is no float tensor, or the new
// names are taken. Returns whether anything was inserted.
// A featuremap needs a shape of four dimensions where its layout changes.
bool InsertPreprocessing(const InputSettings& input, Generation generation,
                         const std::string& place, Graph& graph);

// Whether the deployed model is fed in a layout that is known not to be the float model's.
bool ComesInAnotherLayout(const InputSettings& input);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_INSERT_PREPROCESSING_H_
