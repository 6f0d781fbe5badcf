#include "qconvert/ir/graph.h"

#include <algorithm>
#include <utility>

namespace qconvert {
namespace {

template <typename T>
const T* FindAttribute(const Node& node, std::string_view key) {
  const auto it = node.attributes.find(key);
  // A reference has no value here: the caller of the function gives it.
  if (it == node.attributes.end() || !it->second.reference.empty()) return nullptr;
  return std::get_if<T>(&it->second.data);
}

bool Contains(const std::vector<Value>& values, std::string_view name) {
  return std::any_of(values.begin(), values.end(), [&](const Value& v) { return v.name == name; });
}

// NodeT is Node or const Node; the result points to Graph or const Graph alike.
template <typename GraphT, typename NodeT>
std::vector<GraphT*> CollectSubgraphs(NodeT& node) {
  std::vector<GraphT*> out;
  for (auto& [key, attribute] : node.attributes) {
    if (auto* one = std::get_if<Subgraph>(&attribute.data)) out.push_back(&one->graph());
    if (auto* many = std::get_if<std::vector<Subgraph>>(&attribute.data)) {
      for (auto& subgraph : *many) out.push_back(&subgraph.graph());
    }
  }
  return out;
}

}  // namespace

Subgraph::Subgraph(Graph graph) : graph_(std::make_unique<Graph>(std::move(graph))) {}
Subgraph::Subgraph(const Subgraph& other) : graph_(std::make_unique<Graph>(*other.graph_)) {}
Subgraph::Subgraph(Subgraph&& other) noexcept = default;
// By value: the copy is made before what was there goes, which may hold it.
Subgraph& Subgraph::operator=(Subgraph other) noexcept {
  graph_ = std::move(other.graph_);
  return *this;
}
Subgraph::~Subgraph() = default;

const std::string& Node::input(size_t i) const {
  // A reference has to lead somewhere: omitted and missing inputs share one empty name.
  static const std::string kNone;
  return i < inputs.size() ? inputs[i] : kNone;
}

int64_t Node::GetInt(std::string_view key, int64_t fallback) const {
  const auto* value = FindAttribute<int64_t>(*this, key);
  return value != nullptr ? *value : fallback;
}

float Node::GetFloat(std::string_view key, float fallback) const {
  const auto* value = FindAttribute<float>(*this, key);
  return value != nullptr ? *value : fallback;
}

std::string Node::GetString(std::string_view key, std::string_view fallback) const {
  const auto* value = FindAttribute<std::string>(*this, key);
  return value != nullptr ? *value : std::string(fallback);
}

const std::vector<int64_t>* Node::FindInts(std::string_view key) const {
  return FindAttribute<std::vector<int64_t>>(*this, key);
}

const Tensor* Graph::FindInitializer(std::string_view value) const {
  const auto it = initializers.find(value);
  return it == initializers.end() ? nullptr : &it->second;
}

bool OnlyReshapes(const Node& node) {
  return node.Is("Reshape") || node.Is("Flatten") || node.Is("Squeeze") || node.Is("Unsqueeze");
}

bool Graph::IsInput(std::string_view value) const { return Contains(inputs, value); }
bool Graph::IsOutput(std::string_view value) const { return Contains(outputs, value); }

int64_t Model::opset() const {
  const auto it = opsets.find("");
  return it == opsets.end() ? 0 : it->second;
}

Node MakeNode(std::string op_type, std::vector<std::string> inputs,
              std::vector<std::string> outputs) {
  Node node;
  node.op_type = std::move(op_type);
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  return node;
}

ValueType TypeOf(const Tensor& tensor) {
  ValueType type{tensor.type, std::vector<Dim>{}, {}};
  for (const int64_t dim : tensor.dims) type.shape->push_back({dim, {}});
  return type;
}

void DropInferredTypes(Graph& graph) {
  std::erase_if(graph.value_info,
                [&](const auto& item) { return !graph.declared.contains(item.first); });
  for (Node& node : graph.nodes) {
    for (Graph* subgraph : SubgraphsOf(node)) DropInferredTypes(*subgraph);
  }
}

std::vector<Graph*> SubgraphsOf(Node& node) { return CollectSubgraphs<Graph>(node); }
std::vector<const Graph*> SubgraphsOf(const Node& node) {
  return CollectSubgraphs<const Graph>(node);
}

}  // namespace qconvert
