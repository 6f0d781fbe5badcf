// Horizon's layerwise_search with a qtype: the nodes that lose most get more bits.
#ifndef QCONVERT_SRC_PIPELINE_SEARCH_NODES_H_
#define QCONVERT_SRC_PIPELINE_SEARCH_NODES_H_

#include <set>
#include <string>

#include "measure_plan.h"
#include "qconvert/plan/placement.h"

namespace qconvert {

// Measures each integer node without settings of its own alone, all others in float, on a few of
// the comparer's samples, and gives those whose worst output is furthest from the float model's by
// the metric of `inputs.settings.config.node_search` its bit widths and datatypes: an entry in
// `inputs.settings`, and `place.keep_float` where it asks for floats. As many as the search
// says, else 1, 2, 4, ... until the whole model is as near as it says, or all. Costs a run of these
// samples for each node. Nothing without such a search.
void SearchNodes(PlanInputs& inputs, const std::set<std::string>& wide_weights,
                 PlaceOptions& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SEARCH_NODES_H_
