#include "set_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"
#include "qconvert/pipeline/prepare_model.h"

namespace qconvert {
namespace {

// Written from an input, directly or not, in the order of the nodes.
std::vector<std::string> ComputedValues(const Graph& graph) {
  std::set<std::string> computed;
  for (const Value& input : graph.inputs) computed.insert(input.name);
  std::vector<std::string> out;
  for (const Node& node : graph.nodes) {
    const bool reads = std::any_of(node.inputs.begin(), node.inputs.end(),
                                   [&](const auto& one) { return computed.contains(one); });
    for (const std::string& output : node.outputs) {
      if (reads && !output.empty() && computed.insert(output).second) out.push_back(output);
    }
  }
  return out;
}

bool IsShapeLike(const ValueType& type) {
  return type.element == DataType::kInt64 && type.shape && type.shape->size() <= 1;
}

// Whether `after` is `before` with `batch` for its first dimension of 1.
bool IsBatched(const ValueType& before, const ValueType& after, int64_t batch) {
  if (!before.shape || !after.shape || before.shape->empty()) return false;
  std::vector<Dim> expected = *before.shape;
  if (expected[0].value != 1) return false;
  expected[0] = {batch, {}};
  return std::equal(expected.begin(), expected.end(), after.shape->begin(), after.shape->end(),
                    [](const Dim& a, const Dim& b) { return a.value == b.value; });
}

[[noreturn]] void Fail(const std::string& value, int64_t batch, const std::string& place) {
  throw Error(ExitCode::kModel, place,
              fmt::format("cannot have input_batch {}: value \"{}\" does not keep samples apart on "
                          "its first dimension",
                          batch, value));
}

}  // namespace

void SetBatch(int64_t batch, const std::string& place, Model& model) {
  if (batch <= 1) return;
  Graph& graph = model.graph;
  InferTypes(model, place);
  const auto before = graph.value_info;
  for (Value& input : graph.inputs) {
    auto& shape = input.type.shape;
    if (!shape || shape->empty() || (*shape)[0].value != 1) Fail(input.name, batch, place);
    (*shape)[0] = {batch, {}};
  }
  for (Value& output : graph.outputs) output.type.shape.reset();
  graph.value_info.clear();
  InferTypes(model, place);
  for (const std::string& name : ComputedValues(graph)) {
    const ValueType& was = before.at(name).type;
    const ValueType& is = graph.value_info.at(name).type;
    if (!IsBatched(was, is, batch) && !(IsShapeLike(was) && was.shape == is.shape))
      Fail(name, batch, place);
  }
  for (Value& output : graph.outputs) {
    const auto known = graph.value_info.find(output.name);
    if (known != graph.value_info.end()) output.type = known->second.type;
  }
}

}  // namespace qconvert
