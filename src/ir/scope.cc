#include "qconvert/ir/scope.h"

#include <utility>

#include "qconvert/ir/value_types.h"

namespace qconvert {

Scope::Scope(const Scope* outer, const Graph& graph, std::string way)
    : outer_(outer), graph_(graph), way_(std::move(way)) {
  for (const Value& input : graph.inputs) defined_.insert(input.name);
  for (const auto& [name, tensor] : graph.initializers) defined_.insert(name);
  for (const SparseTensor& sparse : graph.sparse_initializers) defined_.insert(sparse.values.name);
  for (const Node& node : graph.nodes) defined_.insert(node.outputs.begin(), node.outputs.end());
  // Omitted outputs have this name.
  defined_.erase("");
}

bool Scope::Defines(std::string_view value) const { return defined_.contains(value); }

const Scope* Scope::FindDefining(std::string_view value) const {
  const Scope* scope = this;
  while (scope != nullptr && !scope->Defines(value)) scope = scope->outer_;
  return scope;
}

const Tensor* Scope::FindInitializer(std::string_view value) const {
  const Scope* scope = FindDefining(value);
  return scope == nullptr ? nullptr : scope->graph_.FindInitializer(value);
}

std::optional<ValueType> Scope::FindType(std::string_view value) const {
  const Scope* scope = FindDefining(value);
  if (scope == nullptr) return std::nullopt;
  const Graph& graph = scope->graph_;
  // A constant has the type that it has, whatever the file declares.
  if (const Tensor* tensor = graph.FindInitializer(value)) return TypeOf(*tensor);
  const ValueType* type = FindValueType(graph, value);
  return type == nullptr ? std::nullopt : std::optional(*type);
}

}  // namespace qconvert
