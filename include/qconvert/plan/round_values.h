// Float values and weights that their settings round to float16 or bfloat16.
#ifndef QCONVERT_PLAN_ROUND_VALUES_H_
#define QCONVERT_PLAN_ROUND_VALUES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "qconvert/calibration/calibration_table.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/plan/placement.h"

namespace qconvert {

// What a value or weight is rounded to, by name, on the top level of the graph.
struct RoundedFloats {
  std::map<std::string, DataType> types;
  std::set<std::string> too_large;  // for float16, or of no known range, or before a Log
};

// Inputs of the model and what float nodes write. Left out is what needs no rounding: values that a
// node moves from rounded ones.
RoundedFloats FindRoundedValues(const Graph& graph, const Placement& placement,
                                const CalibrationTable& table, const ModelSettings& settings);

// Those that settings of float16 may speak of: their ranges have to be known.
std::vector<std::string> FindFloat16Values(const Graph& graph, const ModelSettings& settings);

// Weights and biases of float nodes. One that nodes read under different settings stays float32.
RoundedFloats FindRoundedWeights(const Graph& graph, const Placement& placement,
                                 const ModelSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_ROUND_VALUES_H_
