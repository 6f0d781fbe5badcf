// Networks of the shapes that people run, with random weights; batch normalization folded.
#ifndef QCONVERT_TESTS_BENCHMARKS_MODELS_H_
#define QCONVERT_TESTS_BENCHMARKS_MODELS_H_

#include "qconvert/ir/graph.h"

namespace qconvert {

// All: input "x" float[1,3,224,224], output "y" float[1,1000].

// MobileNetV2-1.0-224: Sandler et al. 2018, table 2.
Model MobileNetV2();
// ResNet-50: He et al. 2016, table 1, strides in the 3x3 convolutions.
Model ResNet50();
// ViT-B/16 with 4 of its 12 layers: Dosovitskiy et al. 2021, table 1; mean over the tokens instead
// of a class token, GELU as Erf.
Model VisionTransformer();

}  // namespace qconvert

#endif  // QCONVERT_TESTS_BENCHMARKS_MODELS_H_
