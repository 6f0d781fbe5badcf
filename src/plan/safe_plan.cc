#include "qconvert/plan/safe_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qconvert/ir/one_of.h"
#include "qconvert/ir/topology.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

constexpr const char* kFrontEnd =
    "in front of a logarithm or power spectrum, which need relative precision";
constexpr const char* kInside = "inside a normalization or activation spelled out";
constexpr const char* kSpread = "evens out the channels in front of a matrix product";
constexpr const char* kRecurrent = "on the way from a state to the next one";
constexpr double kStepsOfByte = 255;

// What a spectral front end consists of.
bool IsFrontEndOperator(const Node& node) {
  static constexpr std::array<std::string_view, 24> kTypes = {
      "Conv",      "Gemm",        "MatMul",     "Add",       "Sub",
      "Mul",       "Div",         "Pow",        "Sqrt",      "Abs",
      "Max",       "Min",         "Clip",       "ReduceSum", "ReduceMean",
      "ReduceL2",  "ReduceMax",   "Concat",     "Pad",       "ReduceSumSquare",
      "ReduceMin", "AveragePool", "Reciprocal", "Cast"};
  // A Relu may move codes, but is an activation.
  return IsOneOf(node, kTypes) ||
         (FindOpRule(node).kind == OpKind::kMovement && node.op_type != "Relu");
}

bool IsDelicateOperator(const Node& node) {
  static constexpr std::array<std::string_view, 11> kTypes = {
      "Sqrt",     "Reciprocal",     "Div", "Pow", "Exp", "Log", "Erf", "ReduceMean", "ReduceSum",
      "ReduceL2", "ReduceSumSquare"};
  return IsOneOf(node, kTypes);
}

bool IsSquare(const Graph& graph, const Node* node) {
  if (node == nullptr) return false;
  if (node->Is("Mul")) return node->input(0) == node->input(1);
  const Tensor* exponent = node->Is("Pow") ? graph.FindInitializer(node->input(1)) : nullptr;
  return exponent != nullptr && exponent->element_count() == 1 &&
         exponent->type == DataType::kFloat && exponent->values<float>()[0] == 2;
}

// re^2 + im^2: the power of a spectrum.
bool IsSpectralPower(const Graph& graph, const Topology& topology, const Node& node) {
  return node.Is("Add") && IsSquare(graph, topology.Producer(node.input(0))) &&
         IsSquare(graph, topology.Producer(node.input(1)));
}

std::set<size_t> FrontEndNodes(const Graph& graph, const Topology& topology) {
  std::vector<size_t> open;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].Is("Log") || IsSpectralPower(graph, topology, graph.nodes[n]))
      open.push_back(n);
  }
  std::set<size_t> found;
  while (!open.empty()) {
    const Node& node = graph.nodes[open.back()];
    open.pop_back();
    for (const std::string& input : node.inputs) {
      const size_t producer = topology.ProducerIndex(input);
      // Backwards as far as linear and elementwise operators go: an activation is where features
      // begin, which are as coarse as any.
      if (producer == Topology::kNpos || !IsFrontEndOperator(graph.nodes[producer])) continue;
      if (found.insert(producer).second) open.push_back(producer);
    }
  }
  return found;
}

void AddInsides(const Graph& graph, const Topology& topology, FloatNodes& out) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!node.Is("Add") && !node.Is("Mul")) continue;
    const bool reads = std::any_of(node.inputs.begin(), node.inputs.end(), [&](const auto& input) {
      const Node* producer = topology.Producer(input);
      return producer != nullptr && IsDelicateOperator(*producer);
    });
    const auto& uses = topology.Uses(node.outputs[0]);
    const bool feeds = std::any_of(uses.begin(), uses.end(), [&](const Use& use) {
      return IsDelicateOperator(graph.nodes[use.node]) && !graph.nodes[use.node].Is("ReduceMean");
    });
    if (reads || feeds) out.emplace(n, kInside);
  }
}

bool IsProductOfRows(const Graph& graph, const Use& use) {
  const Node& node = graph.nodes[use.node];
  return use.slot == 0 && (node.Is("MatMul") || node.Is("Gemm")) &&
         graph.FindInitializer(node.input(1)) != nullptr;
}

// A grid in front of it would be that of the largest channel.
void AddSpreads(const Graph& graph, const Topology& topology, FloatNodes& out) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!node.Is("Mul")) continue;
    const Tensor* first = graph.FindInitializer(node.inputs[0]);
    const Tensor* factors = first != nullptr ? first : graph.FindInitializer(node.inputs[1]);
    const auto& uses = topology.Uses(node.outputs[0]);
    // One number per channel, along the last axis alone.
    const bool has_vector = factors != nullptr && factors->element_count() > 1 &&
                            factors->element_count() == factors->dims.back();
    if (has_vector && !uses.empty() && std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
          return IsProductOfRows(graph, use);
        }))
      out.emplace(n, kSpread);
  }
}

// Nodes that can be reached from `value`, forwards.
std::set<size_t> NodesAfter(const Graph& graph, const Topology& topology,
                            const std::string& value) {
  std::set<size_t> found;
  std::vector<std::string> open = {value};
  while (!open.empty()) {
    const std::string next = open.back();
    open.pop_back();
    for (const Use& use : topology.Uses(next)) {
      if (!found.insert(use.node).second) continue;
      for (const std::string& output : graph.nodes[use.node].outputs) open.push_back(output);
    }
  }
  return found;
}

// Nodes that any of `values` is computed from.
std::set<size_t> NodesBefore(const Graph& graph, const Topology& topology,
                             std::vector<std::string> values) {
  std::set<size_t> found;
  while (!values.empty()) {
    const size_t producer = topology.ProducerIndex(values.back());
    values.pop_back();
    if (producer == Topology::kNpos || !found.insert(producer).second) continue;
    for (const std::string& input : graph.nodes[producer].inputs) values.push_back(input);
  }
  return found;
}

// Those of `after` that have both a Sigmoid and a Tanh of it before them, or are one of the two.
std::set<size_t> NodesBehindGates(const Graph& graph, const Topology& topology,
                                  const std::set<size_t>& after) {
  constexpr unsigned kSigmoid = 1;
  constexpr unsigned kBoth = 3;
  std::unordered_map<size_t, unsigned> seen;
  std::set<size_t> behind;
  for (const size_t n : after) {  // nodes are sorted
    const Node& node = graph.nodes[n];
    unsigned gates = node.Is("Sigmoid") ? kSigmoid : node.Is("Tanh") ? kBoth - kSigmoid : 0;
    for (const std::string& input : node.inputs) {
      const auto before = seen.find(topology.ProducerIndex(input));
      if (before != seen.end()) gates |= before->second;
    }
    seen[n] = gates;
    if (gates == kBoth) behind.insert(n);
  }
  return behind;
}

// A float output that can be fed back into the input: same rank, no dimension that differs.
bool CanFeedBack(const Graph& graph, const Value& input, const Value& output) {
  const auto inferred = graph.value_info.find(output.name);
  const ValueType& type = inferred != graph.value_info.end() ? inferred->second.type : output.type;
  const ValueType& wanted = input.type;
  if (wanted.element != DataType::kFloat || type.element != DataType::kFloat) return false;
  if (!wanted.shape || !type.shape || wanted.shape->empty()) return false;
  // With both ends given the ranks are compared too.
  return std::equal(
      wanted.shape->begin(), wanted.shape->end(), type.shape->begin(), type.shape->end(),
      [](const Dim& a, const Dim& b) { return !a.known() || !b.known() || a.value == b.value; });
}

void AddRecurrences(const Graph& graph, const Topology& topology, FloatNodes& out) {
  if (graph.inputs.size() < 2 || graph.outputs.size() < 2) return;
  const auto has = [&](std::string_view type) {
    return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                       [&](const Node& node) { return node.Is(type); });
  };
  if (!has("Sigmoid") || !has("Tanh")) return;
  for (const Value& input : graph.inputs) {
    std::vector<std::string> fed;
    for (const Value& output : graph.outputs)
      if (CanFeedBack(graph, input, output)) fed.push_back(output.name);
    if (fed.empty()) continue;
    const std::set<size_t> after = NodesAfter(graph, topology, input.name);
    // The gates of an LSTM or GRU spelled out: errors on this way add up from step to step.
    const std::set<size_t> gated = NodesBehindGates(graph, topology, after);
    std::erase_if(fed, [&](const std::string& output) {
      return !gated.contains(topology.ProducerIndex(output));
    });
    // Of all ends at once: as many searches would be quadratic.
    for (const size_t n : NodesBefore(graph, topology, std::move(fed)))
      if (after.contains(n)) out.emplace(n, kRecurrent);
  }
}

double Width(const TensorStatistics& statistics) {
  return std::max(0.0, static_cast<double>(statistics.max)) -
         std::min(0.0, static_cast<double>(statistics.min));
}

}  // namespace

std::set<size_t> FindFrontEndNodes(const Graph& graph) {
  return FrontEndNodes(graph, Topology(graph));
}

FloatNodes FindSensitiveNodes(const Graph& graph) {
  const Topology topology(graph);
  FloatNodes out;
  for (const size_t n : FrontEndNodes(graph, topology)) out.emplace(n, kFrontEnd);
  AddInsides(graph, topology, out);
  AddSpreads(graph, topology, out);
  AddRecurrences(graph, topology, out);
  return out;
}

std::set<std::string> FindSensitiveWeights(const Graph& graph) {
  std::set<std::string> out;
  for (const size_t n : FrontEndNodes(graph, Topology(graph))) {
    for (const std::string& weight : WeightsOf(graph.nodes[n])) {
      if (graph.FindInitializer(weight) != nullptr) out.insert(weight);
    }
  }
  return out;
}

FloatNodes FindRangeClashes(const Graph& graph, const CalibrationTable& table) {
  FloatNodes out;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!node.Is("Concat")) continue;
    const auto whole = table.values.find(node.outputs[0]);
    if (whole == table.values.end()) continue;
    for (const std::string& input : node.inputs) {
      const auto part = table.values.find(input);
      if (part == table.values.end() || Width(part->second) == 0) continue;
      // All inputs of a Concat on integers have the grid of its output.
      const double steps = Width(part->second) / Width(whole->second) * kStepsOfByte;
      if (steps >= kMinConcatSteps) continue;
      out.emplace(n, fmt::format("\"{}\" would have {:.0f} of 255 steps on the grid of \"{}\"",
                                 input, steps, node.outputs[0]));
    }
  }
  return out;
}

}  // namespace qconvert
