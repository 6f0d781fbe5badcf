// Shapes of what slides a window over its input or scales it: Conv, ConvTranspose, poolings,
// Resize.
#ifndef QCONVERT_SRC_TRANSFORM_WINDOW_SHAPES_H_
#define QCONVERT_SRC_TRANSFORM_WINDOW_SHAPES_H_

#include "node_sizes.h"

namespace qconvert {

// By output of `node`; nothing for other operators.
Shapes ShapesOfWindows(const Node& node, const KnownSizes& known, SizeNames& names);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_WINDOW_SHAPES_H_
