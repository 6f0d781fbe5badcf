// Integer weights of one output channel whose neighbouring pairs must not saturate 16 bits.
#ifndef QCONVERT_SRC_QUANTIZATION_FIT_CHANNEL_H_
#define QCONVERT_SRC_QUANTIZATION_FIT_CHANNEL_H_

#include <cstdint>
#include <span>
#include <vector>

namespace qconvert {

// The largest sum of two weights of one sign that a uint8 x int8 pair can multiply with 255 each
// without leaving int16: 255 * 128 < 2^15.
inline constexpr int32_t kMaxPairSum = 128;

struct FittedChannel {
  float scale = 0;             // normal
  std::vector<int32_t> codes;  // in the order of the weights
  double error = 0;            // sum of squared differences to the weights
};

// Rounds `weights` (in kernel order: pairs are (0,1), (2,3), ...) to multiples of `scale` in
// [qmin, qmax]. With `limit_pairs` it then lowers the codes of a pair whose sum passes
// kMaxPairSum, one step at a time, always the one that lies further outside its weight.
FittedChannel RoundChannel(std::span<const float> weights, float scale, int32_t qmin, int32_t qmax,
                           bool limit_pairs);

// The scale of least squared error between `low` (no weight clipped, some pairs lowered) and the
// one where no pair has to be lowered, in 16 steps; `low` itself without `limit_pairs`.
// With `clip`, scales down to half of `low` are tried too: large weights then saturate.
FittedChannel FitChannel(std::span<const float> weights, float low, int32_t qmax, bool limit_pairs,
                         bool clip = false);

}  // namespace qconvert

#endif  // QCONVERT_SRC_QUANTIZATION_FIT_CHANNEL_H_
