// By how much the Vitis AI quantizer lets a bias count in the range of its channel.
#ifndef QCONVERT_SRC_TRANSFORM_VENDOR_SHRINK_H_
#define QCONVERT_SRC_TRANSFORM_VENDOR_SHRINK_H_

#include "equalized_layer.h"

namespace qconvert {

// The divisor of the biases of a layer as it is scaled now, by f = |b| / |w| over all weights:
//
//   max|b| < 10 and max|b| < 20 max|w|:   5 where median f > 100 or mean f > 1000, else 2
//   otherwise:   20 where median > 30 or mean > 500, else 10 where median > 15 or mean > 100, else
//   5
//
// A weight of zero counts as the smallest of its channel, at least 1e-7; a channel of zeros as 1e-7
// with a bias of 0. Source: vai_q_pytorch 3.5, cross-layer equalization.
double VendorShrink(const EqualizedLayer& layer);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_VENDOR_SHRINK_H_
