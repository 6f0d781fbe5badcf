// A QuantizeLinear that rounds halves another way than to even, of standard operators.
#ifndef QCONVERT_SRC_REWRITE_QUANTIZE_ROUNDING_H_
#define QCONVERT_SRC_REWRITE_QUANTIZE_ROUNDING_H_

#include <string>
#include <vector>

#include "qconvert/numbers/rounder.h"
#include "qdq_builder.h"

namespace qconvert {

//   x -> Div{s} -> t -> Round -> r;   d = t - r, exactly;   r, moved where d is a half -> Q{1, z}
//
//   half_up     r + [d = 0.5]                                 Round went down from t = n + 0.5
//   half_down   r + [d = 0.5 and t < 0] - [d = -0.5 and t > 0]
//   std_round   r + [d = 0.5 and t > 0] - [d = -0.5 and t < 0]
//
// With the codes of QuantizeValue (numbers/quantize.h) for the mode, bit for bit, also for
// infinities. `params` is per tensor, `mode` not half_even. Needs opset >= 11.
std::vector<Node> QuantizeRounding(const std::string& from, const std::string& to,
                                   const QuantParams& params, RoundMode mode, QdqBuilder& builder);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REWRITE_QUANTIZE_ROUNDING_H_
