// The order of Eigen's sums.
#ifndef QCONVERT_SRC_WEIGHTS_FIXED_BLOCKING_H_
#define QCONVERT_SRC_WEIGHTS_FIXED_BLOCKING_H_

#include <Eigen/Core>

namespace qconvert {

// Sums of a product are ordered by the caches that Eigen finds: it is told the same ones
// everywhere. Static: each set of instructions has its own Eigen (product_kernel.h).
static inline void FixBlocking() { Eigen::setCpuCacheSizes(32 << 10, 1 << 20, 8 << 20); }

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_FIXED_BLOCKING_H_
