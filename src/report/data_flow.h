// What inner values are computed from.
#ifndef QCONVERT_SRC_REPORT_DATA_FLOW_H_
#define QCONVERT_SRC_REPORT_DATA_FLOW_H_

#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// What a node reads, with what its bodies capture.
std::vector<std::string> ReadValues(const Node& node);

// Facts about every value, from the inputs on. Integer inputs are the same for both models. Linear
// in nodes.
class DataFlow {
 public:
  explicit DataFlow(const Graph& graph);

  // Its content is computed from floating-point data.
  bool IsComputed(const std::string& value) const { return from_floats_.contains(value); }
  // Its shape depends on such content (FindDataShapedValues).
  const std::set<std::string>& data_shaped() const { return data_shaped_; }
  // What stands where is decided by comparing such content (FindPickedValues).
  const std::set<std::string>& picked() const { return picked_; }

 private:
  void Visit(const Node& node);
  void Pick(const Node& node, bool reads_picked);
  bool IsShapedByData(const Node& node) const;

  const Graph& graph_;
  std::unordered_set<std::string> from_floats_;
  std::set<std::string> data_shaped_;
  std::set<std::string> picked_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_DATA_FLOW_H_
