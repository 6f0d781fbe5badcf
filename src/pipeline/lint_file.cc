#include "qconvert/pipeline/lint_file.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "infer_folded_types.h"
#include "qconvert/base/check.h"
#include "qconvert/ir/body_graph.h"
#include "qconvert/ir/constant_values.h"
#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/transform/eliminate_no_ops.h"
#include "qconvert/transform/inline_functions.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

constexpr std::pair<std::string_view, const Target*> kTargets[] = {
    {"cpu", &kCpuTarget}, {"arm", &kArmTarget}, {"tensorrt", &kGpuTarget},
    {"qnn", &kQnnTarget}, {"dpu", &kDpuTarget}, {"bpu", &kBpuTarget}};

bool IsCode(DataType type) { return type == DataType::kUint8 || type == DataType::kInt8; }

// What only a quantized model has.
bool IsCodeOperator(const Node& node) {
  return IsQuantize(node) || IsDequantize(node) || IsIntegerKernel(node) ||
         node.Is("DynamicQuantizeLinear");
}

// Reads a float to write indices.
bool PicksIndices(const Graph& graph, const Node& node) {
  return FindOpRule(node).pair_form == PairForm::kIndices &&
         TypeOfValue(graph, node.inputs[0]) == DataType::kFloat;
}

// Of every element, to the largest end there is: the engine drops such a Slice.
bool IsWhole(const Graph& graph, const Node& slice) {
  constexpr auto kEnd = std::numeric_limits<int64_t>::max();
  const auto are = [&](size_t slot, int64_t wanted, bool optional) {
    if (slice.input(slot).empty()) return optional;
    const Tensor* numbers = graph.FindInitializer(slice.inputs[slot]);
    if (numbers == nullptr || numbers->type != DataType::kInt64) return false;
    const auto values = numbers->values<int64_t>();
    return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == wanted; });
  };
  return slice.Is("Slice") && are(1, 0, false) && are(2, kEnd, false) && are(4, 1, true);
}

// To the shape that the value of a node has: the engine drops such an Expand.
bool ExpandsNothing(const Graph& graph, const Topology& topology, const Node& node) {
  if (!node.Is("Expand") || topology.Producer(node.inputs[0]) == nullptr) return false;
  const Tensor* to = graph.FindInitializer(node.inputs[1]);
  const std::vector<Dim>* shape = FindShape(graph, node.inputs[0]);
  if (to == nullptr || to->type != DataType::kInt64 || shape == nullptr) return false;
  const auto dims = to->values<int64_t>();
  if (dims.empty() || dims.size() > shape->size()) return false;
  return std::equal(dims.rbegin(), dims.rend(), shape->rbegin(),
                    [](int64_t wanted, const Dim& dim) {
                      return wanted == 1 || (dim.known() && dim.value == wanted);
                    });
}

void EliminateNoOpsOfEngine(Graph& graph) {
  const Topology topology(graph);
  std::vector<bool> dropped(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    dropped[n] = (IsWhole(graph, node) || ExpandsNothing(graph, topology, node)) &&
                 !topology.IsGraphOutput(node.outputs[0]);
    for (Graph* body : SubgraphsOf(graph.nodes[n])) EliminateNoOpsOfEngine(*body);
  }
  BypassNodes(graph, dropped);
}

class Linter {
 public:
  Linter(const Target& target, int64_t opset, Lint& lint)
      : target_(target), opset_(opset), lint_(lint) {
    lint_.holds_codes = false;
  }

  void Visit(const Graph& graph, const Scope& scope) {
    Graph whole = graph;
    // An engine looks for scales and weights on the levels outside too.
    for (const std::string& name : CapturedValues(graph))
      if (const Tensor* tensor = scope.FindInitializer(name))
        whole.initializers.emplace(name, *tensor);
    const std::set<std::string> constants = FindConstantValues(whole);
    const RuleFinder finder(whole, target_, opset_);
    for (size_t n = 0; n < whole.nodes.size(); ++n) {
      const Node& node = whole.nodes[n];
      lint_.holds_codes |= IsCodeOperator(node);
      LintedNode linted{scope.way() + node.name, node.op_type};
      // The engine computes it while it loads, on no kernel that counts.
      const bool is_constant = !node.outputs.empty() && constants.contains(node.outputs[0]);
      if (!is_constant) Judge(whole, n, finder, linted);
      lint_.nodes.push_back(std::move(linted));
      ForEachBody(node, scope.way(), [&](const Graph& body, const std::string& way) {
        Visit(body, Scope(scope, body, way));
      });
    }
  }

 private:
  static bool PicksFromCodes(const Graph& graph, const Node& node) {
    return FindOpRule(node).pair_form == PairForm::kIndices &&
           IsCode(TypeOfValue(graph, node.inputs[0]));
  }

  static void Judge(const Graph& graph, size_t n, const RuleFinder& finder, LintedNode& linted) {
    const Node& node = graph.nodes[n];
    if (IsIntegerKernel(node)) {
      linted.kind = LintedNode::Kind::kInteger;
    } else if (IsCodeOperator(node) || !SubgraphsOf(node).empty() || node.outputs.empty()) {
      linted.kind = LintedNode::Kind::kOther;
    } else if (ComputesFloat(graph, node) || PicksIndices(graph, node)) {
      const auto broken = finder.Find(n);
      // Where types are not known, a rule that goes by them is not broken for sure.
      const bool by_types = !broken || broken->rule == "type";
      linted.kind = by_types && finder.IsUncertain(n) ? LintedNode::Kind::kUncertain
                    : broken                          ? LintedNode::Kind::kFloat
                    : finder.IsAbsorbed(n)            ? LintedNode::Kind::kAbsorbed
                                                      : LintedNode::Kind::kInteger;
      if (linted.kind == LintedNode::Kind::kFloat) linted.broken = *broken;
    } else if (IsCode(TypeOfValue(graph, node.outputs[0])) || PicksFromCodes(graph, node)) {
      linted.kind = LintedNode::Kind::kInteger;
    } else if (IsUntyped(graph, node.outputs[0])) {
      linted.kind = LintedNode::Kind::kUnknown;
    }
  }

  const Target& target_;
  int64_t opset_;
  Lint& lint_;
};

}  // namespace

std::vector<std::string> LintTargets() {
  std::vector<std::string> words;
  for (const auto& [word, target] : kTargets) words.emplace_back(word);
  return words;
}

const Target* FindLintTarget(std::string_view word) {
  for (const auto& [known, target] : kTargets)
    if (known == word) return target;
  return nullptr;
}

Lint LintModel(Model model, const Target& target, const std::string& place) {
  Normalize(model);
  // For the constants inside.
  if (InlineFunctions(model) > 0) Normalize(model);
  EliminateIdentity(model.graph);
  InferTypes(model, place);
  if (FoldConstants(model, place) > 0) InferTypes(model, place);
  EliminateNoOpsOfEngine(model.graph);
  InferFoldedTypes(model, place);
  InferBodyTypes(model, place);
  Lint lint;
  lint.model = place;
  Linter(target, model.opset(), lint).Visit(model.graph, Scope(model.graph));
  return lint;
}

Lint LintFile(const std::filesystem::path& file, const std::string& word) {
  const Target* target = FindLintTarget(word);
  QCONVERT_CHECK(target != nullptr);
  Lint lint = LintModel(LoadOnnx(file).model, *target, file.string());
  lint.target = word;
  return lint;
}

}  // namespace qconvert
