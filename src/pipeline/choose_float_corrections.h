// Which corrections of the float model are made, where the settings leave it to the outputs.
#ifndef QCONVERT_SRC_PIPELINE_CHOOSE_FLOAT_CORRECTIONS_H_
#define QCONVERT_SRC_PIPELINE_CHOOSE_FLOAT_CORRECTIONS_H_

#include <functional>

#include "plan_conversion.h"

namespace qconvert {

// `options`: those of the conversion that is used, where each correction is on or off.
using ChosenConversionUser =
    std::function<void(const ConvertOptions& options, const PlannedConversion& planned)>;

// PlanConversion without what is `auto`; then, one after the other, once more with each that could
// help, on top of what was kept:
//
//   equalization  finds layers, and weights have one scale per tensor, or outputs fail, or a
//                 typical judged sample is left with less than 30 dB in another scheme than auto
//   clips         the same (it goes by include_cle), through Clip(0, b) too. A bound per channel
//                 is a float node on a CPU, and what rounded values leave alone is the most that
//                 equal weights could reach: not where a decibel of that would cost more than
//                 kTimeOfDecibel
//   absorption    less than 30 dB are left, and the expected noise of all quantized values falls by
//                 a twentieth where high biases are absorbed
//
// Kept is the one that passes, then the one with fewer nodes put back to float, then the one with
// less noise in a typical judged sample, at kTimeOfDecibel at most; the report says what each gave,
// among the repairs where that takes time. Where nothing can be judged (a given table, no guard,
// effort fast) weights with one scale per tensor are equalized, which the report says; the others
// are as without. A given plan is equalized as it was. While conversions are compared, memory holds
// their prepared models. Throws what PlanConversion throws.
void PlanWithFloatCorrections(const ConvertOptions& options, LoadedModel loaded, Stopwatch& watch,
                              ConversionReport& report, const ChosenConversionUser& use);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHOOSE_FLOAT_CORRECTIONS_H_
