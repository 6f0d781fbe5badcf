#include "qconvert/report/picked_values.h"

#include "data_flow.h"

namespace qconvert {

std::set<std::string> FindPickedValues(const Graph& graph) { return DataFlow(graph).picked(); }

}  // namespace qconvert
