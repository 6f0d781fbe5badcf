// MobileNetV2-1.0-224 (Sandler et al. 2018, table 2) with random weights, batch normalization
// folded.
#ifndef QCONVERT_TESTS_BENCHMARKS_MOBILENET_V2_H_
#define QCONVERT_TESTS_BENCHMARKS_MOBILENET_V2_H_

#include "qconvert/ir/graph.h"

namespace qconvert {

// Input "x" float[1,3,224,224], output "y" float[1,1000].
Model MobileNetV2();

}  // namespace qconvert

#endif  // QCONVERT_TESTS_BENCHMARKS_MOBILENET_V2_H_
