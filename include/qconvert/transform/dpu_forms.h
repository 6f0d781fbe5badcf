// Operators as a DPU computes them, so that the numbers on the device are those of the file. None
// is exact: for settings that ask for it.
#ifndef QCONVERT_TRANSFORM_DPU_FORMS_H_
#define QCONVERT_TRANSFORM_DPU_FORMS_H_

#include <cstddef>
#include <cstdint>

#include "qconvert/config/quant_config.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// What a DPU's average of `height` x `width` values is of the true one, since it multiplies by an
// integer and shifts: area * m / 2^s with the s in [0, ceil(log2(128 area))] and m = round(2^s /
// area) that come nearest to 1, but 63/64 for 3x3, 250/256 for 5x5, 252/256 for 6x6, 3x6 and 6x3,
// 1029/1024 for 7x7 and 4116/4096 for 14x14. Source: vai_q_pytorch 3.5, nn/modules/fix_ops.
double DpuAverageFactor(int64_t height, int64_t width);

// Of what `forms` names:
//
//   LeakyRelu{a}          ->  LeakyRelu{round(256 a) / 256}
//   HardSigmoid{1/6,1/2}  ->  HardSigmoid{2731/16384, 3 * 2731/16384}
//   Sigmoid               ->  the same, off by at most 0.07
//   AveragePool, GlobalAveragePool of an image  ->  it, and Mul by DpuAverageFactor
//
// Run it where HardSwish is HardSigmoid and Mul. Sizes of global pools are those
// of value_info; where they are not known the pool stays. Sources: vai_q_pytorch 3.5 and AMD Quark,
// which agree but for the slope, that the former fixes at 26/256. Returns how many operators were
// changed.
size_t UseDpuForms(Graph& graph, const DpuForms& forms);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_DPU_FORMS_H_
