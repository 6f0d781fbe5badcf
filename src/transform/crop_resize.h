// The resizer of a camera path as standard operators.
#ifndef QCONVERT_SRC_TRANSFORM_CROP_RESIZE_H_
#define QCONVERT_SRC_TRANSFORM_CROP_RESIZE_H_

#include <cstdint>
#include <string>

#include "input_nodes.h"
#include "qconvert/config/resizer_settings.h"

namespace qconvert {

struct Crop {
  int64_t height = 0;  // of what comes out
  int64_t width = 0;
  int64_t step = 1;  // pixels of the source per element of the plane: 2 for chroma of nv12
  InterpMode interp = InterpMode::kBilinear;
  PadMode pad = PadMode::kConstant;
};

// plane [1,H,W,C] float, any H and W, and roi [1,4] double: left, top, right, bottom in pixels of
// the source, right and bottom inclusive  ->  [1,height,width,C]. On half-pixel centers:
//   x = (column + 0.5) * (right - left + 1) / width - 0.5 + left      in pixels of the source
//   x = (x + 0.5) / step - 0.5                                        in elements of the plane
// Bilinear, or the nearest element, the higher one of two: floor(x + 0.5). Constant: outside the
// picture, whose edge is half an element from the outer centers, there is 0; border: the nearest
// element. Between an edge and the centers next to it, the value of these with both.
// Both axes are done one after the other: Gather of the neighbours, times weights. The vendor
// prints neither the grid nor whether the roi is inclusive; half-pixel centers are the usual ones.
std::string AddCropResize(const std::string& plane, const std::string& roi, const Crop& crop,
                          InputNodes& nodes);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_CROP_RESIZE_H_
