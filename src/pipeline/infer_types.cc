#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "check_indices.h"
#include "derive_type.h"
#include "model_pair.h"
#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/body_graph.h"
#include "qconvert/ir/scope.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

// Shape inference reads small constants (shapes, axes); larger ones matter by their type only.
constexpr int64_t kMaxInferenceConstant = 4096;

// From as many nodes on an engine that is asked for all values takes long: for each node it looks
// through all outputs.
constexpr size_t kManyNodes = 1000;

// Every dimension has a number or a name.
bool IsSaid(const Value& value) {
  const auto& shape = value.type.shape;
  return shape &&
         std::all_of(shape->begin(), shape->end(), [](const Dim& dim) { return dim.is_said(); });
}

// Types that the engine infers for what the nodes write that `is_asked`, outputs included.
std::vector<Value> AskEngine(const Model& model, Graph graph, const std::string& place,
                             const std::function<bool(const Node&)>& is_asked) {
  Model probe;
  probe.ir_version = model.ir_version;
  probe.opsets = model.opsets;
  probe.functions = model.functions;
  probe.graph = std::move(graph);
  probe.graph.value_info.clear();
  UndeclareInitializers(probe);  // else the large ones would be inputs twice
  std::unordered_set<std::string> outputs;
  for (const Value& output : probe.graph.outputs) outputs.insert(output.name);
  for (auto it = probe.graph.initializers.begin(); it != probe.graph.initializers.end();) {
    if (it->second.byte_size() <= kMaxInferenceConstant || outputs.contains(it->first)) {
      ++it;
      continue;
    }
    probe.graph.inputs.push_back({it->first, TypeOf(it->second), {}, {}});
    it = probe.graph.initializers.erase(it);
  }
  for (const Node& node : probe.graph.nodes) {
    if (!is_asked(node)) continue;
    for (const std::string& output : node.outputs) {
      if (!output.empty() && outputs.insert(output).second)
        probe.graph.outputs.push_back({output, {}, {}, {}});
    }
  }
  return OpenOrtSession(SerializeModel(probe), place, {.optimization = OptimizationLevel::kNone})
      ->outputs();
}

// Adds the types that follow from those that are there; false where one does not.
bool DeriveOthers(const Graph& graph, std::vector<Value>& values) {
  std::unordered_map<std::string, ValueType> types;
  for (const Value& input : graph.inputs) types.emplace(input.name, input.type);
  for (const auto& [name, tensor] : graph.initializers)
    types.insert_or_assign(name, TypeOf(tensor));
  for (const Value& value : values) types.insert_or_assign(value.name, value.type);
  const auto type_of = [&](const std::string& value) {
    const auto it = types.find(value);
    return it == types.end() ? nullptr : &it->second;
  };
  for (const Node& node : graph.nodes) {
    if (!MayDerive(node) || types.contains(node.outputs[0])) continue;
    std::optional<ValueType> type = DeriveType(node, type_of);
    if (!type) return false;
    values.push_back({node.outputs[0], *type, {}, {}});
    types.emplace(node.outputs[0], *std::move(type));
  }
  return true;
}

// Whether what follows for outputs is what the file says of them.
bool AreAsDeclared(const Graph& graph, const std::vector<Value>& values) {
  std::unordered_map<std::string_view, const ValueType*> types;
  for (const Value& value : values) types.emplace(value.name, &value.type);
  return std::all_of(graph.outputs.begin(), graph.outputs.end(), [&](const Value& output) {
    const auto found = types.find(output.name);
    if (found == types.end() || output.type.element != found->second->element) return false;
    return !output.type.shape || IsAsSaid(*output.type.shape, *found->second->shape);
  });
}

// Types that the engine infers for every value that a node of `graph` writes, outputs included.
std::vector<Value> InferValues(const Model& model, const Graph& graph, const std::string& place) {
  if (graph.nodes.size() >= kManyNodes &&
      std::all_of(graph.inputs.begin(), graph.inputs.end(), IsSaid)) {
    std::vector<Value> values;
    // Whether the engine takes the model is seen where it runs.
    if (std::all_of(graph.nodes.begin(), graph.nodes.end(), MayDerive) &&
        DeriveOthers(graph, values) && AreAsDeclared(graph, values))
      return values;
    values = AskEngine(model, graph, place, [](const Node& node) { return !MayDerive(node); });
    if (DeriveOthers(graph, values)) return values;
  }
  return AskEngine(model, graph, place, [](const Node& /*node*/) { return true; });
}

void InferBodies(const Model& model, Node& node, const Scope& scope, const std::string& place) {
  ForEachBody(node, scope.way(), [&](Graph& body, const std::string& way) {
    std::optional<Graph> alone = StandAlone(body, scope);
    if (!alone) return;
    std::vector<Value> values;
    try {
      values = InferValues(model, *alone, place);
    } catch (const Error&) {
      return;  // a body may need what only its level has; what its file declares stands
    }
    alone->value_info.clear();  // what is declared may be wrong
    for (const Value& value : values) alone->value_info.emplace(value.name, value);
    CheckConstantIndices(Scope(*alone), place);
    const Scope inner(scope, body, way);
    for (const auto& [name, value] : body.value_info) body.declared.insert(name);
    for (const Value& value : values) {
      if (value.type.is_tensor() && inner.Defines(value.name))
        body.value_info.emplace(value.name, value);
    }
    for (Node& inside : body.nodes) InferBodies(model, inside, inner, place);
  });
}

}  // namespace

void InferTypes(Model& model, const std::string& place) {
  const std::vector<Value> values = InferValues(model, model.graph, place);
  model.graph.value_info.clear();
  for (const Value& value : values) model.graph.value_info[value.name] = value;
  CheckConstantIndices(Scope(model.graph), place);
}

void InferBodyTypes(Model& model, const std::string& place) {
  const Scope main(model.graph);
  for (Node& node : model.graph.nodes) InferBodies(model, node, main, place);
}

}  // namespace qconvert
