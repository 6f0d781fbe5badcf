// What bodies of If, Loop and Scan are planned by, each as a graph of its own.
#ifndef QCONVERT_PLAN_BODY_PLANS_H_
#define QCONVERT_PLAN_BODY_PLANS_H_

#include <string>
#include <vector>

#include "qconvert/calibration/calibration_table.h"
#include "qconvert/ir/body_graph.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/plan/placement.h"

namespace qconvert {

// Those of the model, with the entries that hold in the body: of types of nodes, and of nodes and
// values that are named with their way ("loop/body/x"). What a body reads from outside is an
// activation like any other, and its ends are not the model's.
ModelSettings SettingsOfBody(const ModelSettings& settings, const BodyGraph& body);

// Why nothing in the body is quantized: for want of types, or by the target. Mostly empty.
std::string WhyBodyIsFloat(const BodyGraph& body, const Target& target);

// As ComputesFloat (targets/op_rules.h), and where the type of what it writes is not known.
bool MayComputeFloat(const Graph& graph, const Node& node);

// Elements of the body's values in one run; those that are known.
ValueSizes SizesOfBody(const ValueSizes& sizes, const BodyGraph& body);

// Values of this level that some plan can quantize, whatever the target and the settings.
std::vector<std::string> FindQuantizable(const Graph& graph);
// The same of all bodies of a graph, as the whole model names them.
std::vector<std::string> FindQuantizableInBodies(const Graph& graph);
// Those of them that these placements of bodies quantize, with those in front of movement nodes.
std::vector<std::string> FindQuantizedInBodies(const Graph& graph, const Placement& placement);

// Values of bodies that calibration did not come by (a branch that was never taken), or that hold
// infinities, cannot be quantized; nor can Concats of values that no one grid fits.
void KeepUnseenFloat(const Graph& graph, const CalibrationTable& table, PlaceOptions& place);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_BODY_PLANS_H_
