#include "declare_types.h"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "qconvert/base/error.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/transform/infer_symbolic_shapes.h"

namespace qconvert {

void AddKnownTypes(const std::map<std::string, Value, std::less<>>& known, Graph& graph) {
  for (auto& [name, value] : graph.value_info) {
    const auto it = known.find(name);
    if (it == known.end() || it->second.type.element != value.type.element) continue;
    const std::optional<std::vector<Dim>>& said = it->second.type.shape;
    std::optional<std::vector<Dim>>& shape = value.type.shape;
    if (!said || (shape && shape->size() != said->size())) continue;
    const ValueType inferred = value.type;
    if (!shape) shape.emplace(said->size());
    for (size_t d = 0; d < said->size(); ++d) {
      if (!(*shape)[d].is_said()) (*shape)[d] = (*said)[d];
    }
    if (!(value.type == inferred)) graph.declared.insert(name);
  }
}

void DeclareTypes(const std::map<std::string, Value, std::less<>>& known, const std::string& place,
                  Model& model) {
  const auto declared = model.graph.value_info;
  try {
    InferTypes(model, place);
  } catch (const Error&) {
    return;  // formats that the engine does not compute with: what is declared stands
  }
  // What a rewritten value was declared as says more than what it was before.
  AddKnownTypes(declared, model.graph);
  AddKnownTypes(known, model.graph);
  InferSymbolicShapes(model.graph);
  InferBodyTypes(model, place);
}

bool TakeTypes(const std::map<std::string, Value, std::less<>>& known, Graph& graph) {
  std::map<std::string, Value, std::less<>> types;
  for (const Node& node : graph.nodes) {
    if (!SubgraphsOf(node).empty()) return false;
    for (const std::string& value : node.outputs) {
      if (value.empty()) continue;
      const auto it = known.find(value);
      if (it == known.end()) return false;
      types.insert(*it);
    }
  }
  graph.value_info = std::move(types);
  return true;
}

}  // namespace qconvert
