// Which nodes compute on integers, and so which values have codes.
#ifndef QCONVERT_PLAN_PLACEMENT_H_
#define QCONVERT_PLAN_PLACEMENT_H_

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/cost_model.h"
#include "qconvert/targets/fusions.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/target.h"

namespace qconvert {

enum class NodeDomain {
  kFloat,
  kInteger,
  kFused,  // an activation or bias Add computed by the integer node before it
  kOther,  // does not compute on float tensors
};

struct NodePlacement {
  NodeDomain domain = NodeDomain::kOther;
  std::string reason;             // why float
  FusedUnit unit;                 // of an integer node: what is fused behind it
  std::set<size_t> float_inputs;  // of an integer node: values that it reads in float
};

struct Placement {
  std::vector<NodePlacement> nodes;  // as graph.nodes
  // Quantized value -> the value whose statistics decide its parameters (itself, or the input of
  // the movement operators it went through).
  std::map<std::string, std::string> roots;
  // Values that integer nodes write; all others in `roots` are written by float nodes or are graph
  // inputs.
  std::set<std::string> integer_values;
  // What the nodes that an integer kernel takes consist of, with conversions: as placed, and all in
  // float; and the times of that, estimated by the table that decided.
  CostCounts chosen;
  CostCounts in_float;
  double chosen_ns = 0;
  double float_ns = 0;
  // Of the bodies that were told of, by the way to them; their times count above.
  std::map<std::string, Placement> bodies = {};

  bool IsQuantized(const std::string& value) const { return roots.contains(value); }
  // The distinct roots in order: what calibration has to observe.
  std::vector<std::string> Observed() const;
};

struct BodyPlacing;

// What decides, among nodes that an integer kernel takes.
enum class PlaceBy {
  kKernels,  // the kernel alone: all of them are integer
  kWeights,  // nodes with weights are integer, the others where that saves time around them
  kTime,     // every node is integer where that saves time
};

struct PlaceOptions {
  // Values that must not be quantized, with the reason behind "its input": nodes that would need
  // them stay float.
  std::map<std::string, std::string> blocked;
  // Nodes (indices into graph.nodes) that must stay float, with the reason.
  std::map<size_t, std::string> keep_float;
  PlaceBy place_by = PlaceBy::kWeights;
  // Elements of each value, for the estimates; see CostModel.
  ValueSizes sizes;
  const Target* target = &kCpuTarget;
  CostTable costs = kAvx2Costs;
  // Bodies of If, Loop and Scan (ir/body_graph.h), by the way to them: what stands in no entry is
  // not looked at.
  std::map<std::string, std::shared_ptr<const BodyPlacing>> bodies = {};
};

// A body is placed as a graph of its own: what it reads of outer levels, and what comes in and goes
// out, are floats at its border.
struct BodyPlacing {
  Graph graph;
  PlaceOptions options;  // without bodies
  double runs = 1;       // of the body, in one of the model
};

// Decides which nodes compute on integers: of all the ways to place the nodes that an integer
// kernel takes, the one of least estimated time, kernels and conversions between floats and
// integers together (a minimum cut, min_cut.h). A movement node can be integer only behind an
// integer node. For a target that has
// pairs on inputs alone (PairPlacement::kInputs) all nodes of its table are integer, and what they
// write is not quantized. More nodes in `keep_float` never make another node integer that was not.
// Bodies are placed each for itself.
// Needs sorted nodes and types in value_info.
Placement PlaceNodes(const Graph& graph, const PlaceOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_PLACEMENT_H_
