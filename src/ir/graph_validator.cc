#include "qconvert/ir/graph_validator.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/newest_opset.h"
#include "qconvert/ir/operator_checks.h"
#include "qconvert/ir/sorted.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

constexpr int64_t kMaxIrVersion = 14;
constexpr int kMaxFunctionDepth = 32;

using NameSet = std::unordered_set<std::string>;
// Domain, name and overload, of the model's own strings: a function, and what a node calls.
using FunctionKey = std::tuple<std::string_view, std::string_view, std::string_view>;

FunctionKey KeyOf(const Function& function) {
  return {function.domain, function.name, function.overload};
}
FunctionKey KeyOf(const Node& node) { return {node.domain, node.op_type, node.overload}; }

std::string Describe(const Node& node) {
  if (!node.name.empty()) return fmt::format("node \"{}\" ({})", node.name, node.op_type);
  if (!node.outputs.empty())
    return fmt::format("node writing \"{}\" ({})", node.outputs[0], node.op_type);
  return fmt::format("a node of type {}", node.op_type);
}

// Names of one level; those of the levels around it are looked up there, never copied.
struct Visible {
  const Visible* outer = nullptr;
  const Graph* graph = nullptr;
  NameSet names;

  bool Has(const std::string& name) const {
    for (const Visible* level = this; level != nullptr; level = level->outer) {
      if (level->names.contains(name)) return true;
    }
    return false;
  }
  // The initializer that `name` stands for, or nullptr.
  const Tensor* FindInitializer(const std::string& name) const {
    // The search ends at the first level that has the name: an inner value hides an outer constant.
    const Visible* level = this;
    while (level != nullptr && !level->names.contains(name)) level = level->outer;
    return level == nullptr || level->graph == nullptr ? nullptr
                                                       : level->graph->FindInitializer(name);
  }
};

// A node in a subgraph is loaded by the engine twice as often as the one that holds it: 4 us each.
constexpr size_t kMaxLoads = 2'000'000;

// What functions and subgraphs grow to, up to one more than may be.
struct InlinedSize {
  size_t nodes = 0;
  size_t loads = 0;

  void Add(const InlinedSize& inner, size_t times) {
    nodes = std::min(nodes + inner.nodes, kMaxNodes + 1);
    loads = std::min(loads + times * inner.loads, kMaxLoads + 1);
  }
};

class Validator {
 public:
  Validator(const Model& model, const std::string& place) : model_(model), place_(place) {}

  void Run() {
    CheckVersions();
    for (const Function& function : model_.functions) {
      if (!functions_.emplace(KeyOf(function), &function).second)
        Fail(fmt::format("function \"{}:{}\" is defined twice", function.domain, function.name));
    }
    if (model_.graph.outputs.empty()) Fail("the graph has no outputs");
    for (const Value& input : model_.graph.inputs) {
      // Sequences and maps may come in as well, but not without a word of what they are.
      if (!input.type.is_tensor() && input.type.opaque.empty()) {
        Fail(fmt::format("graph input \"{}\" has no type", input.name));
      }
    }
    CheckGraph(model_.graph, nullptr, model_.opsets, 1);
    for (const Function& function : model_.functions) CheckFunction(function);
    CheckFunctionCalls();
    CheckInlinedSize();
  }

 private:
  [[noreturn]] void Fail(const std::string& message) const {
    throw Error(ExitCode::kModel, place_, message);
  }

  // What `node` calls, or nullptr where it is an operator.
  const Function* FindFunction(const Node& node) const {
    if (functions_.empty()) return nullptr;
    const auto it = functions_.find(KeyOf(node));
    return it == functions_.end() ? nullptr : it->second;
  }

  // What a function does not declare would be read from nowhere once its body stands there.
  void CheckCall(const Node& node) const {
    const Function* function = FindFunction(node);
    if (function == nullptr) return;
    const auto check = [&](const char* what, size_t given, size_t declared) {
      if (given <= declared) return;
      Fail(fmt::format("{} has {} {}, but its function declares {}", Describe(node), given, what,
                       declared));
    };
    check("inputs", node.inputs.size(), function->inputs.size());
    check("outputs", node.outputs.size(), function->outputs.size());
  }

  void CheckVersions() {
    if (model_.ir_version <= 0) Fail("has no ir_version, expected an ONNX model");
    if (model_.ir_version > kMaxIrVersion) {
      Fail(fmt::format("has IR version {}, expected at most {}", model_.ir_version, kMaxIrVersion));
    }
    if (model_.opsets.empty()) Fail("has no opset_import");
    CheckOpset(model_.opsets);
  }

  void CheckOpset(const std::map<std::string, int64_t>& opsets) const {
    for (const auto& [domain, version] : opsets) {
      // Engines count the versions of other domains in 32 bits.
      const int64_t newest = domain.empty() ? kNewestOpset : std::numeric_limits<int32_t>::max();
      if (version < 1 || version > newest) {
        Fail(fmt::format("imports opset {} of domain \"{}\", expected 1 to {}", version,
                         domain.empty() ? "ai.onnx" : domain, newest));
      }
    }
  }

  // `outer`: names of outer levels.
  void CheckGraph(const Graph& graph, const Visible* outer,
                  const std::map<std::string, int64_t>& opsets, int depth) {
    if (depth > kMaxGraphDepth) {
      Fail(fmt::format("subgraphs are nested deeper than {} levels", kMaxGraphDepth));
    }
    CheckInterface(graph);
    Visible visible{outer, &graph, {}};
    const auto declare = [&](const std::string& name) { return visible.names.insert(name).second; };
    for (const Value& input : graph.inputs) declare(input.name);
    // An initializer may be an input too, as its default: that is no second writing.
    for (const auto& [name, tensor] : graph.initializers) declare(name);
    for (const SparseTensor& sparse : graph.sparse_initializers) declare(sparse.values.name);
    // All outputs before any node is looked at: nodes of a file need not be sorted; cycles are
    // found below.
    DeclareOutputs(graph.nodes, declare);
    CheckNodes(graph.nodes, visible, opsets, depth, /*in_function=*/false);
    for (const Value& output : graph.outputs) {
      if (!visible.Has(output.name)) {
        Fail(fmt::format("graph output \"{}\" is written by no node", output.name));
      }
    }
    CheckAcyclic(graph);
  }

  template <typename Declare>
  void DeclareOutputs(const std::vector<Node>& nodes, Declare&& declare) const {
    for (const Node& node : nodes) {
      for (const std::string& output : node.outputs) {
        if (!output.empty() && !declare(output)) {
          Fail(fmt::format("{} writes \"{}\", which is written already", Describe(node), output));
        }
      }
    }
  }

  void CheckInterface(const Graph& graph) const {
    NameSet names;
    for (const Value& input : graph.inputs) {
      if (input.name.empty()) Fail("a graph input has no name");
      if (!names.insert(input.name).second) {
        Fail(fmt::format("two graph inputs are named \"{}\"", input.name));
      }
    }
    // An output may be an input that is passed on.
    names.clear();
    for (const Value& output : graph.outputs) {
      if (!names.insert(output.name).second) {
        Fail(fmt::format("two graph outputs are named \"{}\"", output.name));
      }
    }
  }

  void CheckNodes(const std::vector<Node>& nodes, const Visible& visible,
                  const std::map<std::string, int64_t>& opsets, int depth, bool in_function) {
    // Over all levels and functions: bodies count as the top level does.
    node_count_ += nodes.size();
    if (node_count_ > kMaxNodes) Fail(fmt::format("has more than {} nodes", kMaxNodes));
    for (const Node& node : nodes) {
      if (node.op_type.empty()) Fail("a node has no operator name");
      // C interfaces end a name at its NUL: they would take it for another operator.
      if (node.op_type.find('\0') != std::string::npos) {
        Fail(fmt::format("operator name \"{}\" holds a NUL byte", node.op_type));
      }
      if (!opsets.contains(node.domain) && FindFunction(node) == nullptr) {
        Fail(fmt::format("{} is of domain \"{}\", which the model does not import", Describe(node),
                         node.domain.empty() ? "ai.onnx" : node.domain));
      }
      for (const std::string& input : node.inputs) {
        if (!input.empty() && !visible.Has(input)) {
          Fail(fmt::format("{} reads \"{}\", which nothing writes", Describe(node), input));
        }
      }
      CheckCall(node);
      CheckAttributes(node, in_function);
      const std::string why =
          WhyInvalid(node, [&](const std::string& name) { return visible.FindInitializer(name); });
      if (!why.empty()) Fail(fmt::format("{} {}", Describe(node), why));
      for (const Graph* subgraph : SubgraphsOf(node))
        CheckGraph(*subgraph, &visible, opsets, depth + 1);
    }
  }

  void CheckAttributes(const Node& node, bool in_function) const {
    for (const auto& [key, attribute] : node.attributes) {
      if (!in_function && !attribute.reference.empty()) {
        Fail(fmt::format("{}: attribute \"{}\" refers to a function attribute outside a function",
                         Describe(node), key));
      }
    }
    if (!node.domain.empty()) return;
    static const std::map<std::string, std::vector<std::string>, std::less<>> kBodies = {
        {"If", {"then_branch", "else_branch"}}, {"Loop", {"body"}}, {"Scan", {"body"}}};
    const auto it = kBodies.find(node.op_type);
    if (it == kBodies.end()) return;
    for (const std::string& key : it->second) {
      const auto attribute = node.attributes.find(key);
      // In a function the caller may give the body.
      if (attribute == node.attributes.end() ||
          (!std::holds_alternative<Subgraph>(attribute->second.data) &&
           attribute->second.reference.empty())) {
        Fail(fmt::format("{} has no graph attribute \"{}\"", Describe(node), key));
      }
    }
  }

  void CheckAcyclic(const Graph& graph) const {
    if (IsSorted(graph)) return;
    Graph order;  // names only: sorting must not copy weights
    for (const Node& node : graph.nodes) {
      Node bare = MakeNode(node.op_type, node.inputs, node.outputs);
      for (const Graph* subgraph : SubgraphsOf(node)) {
        for (const std::string& name : CapturedValues(*subgraph)) bare.inputs.push_back(name);
      }
      order.nodes.push_back(std::move(bare));
    }
    const std::string value = SortNodes(order);
    if (!value.empty()) Fail(fmt::format("the nodes around \"{}\" form a cycle", value));
  }

  void CheckFunction(const Function& function) {
    const std::string name = fmt::format("function \"{}:{}\"", function.domain, function.name);
    // A function sees its inputs and nothing of the graph that calls it.
    Visible visible{nullptr, nullptr, NameSet(function.inputs.begin(), function.inputs.end())};
    DeclareOutputs(function.nodes,
                   [&](const std::string& value) { return visible.names.insert(value).second; });
    CheckOpset(function.opsets);
    CheckNodes(function.nodes, visible, function.opsets, 1, /*in_function=*/true);
    for (const std::string& output : function.outputs) {
      if (!visible.Has(output)) {
        Fail(fmt::format("{}: output \"{}\" is written by no node", name, output));
      }
    }
  }

  // Functions must not call themselves, directly or through others.
  void CheckFunctionCalls() {
    std::map<FunctionKey, std::set<FunctionKey>> calls;
    for (const Function& function : model_.functions) {
      auto& callees = calls[KeyOf(function)];
      for (const Node& node : function.nodes) CollectCalls(node, callees);
    }
    std::map<FunctionKey, int> height;  // 0 while on the stack
    for (const auto& [key, callees] : calls) CallHeight(key, calls, height, 1);
  }

  void CollectCalls(const Node& node, std::set<FunctionKey>& callees) const {
    if (FindFunction(node) != nullptr) callees.insert(KeyOf(node));
    for (const Graph* subgraph : SubgraphsOf(node)) {
      for (const Node& inner : subgraph->nodes) CollectCalls(inner, callees);
    }
  }

  // `depth`: how many functions are on the stack, with this one.
  int CallHeight(const FunctionKey& key, const std::map<FunctionKey, std::set<FunctionKey>>& calls,
                 std::map<FunctionKey, int>& height, int depth) const {
    const auto known = height.find(key);
    if (known != height.end()) {
      if (known->second == 0)
        Fail(fmt::format("function \"{}:{}\" calls itself", std::get<0>(key), std::get<1>(key)));
      return known->second;
    }
    // On the way down already: a long chain would eat the stack before its height is known.
    if (depth > kMaxFunctionDepth) FailDepth();
    height[key] = 0;
    int deepest = 0;
    for (const FunctionKey& callee : calls.at(key)) {
      deepest = std::max(deepest, CallHeight(callee, calls, height, depth + 1));
    }
    if (deepest + 1 > kMaxFunctionDepth) FailDepth();
    return height[key] = deepest + 1;
  }

  [[noreturn]] void FailDepth() const {
    Fail(fmt::format("functions call each other deeper than {} levels", kMaxFunctionDepth));
  }

  // An engine replaces calls by bodies: with functions that call functions their number can grow
  // exponentially, and so can what the engine loads. Run behind CheckFunctionCalls, which finds
  // cycles.
  void CheckInlinedSize() {
    std::map<const Function*, InlinedSize> sizes;
    // Each function is measured once, however often it is called.
    const InlinedSize whole = SizeOf(model_.graph.nodes, sizes);
    if (whole.nodes > kMaxNodes)
      Fail(fmt::format("has more than {} nodes with its functions inlined", kMaxNodes));
    if (whole.loads > kMaxLoads) {
      Fail(
          fmt::format("has more than {} nodes, those of subgraphs counted twice for each level, as "
                      "the engine loads them; expected fewer levels of subgraphs",
                      kMaxLoads));
    }
  }

  InlinedSize SizeOf(const std::vector<Node>& nodes,
                     std::map<const Function*, InlinedSize>& sizes) const {
    InlinedSize total;
    for (const Node& node : nodes) {
      const Function* function = FindFunction(node);
      if (function == nullptr) {
        total.Add({1, 1}, 1);
      } else {
        if (!sizes.contains(function)) sizes[function] = SizeOf(function->nodes, sizes);
        total.Add(sizes[function], 1);
      }
      for (const Graph* subgraph : SubgraphsOf(node)) total.Add(SizeOf(subgraph->nodes, sizes), 2);
    }
    return total;
  }

  const Model& model_;
  const std::string& place_;
  std::map<FunctionKey, const Function*> functions_;
  size_t node_count_ = 0;
};

}  // namespace

void ValidateModel(const Model& model, const std::string& place) { Validator(model, place).Run(); }

}  // namespace qconvert
