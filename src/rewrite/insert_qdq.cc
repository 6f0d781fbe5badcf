#include "qconvert/rewrite/insert_qdq.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "insert_level.h"
#include "qconvert/base/check.h"
#include "qconvert/ir/body_graph.h"
#include "share_constants.h"

namespace qconvert {
namespace {

class Inserter {
 public:
  Inserter(const QuantizationPlan& plan, int64_t opset, std::shared_ptr<NameMaker> names)
      : plan_(plan), opset_(opset), names_(std::move(names)) {}

  // Inner bodies first: weights that a body has as codes are no longer read from outside. True when
  // some body was rewritten.
  bool RewriteBodies(Graph& graph, const Scope& scope) {
    bool rewritten = false;
    for (Node& node : graph.nodes) {
      ForEachBody(node, scope.way(), [&](Graph& body, const std::string& way) {
        const bool inside = RewriteBodies(body, Scope(scope, body, way));
        const auto plan = plan_.bodies.find(way);
        const bool itself = plan != plan_.bodies.end() && !plan->second.integer_nodes.empty();
        if (itself) {
          Rewrite(plan->second, scope, body);
        } else if (inside) {
          RemoveDeadNodes(body);
        }
        rewritten |= itself || inside;
      });
    }
    return rewritten;
  }

  void RewriteLevel(const QuantizationPlan& plan, Graph& graph) {
    std::set<std::string> before;
    for (const auto& [name, tensor] : graph.initializers) before.insert(name);
    used_foreign_domain_ |= InsertLevel(graph, opset_, plan, names_);
    for (const auto& [name, tensor] : graph.initializers)
      if (!before.contains(name)) made_.insert(name);
  }

  bool used_foreign_domain() const { return used_foreign_domain_; }
  // Constants that the rewriting made, on any level.
  const std::set<std::string>& made() const { return made_; }

 private:
  void Rewrite(const QuantizationPlan& plan, const Scope& outer, Graph& body) {
    // A body that cannot stand alone is float, and does not get here.
    std::optional<Graph> alone = StandAlone(body, outer);
    QCONVERT_CHECK(alone.has_value());
    RewriteLevel(plan, *alone);
    PutBack(*std::move(alone), body);
  }

  const QuantizationPlan& plan_;
  int64_t opset_;
  std::shared_ptr<NameMaker> names_;
  std::set<std::string> made_;
  bool used_foreign_domain_ = false;
};

}  // namespace

void InsertQdq(Model& model, const QuantizationPlan& plan) {
  Inserter inserter(plan, model.opset(), std::make_shared<NameMaker>(model.graph));
  const bool has_bodies =
      !plan.bodies.empty() && inserter.RewriteBodies(model.graph, Scope(model.graph));
  inserter.RewriteLevel(plan, model.graph);
  if (has_bodies) ShareConstants(model.graph, inserter.made());
  // An import that is there keeps its version.
  if (inserter.used_foreign_domain()) model.opsets.emplace("com.microsoft", 1);
}

}  // namespace qconvert
