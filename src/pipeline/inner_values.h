// Values inside two models that can be compared with each other.
#ifndef QCONVERT_SRC_PIPELINE_INNER_VALUES_H_
#define QCONVERT_SRC_PIPELINE_INNER_VALUES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/cost_model.h"

namespace qconvert {

// A value of one name in both models, and where its readers see it in each.
struct InnerValue {
  std::string name;
  std::string op_type;  // of its producer in the first
  std::string shown_a;  // behind QuantizeLinear -> DequantizeLinear where it is quantized
  std::string shown_b;
};

// What the readers of `value` see: the first DequantizeLinear behind the first QuantizeLinear that
// reads it; else itself.
std::string SeenByReaders(const Graph& graph, const Topology& topology, const std::string& value);

// Values of `sizes` (float32, of the first model) that top-level nodes write in both models and
// that are an output of neither, in the order of the first model's nodes. Linear in nodes.
std::vector<InnerValue> MatchInnerValues(const Graph& a, const Graph& b, const ValueSizes& sizes);

// Cuts them into groups of consecutive ones that have at most `bytes` together, or are one value.
std::vector<std::vector<InnerValue>> GroupBySize(const std::vector<InnerValue>& values,
                                                 const ValueSizes& sizes, size_t bytes);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_INNER_VALUES_H_
