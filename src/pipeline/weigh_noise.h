// Integers that are given up before the guard looks at single nodes: their noise is not worth the
// time that they save.
#ifndef QCONVERT_SRC_PIPELINE_WEIGH_NOISE_H_
#define QCONVERT_SRC_PIPELINE_WEIGH_NOISE_H_

#include <set>
#include <string>

#include "measure_plan.h"
#include "qconvert/plan/choose_scheme.h"

namespace qconvert {

// With integers that save little of the estimated time all nodes go back to float where the worst
// output has less than 30 dB. `wide`: weights that are stored in 16 bit whatever comes.
void WeighNoiseAgainstTime(const PlanInputs& inputs, const std::set<std::string>& wide,
                           SchemeChoice& choice);

// Nodes of scheme auto that are to be quantized at run time stay float where they alone leave the
// worst output with less than 30 dB, unless that passes the gate and the estimated time that they
// save is worth the decibels that a typical sample is below the aim (kTimeOfDecibel each, with
// objective speed nothing). Not where an LSTM or GRU carries its state from run to run: its error
// comes back. What stays float says so.
void WeighDynamicNoise(const PlanInputs& inputs, const std::set<std::string>& wide,
                       SchemeChoice& choice);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_WEIGH_NOISE_H_
