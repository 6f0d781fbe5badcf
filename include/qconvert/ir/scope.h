// Names across the levels of a model: the bodies of If, Loop and Scan and the graphs around them.
#ifndef QCONVERT_IR_SCOPE_H_
#define QCONVERT_IR_SCOPE_H_

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// One level of a model. A value of a model is named by its way and its name: the way of the main
// graph is "", that of a body is the way of the level around it + "NODE/ATTRIBUTE/" (+ "I/" where
// the attribute holds several graphs). Look-ups walk outwards and end at the first level that
// defines the name, as ONNX's rules of visibility do. Outer levels must outlive the inner ones;
// valid until a graph on the way changes.
class Scope {
 public:
  explicit Scope(const Graph& graph) : Scope(nullptr, graph, "") {}
  Scope(const Scope& outer, const Graph& body, std::string way)
      : Scope(&outer, body, std::move(way)) {}

  const Graph& graph() const { return graph_; }
  const std::string& way() const { return way_; }
  // How the value is named in the whole model.
  std::string FullName(std::string_view value) const { return way_ + std::string(value); }
  // True when this very level defines the value: as input, initializer or output of a node.
  bool Defines(std::string_view value) const;
  // The level, this one or around it, that defines the value; null when none does.
  const Scope* FindDefining(std::string_view value) const;
  // The initializer that a reader on this level gets, or nullptr.
  const Tensor* FindInitializer(std::string_view value) const;
  // The type that a reader on this level sees: of an initializer, declared or inferred; nothing
  // when unknown.
  std::optional<ValueType> FindType(std::string_view value) const;

 private:
  Scope(const Scope* outer, const Graph& graph, std::string way);

  const Scope* outer_;
  const Graph& graph_;
  std::string way_;
  std::unordered_set<std::string_view> defined_;
};

// What a node is called: its name, or else its first output.
inline const std::string& LabelOf(const Node& node) {
  return node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name;
}

// Calls `visit(body, way)` for each body that a node on the level of `way` holds.
template <typename NodeT, typename Visit>
void ForEachBody(NodeT& node, const std::string& way, const Visit& visit) {
  for (auto& [key, attribute] : node.attributes) {
    const std::string inner = way + LabelOf(node) + "/" + key + "/";
    if (auto* one = std::get_if<Subgraph>(&attribute.data)) visit(one->graph(), inner);
    if (auto* many = std::get_if<std::vector<Subgraph>>(&attribute.data)) {
      for (size_t i = 0; i < many->size(); ++i)
        visit((*many)[i].graph(), inner + std::to_string(i) + "/");
    }
  }
}

}  // namespace qconvert

#endif  // QCONVERT_IR_SCOPE_H_
