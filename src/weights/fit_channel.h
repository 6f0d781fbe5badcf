// Integer weights of one output channel whose neighbouring pairs must not saturate 16 bits.
#ifndef QCONVERT_SRC_WEIGHTS_FIT_CHANNEL_H_
#define QCONVERT_SRC_WEIGHTS_FIT_CHANNEL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "qconvert/numbers/numeric_format.h"

namespace qconvert {

struct FittedChannel {
  float scale = 0;             // normal
  std::vector<int32_t> codes;  // in the order of the weights
  double error = 0;            // sum of squared differences to the weights
  int32_t zero_point = 0;
};

// Rounds `weights` (in kernel order: pairs are (0,1), (2,3), ...) to multiples of `scale` that the
// format has codes for. With a `pair_limit` it then lowers the codes of a pair of one sign whose
// sum passes it, one step at a time, always the one that lies further outside its weight.
FittedChannel RoundChannel(std::span<const float> weights, float scale, const NumericFormat& format,
                           int32_t pair_limit);

// The scale of least squared error between `low` (no weight clipped, some pairs lowered) and the
// one where no pair has to be lowered, in 16 steps; `low` itself without a `pair_limit`.
// With `clip`, scales down to half of `low` are tried too: large weights then saturate.
FittedChannel FitChannel(std::span<const float> weights, float low, const NumericFormat& format,
                         int32_t pair_limit, bool clip = false);

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_FIT_CHANNEL_H_
