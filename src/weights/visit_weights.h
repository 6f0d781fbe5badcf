// Walking over the weights of some output channels.
#ifndef QCONVERT_SRC_WEIGHTS_VISIT_WEIGHTS_H_
#define QCONVERT_SRC_WEIGHTS_VISIT_WEIGHTS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "qconvert/targets/op_rules.h"
#include "qconvert/weights/output_positions.h"

namespace qconvert {

inline constexpr int64_t kWeightStrip = 16;  // weights of a channel that are visited in a row

// Calls visit(batch, k, channel - first, place) for the weights of channels [first, last), in
// strips of the kernel's order: in a matrix channels are neighbours, and what is gathered of each
// lies too far apart to go from one to the next with every weight.
template <typename Visit>
void VisitWeights(const WeightOrder& order, int64_t first, int64_t last, const Visit& visit) {
  const int64_t back = (order.inner_count - 1) * order.inner_stride;
  std::array<int64_t, kWeightStrip> places{};
  for (int64_t b = 0; b < order.batches; ++b) {
    int64_t place = b * order.batch_stride;
    int64_t inner = 0;
    for (int64_t from = 0; from < order.count; from += kWeightStrip) {
      const int64_t strip = std::min(kWeightStrip, order.count - from);
      for (int64_t k = 0; k < strip; ++k) {
        places[static_cast<size_t>(k)] = place;
        const bool is_last = ++inner == order.inner_count;
        place += is_last ? order.outer_stride - back : order.inner_stride;
        if (is_last) inner = 0;
      }
      for (int64_t o = 0; o < last - first; ++o) {
        const int64_t beside = static_cast<int64_t>(PlaceOf(order, first + o, 0));
        for (int64_t k = 0; k < strip; ++k)
          visit(b, from + k, static_cast<size_t>(o),
                static_cast<size_t>(places[static_cast<size_t>(k)] + beside));
      }
    }
  }
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_VISIT_WEIGHTS_H_
