// A plan file held against its model.
#ifndef QCONVERT_PLAN_READ_PLAN_H_
#define QCONVERT_PLAN_READ_PLAN_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "qconvert/config/plan_file.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

struct PlanReading {
  QuantizationPlan plan;                         // without codes of weights
  std::map<size_t, const FileNode*> node_files;  // node -> its entry
  // The same of bodies, by the way to them.
  std::map<std::string, std::map<size_t, const FileNode*>> body_files;
  ConfigProblems problems;
  std::vector<std::string> warnings;
};

// What MakePlan decided when the file was written, after edits too: nodes that the file has float
// stay float, all others are integer, and PlaceNodes says whether a kernel takes them. `graph` is
// prepared as the file says. A body that the file has no nodes of stays as it is. Never throws for
// what the file says: tells `problems` where a name is unknown, an entry is missing, a node cannot
// compute as it should, parameters that must be equal differ; then the plan is not complete. The
// result points into `file`.
PlanReading ReadPlan(const Graph& graph, const PlanFile& file);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_READ_PLAN_H_
