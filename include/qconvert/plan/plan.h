// What was decided: which nodes compute on integers, and the parameters of every quantized value.
//
// Made in two steps around calibration: PlaceNodes says what to quantize and so what to observe;
// MakePlan turns the calibration table into parameters. Both are pure functions; the plan can be
// printed and tested without an engine.
#ifndef QCONVERT_PLAN_PLAN_H_
#define QCONVERT_PLAN_PLAN_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "qconvert/calibration/calibration_table.h"
#include "qconvert/ir/graph.h"
#include "qconvert/numbers/quant_params.h"
#include "qconvert/plan/cost_model.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/targets/op_rules.h"

namespace qconvert {

enum class NodeDomain {
  kFloat,
  kInteger,
  kFused,  // an activation or bias Add computed by the integer node before it
  kOther,  // does not compute on float tensors
};

struct NodePlacement {
  NodeDomain domain = NodeDomain::kOther;
  std::string reason;  // why float
  // Of an integer node: the nodes fused behind it, in order (a bias Add after MatMul; then Relu or
  // Clip).
  std::vector<size_t> tail;
  size_t bias_add = static_cast<size_t>(-1);  // index into graph.nodes of that Add, or npos
  std::string output;  // the value that the unit (node and tail) writes first
};

struct Placement {
  std::vector<NodePlacement> nodes;  // as graph.nodes
  // Quantized value -> the value whose statistics decide its parameters (itself, or the input of
  // the movement operators it went through).
  std::map<std::string, std::string> roots;
  // Values that integer nodes write; all others in `roots` are written by float nodes or are graph
  // inputs.
  std::set<std::string> integer_values;
  // Estimated time of the nodes that an integer kernel takes, with conversions: as placed, and all
  // in float.
  double chosen_ns = 0;
  double float_ns = 0;

  bool IsQuantized(const std::string& value) const { return roots.contains(value); }
  // The distinct roots in order: what calibration has to observe.
  std::vector<std::string> Observed() const;
};

// What decides, among nodes that an integer kernel takes.
enum class PlaceBy {
  kKernels,  // the kernel alone: all of them are integer
  kWeights,  // nodes with weights are integer, the others where that saves time around them
  kTime,     // every node is integer where that saves time
};

struct PlaceOptions {
  // Values that must not be quantized (they hold infinities, say); nodes that would need them stay
  // float.
  std::set<std::string> blocked;
  // Nodes (indices into graph.nodes) that must stay float, with the reason.
  std::map<size_t, std::string> keep_float;
  PlaceBy place_by = PlaceBy::kWeights;
  // The estimated time of integer nodes with weights is multiplied by this; below 1 integers are
  // preferred where both take about the same time.
  double favor = 1;
  // Elements of each value, for the estimates; see CostModel.
  ValueSizes sizes;
};

// Decides which nodes compute on integers: of all the ways to place the nodes that an integer
// kernel takes, the one of least estimated time, kernels and conversions between floats and
// integers together (a minimum cut, min_cut.h). A movement node can be integer only behind an
// integer node. More nodes in `keep_float` never make another node integer that was not. Needs
// sorted nodes and types in value_info.
Placement PlaceNodes(const Graph& graph, const PlaceOptions& options);

// Parameters of one quantized value and where they came from.
struct ValuePlan {
  QuantParams params;
  Range range;
  std::string root;    // whose statistics
  std::string method;  // DescribeMethod of its settings, or "fixed"
};

struct QuantizationPlan {
  Placement placement;
  std::map<std::string, ValuePlan> values;
};

// Values with infinities in the table: they cannot be quantized.
std::set<std::string> NonFiniteValues(const CalibrationTable& table);

// Parameters for every quantized value of the placement. Throws Error(kNumeric) when a symmetric
// unsigned setting meets negative values.
QuantizationPlan MakePlan(const Graph& graph, Placement placement, const CalibrationTable& table,
                          const ModelSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_PLAN_H_
