// Rules for what 8 bit do not survive, known before anything is measured.
#ifndef QCONVERT_PLAN_SAFE_PLAN_H_
#define QCONVERT_PLAN_SAFE_PLAN_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>

#include "qconvert/calibration/calibration_table.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// Indices into graph.nodes that must stay float, with the reason.
using FloatNodes = std::map<size_t, std::string>;

// Nodes whose operator's place in the graph asks for float:
//
//   Front end of a logarithm or of a power spectrum (x * x + y * y): everything linear, squaring,
//   reducing or moving between it and the last activation before it. A logarithm turns relative
//   errors into absolute ones, while a linear grid has absolute errors: the quiet bands of a
//   spectrum would lie below one step. Their weights stay float too: a filter's rounding error
//   leaks loud bands into quiet ones.
//
//   Inside of a normalization or GELU spelled out: Add and Mul that read from or feed Sqrt,
//   Reciprocal, Div, Pow, Exp, Log, Erf or a mean. Squares double the dynamic range and reciprocals
//   turn the small end of the grid into the large one.
//
//   Evening out of channels: Mul by one constant per channel of the last axis that products with
//   constant matrices alone read. A grid in front of it would be that of the largest channel.
//
//   Gated recurrence: what lies on the way from a state input to the state output of the same
//   shape, through a Sigmoid and a Tanh (an LSTM or GRU cell spelled out). Its error comes back in
//   every step.
FloatNodes FindSensitiveNodes(const Graph& graph);

// Only the first kind: front ends of logarithms and power spectra.
std::set<size_t> FindFrontEndNodes(const Graph& graph);

// Float initializers that must keep their 32 bits: weights in front of a logarithm.
std::set<std::string> FindSensitiveWeights(const Graph& graph);

// Concats whose inputs lie on grids too different for one: the output's step would leave the values
// of some input fewer than kMinConcatSteps steps (boxes beside scores).
inline constexpr double kMinConcatSteps = 16;
FloatNodes FindRangeClashes(const Graph& graph, const CalibrationTable& table);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_SAFE_PLAN_H_
