#include "qconvert/pipeline/inspect_model.h"

#include <algorithm>
#include <utility>

#include "count_products.h"
#include "plan_remarks.h"
#include "prepared_model.h"
#include "qconvert/ir/graph_printer.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/plan/choose_scheme.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/report/conversion_report.h"
#include "qconvert/rewrite/store_float16.h"
#include "qconvert/weights/store_weights.h"

namespace qconvert {
namespace {

constexpr int kStoredBits = 8;

// Operators and constants of a graph and the bodies in it.
void CountParts(const Graph& graph, Inspection& inspection) {
  for (const auto& [name, tensor] : graph.initializers) {
    Inspection::Stored& stored = inspection.parameters[std::string(DataTypeName(tensor.type))];
    stored.elements += tensor.element_count();
    stored.bytes += tensor.byte_size();
  }
  for (const Node& node : graph.nodes) {
    ++inspection.operators[node.domain.empty() ? node.op_type : node.domain + ":" + node.op_type];
    for (const Graph* body : SubgraphsOf(node)) CountParts(*body, inspection);
  }
}

size_t CountAllNodes(const Graph& graph) {
  size_t count = graph.nodes.size();
  for (const Node& node : graph.nodes)
    for (const Graph* body : SubgraphsOf(node)) count += CountAllNodes(*body);
  return count;
}

std::vector<Inspection::Border> BordersOf(const Graph& graph, const std::vector<Value>& values) {
  std::vector<Inspection::Border> borders;
  for (const Value& value : values) {
    if (graph.FindInitializer(value.name) == nullptr)
      borders.push_back({value.name, PrintType(value.type)});
  }
  return borders;
}

Inspection DescribeFile(const LoadedModel& loaded, const std::string& place) {
  const Model& model = loaded.model;
  Inspection inspection;
  inspection.model = place;
  inspection.file_bytes = loaded.file_bytes;
  inspection.ir_version = model.ir_version;
  inspection.producer = model.producer_name;
  if (!model.producer_version.empty()) inspection.producer += " " + model.producer_version;
  inspection.opsets = model.opsets;
  inspection.inputs = BordersOf(model.graph, model.graph.inputs);
  inspection.outputs = BordersOf(model.graph, model.graph.outputs);
  CountParts(model.graph, inspection);
  return inspection;
}

int64_t ParameterBytes(const Inspection& inspection) {
  int64_t bytes = 0;
  for (const auto& [type, stored] : inspection.parameters) bytes += stored.bytes;
  return bytes;
}

// Weights that would be stored in 8 bit, by the way to them, and what that saves.
std::set<std::string> StoredWeights(const Graph& graph, const ModelSettings& settings,
                                    Inspection& inspection) {
  const std::set<std::string> kept = FindFloatWeights(graph, settings);
  std::set<std::string> stored;
  // What is saved is counted from the prepared graph: float16 weights behind a Cast are float
  // there.
  Inspection prepared;
  CountParts(graph, prepared);
  inspection.expected_bytes =
      inspection.file_bytes + ParameterBytes(prepared) - ParameterBytes(inspection);
  for (const WeightUse& use : FindWeightUses(graph, {})) {
    if (kept.contains(use.way) || !CanStore(use, {.bits = kStoredBits})) continue;
    const Tensor& weight = *use.owner->FindInitializer(use.name);
    int64_t scales = 1;
    for (const size_t axis : use.slot.channel_axes) {
      if (axis < weight.dims.size()) scales *= weight.dims[axis];
    }
    inspection.expected_bytes -=
        weight.byte_size() - weight.element_count() - scales * static_cast<int64_t>(sizeof(float));
    stored.insert(use.way);
  }
  inspection.expected_bytes = std::max<int64_t>(inspection.expected_bytes, 0);
  return stored;
}

bool HasFreeDimension(const Value& value) {
  if (!value.type.shape) return true;
  return std::any_of(value.type.shape->begin(), value.type.shape->end(),
                     [](const Dim& dim) { return !dim.known(); });
}

std::string ProcessorsOf(const CostTable& costs) {
  if (costs.ns == kVnniCosts.ns) return "with int8 dot products";
  if (costs.ns == kAvx2Costs.ns) return "without int8 dot products";
  return "on a mean of processors with and without int8 dot products";
}

void Estimate(const PreparedModel& prepared, Inspection& inspection) {
  const Graph& graph = prepared.model.graph;
  const SchemeChoice choice = ChooseScheme(graph, {}, prepared.settings);
  const Placement placement = PlaceNodes(graph, choice.place);
  ConversionReport counts;
  CountNodes(graph, placement, counts);
  inspection.target = TargetDeviceName(prepared.settings.config.target_device);
  inspection.scheme = SchemeName(choice.scheme);
  inspection.scheme_reason = choice.reason;
  inspection.prepared_nodes = CountAllNodes(graph);
  inspection.integer_nodes = counts.integer_nodes;
  inspection.fused_nodes = counts.fused_nodes;
  inspection.float_nodes = counts.float_nodes;
  inspection.float_reasons = std::move(counts.float_reasons);
  if (placement.float_ns > 0) inspection.time_ratio = placement.chosen_ns / placement.float_ns;
  inspection.time_of = ProcessorsOf(choice.place.costs);
  const std::set<std::string> stored = StoredWeights(graph, prepared.settings, inspection);
  for (const auto& [name, tensor] : graph.initializers)
    if (prepared.stores_float16 && !stored.contains(name) && IsSmallerAsFloat16(tensor))
      inspection.expected_bytes -= tensor.byte_size() / 2;
  inspection.products = CountProducts(prepared.model, choice, placement, prepared.settings, stored);
  if (inspection.integer_nodes == 0 && stored.empty() && choice.dynamic.empty() &&
      IsQuantizedAlready(graph))
    inspection.scheme_reason = kQuantizedAlready;
  inspection.has_free_dimensions =
      std::any_of(graph.inputs.begin(), graph.inputs.end(), HasFreeDimension);
  inspection.warnings = prepared.warnings;
}

}  // namespace

Inspection InspectModel(const InspectOptions& options) {
  const std::string place = options.model.string();
  LoadedModel loaded = LoadOnnx(options.model);
  Inspection inspection = DescribeFile(loaded, place);
  Estimate(PrepareWithSettings(std::move(loaded.model), options.config, place), inspection);
  return inspection;
}

}  // namespace qconvert
