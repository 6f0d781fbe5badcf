#include "input_nodes.h"

#include <array>
#include <utility>

namespace qconvert {

Node& InputNodes::Add(const char* type, std::vector<std::string> inputs) {
  Node& node = nodes_.emplace_back(MakeNode(type, std::move(inputs), {NewName(type)}));
  node.name = node.outputs[0];
  return node;
}

std::string InputNodes::Constant(const char* what, Tensor tensor) {
  tensor.name = NewName(what);
  std::string name = tensor.name;
  graph_.initializers.emplace(name, std::move(tensor));
  return name;
}

std::string InputNodes::Float(const char* what, float value) {
  return Constant(what, MakeFloatTensor("", {}, std::array{value}));
}

std::string InputNodes::Cast(const std::string& from, DataType type) {
  Node& cast = Add("Cast", {from});
  cast.Set("to", static_cast<int64_t>(type));
  return cast.outputs[0];
}

std::string InputNodes::Transpose(const std::string& from, std::vector<int64_t> order) {
  Node& transpose = Add("Transpose", {from});
  transpose.Set("perm", std::move(order));
  return transpose.outputs[0];
}

std::string InputNodes::Gather(const std::string& from, const std::string& indices, int64_t axis) {
  Node& gather = Add("Gather", {from, indices});
  gather.Set("axis", axis);
  return gather.outputs[0];
}

}  // namespace qconvert
