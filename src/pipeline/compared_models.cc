#include "compared_models.h"

#include <algorithm>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/topology.h"
#include "qconvert/report/comparison.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/transform/random_nodes.h"

namespace qconvert {
namespace {

bool IsStandIn(const ComparedValue& value) { return !value.stands_for.empty(); }

// What a kernel may do in one step with the node before it: then the value between is nowhere.
bool MayBeFused(const Node& reader) {
  return reader.Is("Add") || reader.Is("Relu") || reader.Is("Clip");
}

}  // namespace

std::set<std::string> WrittenValues(const Graph& graph) {
  std::set<std::string> written;
  for (const Node& node : graph.nodes) written.insert(node.outputs.begin(), node.outputs.end());
  return written;
}

std::vector<ComparedValue> ChooseComparedValues(const Graph& prepared,
                                                const std::set<std::string>& original) {
  const Topology topology(prepared);
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
    const OutputComparison seen = CompareSample(values[v], a[v], b[v]);
    values[v].is_random =
        seen.mismatched_shapes > 0 || seen.sums.error_power > 0 || seen.equal < seen.elements;
  }
}

void PrepareForComparison(const std::vector<ComparedValue>& values, Graph& graph) {
  for (const ComparedValue& value : values) {
    if (IsStandIn(value)) graph.outputs.push_back({value.name, {}, {}, {}});
  }
  SeedRandomNodes(graph);
}

std::unique_ptr<Session> OpenReference(const Model& original, const std::string& place,
                                       const std::vector<ComparedValue>& values, bool is_random) {
  Model model = original;  // shares the bytes of tensors
  if (is_random || std::any_of(values.begin(), values.end(), IsStandIn))
    PrepareForComparison(values, model.graph);
  const EngineModel engine = SerializeForEngine(model);
  return OpenOrtSession(engine.bytes, place, {.external_initializers = engine.external});
}

}  // namespace qconvert
