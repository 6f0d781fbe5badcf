#include "qconvert/report/compared_values.h"

#include <array>
#include <map>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "data_flow.h"
#include "qconvert/ir/one_of.h"
#include "qconvert/ir/value_types.h"

namespace qconvert {
namespace {

constexpr std::array<std::string_view, 7> kViews = {"Reshape",  "Transpose", "Squeeze", "Unsqueeze",
                                                    "Identity", "Flatten",   "Cast"};

bool IsFloatTensor(const Graph& graph, const std::string& value) {
  const ValueType* type = FindValueType(graph, value);
  return type != nullptr && type->is_tensor() && IsFloatingPoint(type->element);
}

bool MayBeBatched(const Graph& graph, const std::string& value) {
  const auto first = [&](const std::string& of) {
    const std::vector<Dim>* shape = FindShape(graph, of);
    return shape == nullptr || shape->empty() ? int64_t{-1} : (*shape)[0].value;
  };
  const int64_t size = first(value);
  return size < 2 || std::any_of(graph.inputs.begin(), graph.inputs.end(),
                                 [&](const Value& input) { return first(input.name) == size; });
}

class StandInFinder {
 public:
  StandInFinder(const Graph& graph, const Topology& topology,
                const std::function<bool(const std::string&)>& may_expose)
      : graph_(graph), topology_(topology), flow_(graph), may_expose_(may_expose) {}

  bool SaysLittle(const std::string& output) const {
    return !IsFloatTensor(graph_, output) || flow_.data_shaped().contains(output) ||
           flow_.picked().contains(output);
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
  for (ComparedValue& value : compared) value.may_be_batched = MayBeBatched(graph, value.name);
  return compared;
}

}  // namespace qconvert
