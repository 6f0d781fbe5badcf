#include "set_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"
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

// Sizes that the graph computes, of no sample.
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

// Whether the value is known to have a first dimension of 1.
bool IsOneSample(const Graph& graph, const std::string& value) {
  const std::vector<Dim>* shape = FindShape(graph, value);
  return shape != nullptr && !shape->empty() && (*shape)[0].value == 1;
}

// A target that begins with the 1 of one sample begins with what is reshaped then.
void KeepBatchOfReshapes(Graph& graph) {
  const Topology topology(graph);
  NameMaker names(graph);
  for (Node& node : graph.nodes) {
    if (!node.Is("Reshape") || node.GetInt("allowzero", 0) != 0) continue;
    const Tensor* target = graph.FindInitializer(node.input(1));
    if (target == nullptr || target->type != DataType::kInt64) continue;
    std::vector<int64_t> dims = ToInt64s(*target);
    if (dims.empty() || dims[0] != 1 || !IsOneSample(graph, node.inputs[0])) continue;
    dims[0] = 0;
    // Others may read the constant as it is.
    if (!topology.HasSingleUse(node.inputs[1])) node.inputs[1] = names.Make(node.inputs[1]);
    graph.initializers.insert_or_assign(
        node.inputs[1], MakeInt64Tensor(node.inputs[1], {static_cast<int64_t>(dims.size())}, dims));
  }
}

// Says what the engine minds, and that the batch is why.
void InferBatchedTypes(int64_t batch, const std::string& place, Model& model) {
  try {
    InferTypes(model, place);
  } catch (const Error& e) {
    if (e.code() != ExitCode::kModel) throw;
    throw Error(ExitCode::kModel, "", fmt::format("{} (with input_batch {})", e.what(), batch));
  }
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
  KeepBatchOfReshapes(graph);
  for (Value& input : graph.inputs) {
    auto& shape = input.type.shape;
    if (!shape || shape->empty() || (*shape)[0].value != 1) Fail(input.name, batch, place);
    (*shape)[0] = {batch, {}};
  }
  // They were declared for one sample.
  for (Value& output : graph.outputs) output.type.shape.reset();
  graph.value_info.clear();
  InferBatchedTypes(batch, place, model);
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
