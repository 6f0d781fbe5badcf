// Scales that have to agree with each other, after each value got its own.
#ifndef QCONVERT_PLAN_FIX_POSITIONS_H_
#define QCONVERT_PLAN_FIX_POSITIONS_H_

#include "qconvert/config/quant_config.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Inputs take the parameters of the output: of a Concat (change_concat_input_fix), of AveragePool
// and GlobalAveragePool (change_pool_input_fix); from the last node to the first. Inputs of another
// format keep theirs. Movement nodes share parameters anyway.
//
//   before  a: 2^-5, b: 2^-3 ─ Concat ─ 2^-3        after  a: 2^-3, b: 2^-3 ─ Concat ─ 2^-3
void AlignScales(const Graph& graph, const QuantConfig& config, QuantizationPlan& plan);

// Makes scales of nodes with weights coarser until their shifts fit a DPU's. With fix positions i
// of the input, w of the weights, b of the bias and o of the output (scale 2^-position):
//
//   shift_cut  = w + i - o   in [0, 16]                                   else o, above 16 w, lower
//   shift_bias = w + i - b   in [min(0, -(24 - (8 + shift_cut))), 16]     else b, above 16 w, lower
//
// Nodes in order, each with what those before it left. Changes are noted in plan.position_changes,
// limits of weights and biases in PositionLimits. Source: vai_q_pytorch, its shift checks.
void LimitShifts(const Graph& graph, const ModelSettings& settings, QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_FIX_POSITIONS_H_
