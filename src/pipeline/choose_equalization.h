// Whether channels are evened out between layers, where the settings leave it to the outputs.
#ifndef QCONVERT_SRC_PIPELINE_CHOOSE_EQUALIZATION_H_
#define QCONVERT_SRC_PIPELINE_CHOOSE_EQUALIZATION_H_

#include <functional>

#include "plan_conversion.h"

namespace qconvert {

// `options`: those of the conversion that is used, where equalization is on or off.
using ChosenConversionUser =
    std::function<void(const ConvertOptions& options, const PlannedConversion& planned)>;

// PlanConversion; where equalization is `auto`, finds layers and can be judged, once without and
// once with it: always where weights have one scale per tensor, with scales per channel only where
// a typical judged sample is left with less than 30 dB. Kept is the one that passes, then the one
// with fewer nodes put back to float, then the one with less noise in a typical judged sample; the
// report says what it gave. While both are compared, memory holds two prepared models. Throws what
// PlanConversion throws.
void PlanWithEqualization(const ConvertOptions& options, LoadedModel loaded, Stopwatch& watch,
                          ConversionReport& report, const ChosenConversionUser& use);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHOOSE_EQUALIZATION_H_
