// What a plan does to weights and what it does to values, each without the other.
#ifndef QCONVERT_REWRITE_PARTS_OF_PLAN_H_
#define QCONVERT_REWRITE_PARTS_OF_PLAN_H_

#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// Weights of integer nodes of the main graph become the floats that their codes stand for; each of
// these nodes gets an initializer of its own. Values, biases and all other nodes stay as they are:
//
//   x -> Conv{W} -> y     becomes     x -> Conv{s W_q} -> y
void RoundIntegerWeights(Graph& graph, const QuantizationPlan& plan);

// Takes the float weights of integer nodes away that no node reads and no output of the graph
// gives: nodes that stay float may go on reading them as they were.
void DropUnreadWeights(Graph& graph, const QuantizationPlan& plan);

// The same plan with float weights and biases, of any node:
//
//   x -> Q -> DQ -> Conv{W} -> Q -> DQ -> y
QuantizationPlan WithFloatWeights(QuantizationPlan plan);

// Values with codes are rounded to 16 bits of what their codes reach instead, symmetric where the
// plan is (RoundToGrids); weights, biases and constants stay as they are:
//
//   x -> Conv{W} -> y     becomes     x -> 16 bits -> Conv{W} -> 16 bits -> y
void RoundValuesTo16Bits(Graph& graph, const QuantizationPlan& plan);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_PARTS_OF_PLAN_H_
