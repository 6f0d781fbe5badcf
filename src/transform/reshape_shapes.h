// Shapes of what gives its input other dimensions: Reshape, Flatten, Squeeze, Unsqueeze.
#ifndef QCONVERT_SRC_TRANSFORM_RESHAPE_SHAPES_H_
#define QCONVERT_SRC_TRANSFORM_RESHAPE_SHAPES_H_

#include "node_sizes.h"

namespace qconvert {

// By output of `node`; nothing for other operators.
Shapes ShapesOfReshapes(const Node& node, const KnownSizes& known, SizeNames& names);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_RESHAPE_SHAPES_H_
