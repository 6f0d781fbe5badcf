#include "compared_models.h"

#include <algorithm>
#include <set>
#include <utility>

#include "held_out.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"
#include "qconvert/report/comparison.h"
#include "qconvert/report/picked_values.h"
#include "qconvert/transform/random_nodes.h"
#include "qconvert/transform/strip_pairs.h"

namespace qconvert {
namespace {

bool IsStandIn(const ComparedValue& value) { return !value.stands_for.empty(); }

// What a kernel may do in one step with the node before it: then the value between is nowhere.
bool MayBeFused(const Node& reader) {
  return reader.Is("Add") || reader.Is("Relu") || reader.Is("Clip");
}

std::set<std::string> WrittenValues(const Graph& graph) {
  std::set<std::string> written;
  for (const Node& node : graph.nodes) written.insert(node.outputs.begin(), node.outputs.end());
  return written;
}

std::vector<ComparedValue> ChooseComparedValues(const Graph& prepared, const Graph& as_it_came) {
  const Topology topology(prepared);
  const std::set<std::string> original = WrittenValues(as_it_came);
  return FindComparedValues(prepared, [&](const std::string& value) {
    const bool fused =
        topology.HasSingleUse(value) && MayBeFused(prepared.nodes[topology.Uses(value)[0].node]);
    return original.contains(value) && !fused;
  });
}

void KeepOutputsOnly(std::vector<ComparedValue>& values) {
  std::erase_if(values, IsStandIn);
  for (ComparedValue& value : values) value.has_stand_in = false;
}

void MarkRandom(const Session& one, const Session& other, const Sample& sample,
                std::vector<ComparedValue>& values) {
  const std::vector<Tensor> a = one.Run(sample.inputs, nullptr);
  const std::vector<Tensor> b = other.Run(sample.inputs, nullptr);
  for (size_t v = 0; v < values.size(); ++v) {
    // The same seeds and other numbers: nothing can be held against these.
    const OutputComparison seen = CompareSample(values[v], a[v], b[v]);
    values[v].is_random |=
        seen.mismatched_shapes > 0 || seen.sums.error_power > 0 || seen.equal < seen.elements;
  }
}

// Rows that near ties put in order are never held against a plan by their places, whether it has as
// many of them or not.
void MarkPicked(const Graph& prepared, std::vector<ComparedValue>& values) {
  const std::set<std::string> picked = FindPickedValues(prepared);
  for (ComparedValue& value : values) {
    const ValueType* type = FindValueType(prepared, value.name);
    const bool has_numbers = type != nullptr && IsFloatingPoint(type->element);
    value.is_random |= value.has_stand_in && has_numbers && picked.contains(value.name);
  }
}

std::unique_ptr<Session> OpenReference(const Model& original,
                                       const std::vector<ComparedValue>& values,
                                       const ComparerOptions& options) {
  Model model = original;  // shares the bytes of tensors
  if (options.is_random || std::any_of(values.begin(), values.end(), IsStandIn))
    PrepareForComparison(values, model.graph);
  return OpenForComparison(model, options.place, options.integer_kernels);
}

}  // namespace

void PrepareForComparison(const std::vector<ComparedValue>& values, Graph& graph) {
  for (const ComparedValue& value : values) {
    if (IsStandIn(value)) graph.outputs.push_back({value.name, {}, {}, {}});
  }
  SeedRandomNodes(graph);
}

OrtSessionOptions ComparisonOptions(int64_t weight_bytes) {
  const bool is_small = weight_bytes < kLargeWeights;
  return {.pack_weights = is_small, .fold_constants = is_small};
}

std::unique_ptr<Session> OpenForComparison(const Model& model, const std::string& place,
                                           bool integer_kernels, double most_steps) {
  const bool is_long = IsLongToOptimize(model.graph, most_steps);
  Model plain;
  if (is_long) {
    plain = model;  // shares the bytes of tensors
    FoldDequantized(plain.graph);
  }
  const EngineModel engine = SerializeForFewRuns(is_long ? plain : model);
  int64_t bytes = 0;
  for (const auto* list : {&engine.external, &engine.fed})
    for (const Tensor& tensor : *list) bytes += tensor.byte_size();
  OrtSessionOptions options = ComparisonOptions(bytes);
  options.external_initializers = engine.external;
  options.fed = engine.fed;
  options.integer_kernels = integer_kernels;
  if (is_long) options.optimization = OptimizationLevel::kNone;
  if (most_steps == kStepsOfProbe) options.pack_weights = false;
  return OpenOrtSession(engine.bytes, place, options);
}

ModelComparer OpenComparer(const Model& original, const Graph& prepared, const InputFeeder& feeder,
                           const std::vector<size_t>& order, const ComparerOptions& options) {
  std::vector<ComparedValue> values = ChooseComparedValues(prepared, original.graph);
  if (options.outputs_only) KeepOutputsOnly(values);
  MarkPicked(prepared, values);
  for (ComparedValue& value : values) value.is_fitted = options.is_fitted;
  auto reference = OpenReference(original, values, options);
  CompareOptions compare{
      .count = kMostHeldOut, .workers = options.workers, .in_step = options.is_random};
  if (options.is_random) {
    compare.reopen = [original, values, options] {
      return OpenReference(original, values, options);
    };
  }
  if (options.is_random && !order.empty()) {
    MarkRandom(*reference, *compare.reopen(), feeder.Read(order[0], {}), values);
    reference = compare.reopen();  // draws from the start again
  }
  return ModelComparer(std::move(reference), feeder, std::move(values), order, compare);
}

}  // namespace qconvert
