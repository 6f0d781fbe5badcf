// Shapes of what operators write, by those of what they read.
#ifndef QCONVERT_SRC_TRANSFORM_OPERATOR_SHAPES_H_
#define QCONVERT_SRC_TRANSFORM_OPERATOR_SHAPES_H_

#include "node_sizes.h"

namespace qconvert {

// By output of `node`, in every run that succeeds; nothing for operators that are not known.
Shapes ShapesOfOutputs(const Node& node, const KnownSizes& known, SizeNames& names);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_OPERATOR_SHAPES_H_
