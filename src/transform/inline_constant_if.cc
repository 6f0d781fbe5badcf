#include "qconvert/transform/inline_constant_if.h"

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

class IfInliner {
 public:
  explicit IfInliner(Graph& graph) : graph_(graph), names_(graph) {
    for (const Value& input : graph.inputs) defined_.insert(input.name);
    for (const auto& [name, tensor] : graph.initializers) defined_.insert(name);
    for (const Node& node : graph.nodes) defined_.insert(node.outputs.begin(), node.outputs.end());
  }

  size_t Run() {
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (Node& node : nodes) Emit(std::move(node));
    return inlined_;
  }

 private:
  // The branch that an If always takes, or nullptr.
  Graph* TakenBranch(Node& node) const {
    if (!node.Is("If") || node.inputs.size() != 1) return nullptr;
    const Tensor* condition = graph_.FindInitializer(node.inputs[0]);
    if (condition == nullptr || condition->type != DataType::kBool ||
        condition->element_count() != 1)
      return nullptr;
    const bool taken = condition->values<uint8_t>()[0] != 0;
    const auto it = node.attributes.find(taken ? "then_branch" : "else_branch");
    auto* branch = it == node.attributes.end() ? nullptr : std::get_if<Subgraph>(&it->second.data);
    const bool fits = branch != nullptr && branch->graph().sparse_initializers.empty() &&
                      branch->graph().outputs.size() == node.outputs.size();
    return fits ? &branch->graph() : nullptr;
  }

  void Emit(Node node) {
    Graph* branch = TakenBranch(node);
    if (branch == nullptr) {
      graph_.nodes.push_back(std::move(node));
      return;
    }
    ++inlined_;
    Rename(*branch);
    for (auto& [name, tensor] : branch->initializers) {
      tensor.name = name;
      graph_.initializers.insert_or_assign(name, std::move(tensor));
    }
    SortNodes(*branch);
    for (Node& inner : branch->nodes) Emit(std::move(inner));
    // By Identity: what the branch gives may come from outside of it, or be two outputs at once.
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (!node.outputs[i].empty())
        graph_.nodes.push_back(MakeNode("Identity", {branch->outputs[i].name}, {node.outputs[i]}));
    }
  }

  // Gives what the branch defines names that the main level lacks.
  void Rename(Graph& branch) {
    std::unordered_map<std::string, std::string> renames;
    const auto define = [&](const std::string& name) {
      // Who defines a name first keeps it.
      if (name.empty() || defined_.insert(name).second) return;
      const std::string fresh = names_.Make(name + "_");
      defined_.insert(fresh);
      renames.emplace(name, fresh);
    };
    for (const auto& [name, tensor] : branch.initializers) define(name);
    for (const Node& node : branch.nodes) {
      for (const std::string& output : node.outputs) define(output);
    }
    RenameDefined(branch, renames);
  }

  Graph& graph_;
  NameMaker names_;
  std::unordered_set<std::string> defined_;
  size_t inlined_ = 0;
};

}  // namespace

size_t InlineConstantIf(Graph& graph) { return IfInliner(graph).Run(); }

}  // namespace qconvert
