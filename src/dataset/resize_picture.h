// Pictures of another size.
#ifndef QCONVERT_SRC_DATASET_RESIZE_PICTURE_H_
#define QCONVERT_SRC_DATASET_RESIZE_PICTURE_H_

#include "picture.h"
#include "qconvert/config/calib_transforms.h"

namespace qconvert {

// One axis after the other, width first, levels to the nearest integer, halves up. With
// r = source / result and the center c = (i + 0.5) * r of result pixel i, pixels k of the source
// weigh
//   kAntialias  max(0, 1 - |k + 0.5 - c| / max(r, 1)) for k from floor(c - max(r, 1) + 0.5) to
//               before floor(c + max(r, 1) + 0.5), over their sum; rounded after each axis. Source:
//               Pillow, Image.resize with BILINEAR; equal to it.
//   kBilinear   with s = c - 0.5 and f = s - floor(s): 1 - f at floor(s), f at floor(s) + 1, the
//               border repeated; rounded once. Source: OpenCV, resize with INTER_LINEAR (half-pixel
//               centers, no antialiasing); at most 1 level from it, whose weights have 11 bits.
//   kNearest    1 at floor(c). Source: Pillow, Image.resize with NEAREST.
Picture ResizePicture(const Picture& picture, PictureSize to, ResizeMethod method);

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_RESIZE_PICTURE_H_
