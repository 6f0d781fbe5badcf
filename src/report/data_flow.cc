#include "data_flow.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "qconvert/ir/one_of.h"
#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"

namespace qconvert {
namespace {

constexpr std::array<std::string_view, 4> kDataShaped = {"NonZero", "NonMaxSuppression", "Unique",
                                                         "Compress"};

// Behind these, errors of more than what was picked count: rows that are mixed are no rows.
constexpr std::array<std::string_view, 7> kProducts = {"MatMul", "Gemm", "Conv", "ConvTranspose",
                                                       "LSTM",   "GRU",  "RNN"};

// Operators that take the shape of their output, or a part of it, from inputs `first` and later.
constexpr std::pair<std::string_view, size_t> kShapedByInput[] = {
    {"Range", 0},  {"ConstantOfShape", 0}, {"Reshape", 1},       {"Expand", 1},
    {"Tile", 1},   {"Slice", 1},           {"Pad", 1},           {"TopK", 1},
    {"OneHot", 1}, {"Split", 1},           {"CenterCropPad", 1}, {"Resize", 2}};

// Nodes that anything may come out of.
bool IsOpen(const Node& node) {
  return !SubgraphsOf(node).empty() || node.op_type.find("Sequence") != std::string::npos;
}

}  // namespace

std::vector<std::string> ReadValues(const Node& node) {
  std::vector<std::string> values;
  for (const std::string& input : node.inputs) {
    if (!input.empty()) values.push_back(input);
  }
  for (const Graph* body : SubgraphsOf(node)) {
    for (const std::string& value : CapturedValues(*body)) values.push_back(value);
  }
  return values;
}

DataFlow::DataFlow(const Graph& graph) : graph_(graph) {
  for (const Value& input : graph.inputs) {
    if (IsFloatingPoint(input.type.element)) from_floats_.insert(input.name);
  }
  // Nodes are sorted: what one reads has been visited.
  for (const Node& node : graph.nodes) Visit(node);
}

void DataFlow::Visit(const Node& node) {
  const std::vector<std::string> reads = ReadValues(node);
  const auto any = [&](const auto& values) {
    return std::any_of(reads.begin(), reads.end(),
                       [&](const std::string& value) { return values.contains(value); });
  };
  // A size does not depend on what a value holds, only on whether its shape does.
  const bool shape_only = node.Is("Shape") || node.Is("Size");
  const bool reads_shaped = any(data_shaped_);
  const bool computed = shape_only ? reads_shaped : any(from_floats_) || reads_shaped;
  const bool shaped =
      !shape_only && (reads_shaped || (computed && (IsOneOf(node, kDataShaped) ||
                                                    IsShapedByData(node) || IsOpen(node))));
  for (const std::string& output : node.outputs) {
    if (output.empty()) continue;
    if (computed) from_floats_.insert(output);
    if (shaped && !HasFixedShape(graph_, output)) data_shaped_.insert(output);
  }
  if (computed && !shape_only) Pick(node, any(picked_));
}

void DataFlow::Pick(const Node& node, bool reads_picked) {
  if (IsOneOf(node, kProducts) || IsOpen(node)) return;
  // Peaks: what equals the largest around it.
  const bool compares = node.Is("Equal") && IsComputed(node.input(0)) && IsComputed(node.input(1));
  const bool picks = reads_picked || compares || node.Is("TopK") || IsOneOf(node, kDataShaped);
  // The values of a TopK are sorted: near ties swap indices alone.
  const size_t first = node.Is("TopK") ? 1 : 0;
  for (size_t k = first; picks && k < node.outputs.size(); ++k)
    if (!node.outputs[k].empty()) picked_.insert(node.outputs[k]);
}

bool DataFlow::IsShapedByData(const Node& node) const {
  for (const auto& [type, first] : kShapedByInput) {
    if (!node.Is(type)) continue;
    for (size_t i = first; i < node.inputs.size(); ++i) {
      if (from_floats_.contains(node.inputs[i])) return true;
    }
  }
  return false;
}

}  // namespace qconvert
