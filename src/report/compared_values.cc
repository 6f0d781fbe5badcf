#include "qconvert/report/compared_values.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "qconvert/ir/value_types.h"

namespace qconvert {
namespace {

constexpr std::array kDataShaped = {"NonZero", "NonMaxSuppression", "Unique", "Compress"};

// Operators that take the shape of their output, or a part of it, from inputs `first` and later.
constexpr std::pair<std::string_view, size_t> kShapedByInput[] = {
    {"Range", 0},  {"ConstantOfShape", 0}, {"Reshape", 1},       {"Expand", 1},
    {"Tile", 1},   {"Slice", 1},           {"Pad", 1},           {"TopK", 1},
    {"OneHot", 1}, {"Split", 1},           {"CenterCropPad", 1}, {"Resize", 2}};

constexpr std::array kViews = {"Reshape",  "Transpose", "Squeeze", "Unsqueeze",
                               "Identity", "Flatten",   "Cast"};

template <typename List>
bool IsOneOf(const Node& node, const List& types) {
  return std::any_of(std::begin(types), std::end(types),
                     [&](std::string_view type) { return node.Is(type); });
}

// What a node reads, with what its bodies capture.
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

// Two facts about every value, from the inputs on: is its content computed from floating-point
// data, and does its shape depend on such content. Integer inputs are the same for both models.
class DataFlow {
 public:
  explicit DataFlow(const Graph& graph) : graph_(graph) {
    for (const Value& input : graph.inputs) {
      if (IsFloatingPoint(input.type.element)) from_floats_.insert(input.name);
    }
    // Nodes are sorted: what one reads has been visited.
    for (const Node& node : graph.nodes) Visit(node);
  }

  bool IsComputed(const std::string& value) const { return from_floats_.contains(value); }
  const std::set<std::string>& data_shaped() const { return data_shaped_; }

 private:
  void Visit(const Node& node) {
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
  }

  bool IsShapedByData(const Node& node) const {
    for (const auto& [type, first] : kShapedByInput) {
      if (!node.Is(type)) continue;
      for (size_t i = first; i < node.inputs.size(); ++i) {
        if (from_floats_.contains(node.inputs[i])) return true;
      }
    }
    return false;
  }

  // Nodes that anything may come out of.
  static bool IsOpen(const Node& node) {
    return !SubgraphsOf(node).empty() || node.op_type.find("Sequence") != std::string::npos;
  }

  const Graph& graph_;
  std::unordered_set<std::string> from_floats_;
  std::set<std::string> data_shaped_;
};

bool IsFloatTensor(const Graph& graph, const std::string& value) {
  const ValueType* type = FindValueType(graph, value);
  return type != nullptr && type->is_tensor() && IsFloatingPoint(type->element);
}

class StandInFinder {
 public:
  StandInFinder(const Graph& graph, const Topology& topology,
                const std::function<bool(const std::string&)>& may_expose)
      : graph_(graph), topology_(topology), flow_(graph), may_expose_(may_expose) {}

  bool SaysLittle(const std::string& output) const {
    return !IsFloatTensor(graph_, output) || flow_.data_shaped().contains(output);
  }

  // Nearest first, then by name where they are read.
  std::vector<std::string> Find(const std::string& output) const {
    std::vector<std::string> found;
    std::vector<std::string> frontier = {output};
    std::unordered_set<std::string> seen = {output};
    while (!frontier.empty()) {
      std::vector<std::string> next;
      for (const std::string& value : frontier) {
        const Node* producer = topology_.Producer(value);
        if (producer == nullptr) continue;
        for (const std::string& read : ReadValues(*producer)) {
          if (!flow_.IsComputed(read) || !seen.insert(read).second) continue;
          // What stands in ends the search on its way: everything behind it is further from the
          // output.
          (Stands(read) ? found : next).push_back(read);
        }
      }
      frontier = std::move(next);
    }
    return found;
  }

 private:
  bool Stands(const std::string& value) const {
    const Node* producer = topology_.Producer(value);
    if (producer == nullptr || SaysLittle(value)) return false;
    if (topology_.IsGraphOutput(value)) return true;
    return may_expose_(value) && !IsOneOf(*producer, kViews);
  }

  const Graph& graph_;
  const Topology& topology_;
  const DataFlow flow_;
  const std::function<bool(const std::string&)>& may_expose_;
};

}  // namespace

std::set<std::string> FindDataShapedValues(const Graph& graph) {
  return DataFlow(graph).data_shaped();
}

std::vector<ComparedValue> FindComparedValues(
    const Graph& graph, const std::function<bool(const std::string& value)>& may_expose) {
  const Topology topology(graph);
  const StandInFinder finder(graph, topology, may_expose);
  std::vector<ComparedValue> compared;
  std::vector<ComparedValue> stand_ins;
  std::map<std::string, size_t> place;  // among them
  for (const Value& output : graph.outputs) {
    compared.push_back({output.name, FindOutputKind(graph, topology, output.name)});
    if (!finder.SaysLittle(output.name)) continue;
    for (const std::string& value : finder.Find(output.name)) {
      compared.back().has_stand_in = true;
      // It is compared as an output anyhow.
      if (topology.IsGraphOutput(value)) continue;
      const auto [known, is_new] = place.emplace(value, stand_ins.size());
      if (!is_new) {
        stand_ins[known->second].stands_for.push_back(output.name);
      } else {
        stand_ins.push_back({value, FindOutputKind(graph, topology, value), {output.name}});
      }
    }
  }
  compared.insert(compared.end(), stand_ins.begin(), stand_ins.end());
  return compared;
}

}  // namespace qconvert
