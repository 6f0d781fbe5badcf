// What a kind of processor means for a plan.
#ifndef QCONVERT_PLAN_PROCESSOR_H_
#define QCONVERT_PLAN_PROCESSOR_H_

#include <cstdint>

#include "qconvert/config/quant_config.h"
#include "qconvert/targets/cost_table.h"

namespace qconvert {

// kHost becomes the processor that this program runs on, as the processor itself says: kVnni,
// kArmDot, or kAvx2 where it has no int8 dot products. All others stay what they are.
Processor ResolveProcessor(Processor processor);

// Whether every processor of the kind multiplies bytes and adds the products in 32 bits.
bool HasInt8DotProducts(Processor processor);

// The estimates for a kind; kAny has those of kAvx2, on which integers gain least. kArmDot has
// those of kVnni: ARM was not measured (--cost-table takes what was).
const CostTable& CostTableOf(Processor processor);

// What two neighbouring weights may sum to (Target::pair_limit) on the config's device and
// processor.
int32_t PairLimitOf(const QuantConfig& config);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_PROCESSOR_H_
