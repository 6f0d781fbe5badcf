// Nodes that are put in front of one input of a graph.
#ifndef QCONVERT_SRC_TRANSFORM_INPUT_NODES_H_
#define QCONVERT_SRC_TRANSFORM_INPUT_NODES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

// Collects nodes; constants go to the graph at once. All names are new and begin with `prefix`.
class InputNodes {
 public:
  InputNodes(std::string prefix, Graph& graph)
      : prefix_(std::move(prefix)), graph_(graph), names_(graph) {}

  std::string NewName(const std::string& what) { return names_.Make(prefix_ + what); }
  // A node with one output, named as what it writes. Valid until the next one.
  Node& Add(const char* type, std::vector<std::string> inputs);
  std::string Constant(const char* what, Tensor tensor);
  std::string Float(const char* what, float value);  // a scalar
  std::string Cast(const std::string& from, DataType type = DataType::kFloat);
  std::string Transpose(const std::string& from, std::vector<int64_t> order);
  std::string ToNchw(const std::string& nhwc) { return Transpose(nhwc, {0, 3, 1, 2}); }
  std::string Gather(const std::string& from, const std::string& indices, int64_t axis);
  // Of equal shapes or a scalar: "Add", "Mul", "Min", ...
  std::string Apply(const char* type, const std::string& a, const std::string& b) {
    return Add(type, {a, b}).outputs[0];
  }

  std::vector<Node>& nodes() { return nodes_; }

 private:
  const std::string prefix_;
  Graph& graph_;
  NameMaker names_;
  std::vector<Node> nodes_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_INPUT_NODES_H_
