// What ONNX Runtime makes of constants before it looks for kernels.
#ifndef QCONVERT_TARGETS_CONSTANT_READERS_H_
#define QCONVERT_TARGETS_CONSTANT_READERS_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

// What the engine computes once, when it loads the model: constants of constants, but for what
// comes out of a DequantizeLinear. Needs sorted nodes.
std::set<std::string> FindFoldedValues(const Graph& graph, const Topology& topology);

// By then the engine (1.28.0, measured) has one constant for equal floats of one number, none for
// what it folds, and a DequantizeLinear for each reader of one. Bodies do not count. Valid until
// the graph changes; needs sorted nodes.
class ConstantReaders {
 public:
  ConstantReaders(const Graph& graph, const Topology& topology);

  size_t Count(const std::string& constant) const;

 private:
  using Number = std::tuple<DataType, size_t, float>;  // type, rank, value
  const Graph& graph_;
  std::unordered_map<std::string, size_t> by_name_;
  std::map<Number, size_t> by_number_;
};

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_CONSTANT_READERS_H_
