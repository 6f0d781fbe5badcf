#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

bool IsHalf(const ValueType& type) { return type.element == DataType::kFloat16; }

Tensor Widen(const Tensor& tensor) {
  return MakeFloatTensor(tensor.name, tensor.dims, ToFloats(tensor));
}

Node CastNode(const std::string& from, const std::string& to, DataType type) {
  Node node = MakeNode("Cast", {from}, {to});
  node.Set("to", static_cast<int64_t>(type));
  return node;
}

bool CanWiden(const Model& model) {
  const Graph& graph = model.graph;
  const bool has_half =
      std::any_of(graph.initializers.begin(), graph.initializers.end(),
                  [](const auto& item) { return item.second.type == DataType::kFloat16; }) ||
      std::any_of(graph.inputs.begin(), graph.inputs.end(),
                  [](const Value& v) { return IsHalf(v.type); });
  return has_half && model.functions.empty() &&
         std::all_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) {
           return node.domain.empty() && SubgraphsOf(node).empty() && !node.Is("QuantizeLinear") &&
                  !node.Is("DequantizeLinear");
         });
}

void WidenAttributes(Node& node) {
  for (auto& [key, attribute] : node.attributes) {
    if (auto* tensor = std::get_if<Tensor>(&attribute.data);
        tensor != nullptr && tensor->type == DataType::kFloat16) {
      attribute.data = Widen(*tensor);
    }
    auto* number = std::get_if<int64_t>(&attribute.data);
    const bool names_type = key == "to" || key == "dtype";
    if (names_type && number != nullptr && *number == static_cast<int64_t>(DataType::kFloat16)) {
      *number = static_cast<int64_t>(DataType::kFloat);
    }
  }
}

}  // namespace

bool WidenFloat16(Model& model) {
  if (!CanWiden(model)) return false;
  Graph& graph = model.graph;
  NameMaker names(graph);
  std::vector<Node> casts_in;
  std::vector<Node> casts_out;
  std::unordered_map<std::string, std::string> renames;
  for (const Value& input : graph.inputs) {
    if (!IsHalf(input.type)) continue;
    const std::string wide = names.Make("wide");
    casts_in.push_back(CastNode(input.name, wide, DataType::kFloat));
    renames.emplace(input.name, wide);
  }
  RenameUses(graph, renames);
  std::unordered_map<std::string, std::string> wide_outputs;
  for (const Value& output : graph.outputs) {
    // An input that is handed on keeps its type.
    if (!IsHalf(output.type) || graph.IsInput(output.name)) continue;
    const std::string wide = names.Make("wide");
    casts_out.push_back(CastNode(wide, output.name, DataType::kFloat16));
    wide_outputs.emplace(output.name, wide);
  }
  // A constant may be an output itself: then a node is to write its name.
  for (const auto& [name, wide] : wide_outputs) {
    auto constant = graph.initializers.extract(name);
    if (constant.empty()) continue;
    constant.key() = constant.mapped().name = wide;
    graph.initializers.insert(std::move(constant));
  }
  for (Node& node : graph.nodes) {
    // Readers of an output inside of the model get the wide value too.
    for (auto* names_of : {&node.inputs, &node.outputs}) {
      for (std::string& name : *names_of) {
        const auto it = wide_outputs.find(name);
        if (it != wide_outputs.end()) name = it->second;
      }
    }
  }
  for (auto& [name, tensor] : graph.initializers) {
    if (tensor.type == DataType::kFloat16) tensor = Widen(tensor);
  }
  for (Node& node : graph.nodes) WidenAttributes(node);
  std::vector<Node> nodes = std::move(casts_in);
  for (auto* list : {&graph.nodes, &casts_out}) {
    for (Node& node : *list) nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  // They still say float16.
  graph.value_info.clear();
  return true;
}

}  // namespace qconvert
