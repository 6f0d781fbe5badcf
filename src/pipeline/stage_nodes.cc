#include "stage_nodes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "calibrate_model.h"
#include "compare_models.h"
#include "inner_values.h"
#include "model_pair.h"
#include "qconvert/base/metric.h"
#include "qconvert/ir/scope.h"
#include "qconvert/pipeline/compare_files.h"

namespace qconvert {
namespace {

using Cosines = std::map<std::string, double>;

// Values that both models write, outputs among them.
std::vector<InnerValue> ComparableValues(const FloatAndQuantized& models, const ValueSizes& sizes) {
  const Graph& graph = models.optimized.graph;
  std::vector<InnerValue> values = MatchInnerValues(graph, models.quantized.graph, sizes);
  for (const Value& output : graph.outputs) {
    if (sizes.contains(output.name)) values.push_back({output.name, "", output.name, output.name});
  }
  return values;
}

Cosines Measure(const FloatAndQuantized& models, const InputFeeder& feeder, size_t sample,
                const std::string& place) {
  Cosines cosines;
  if (feeder.size() == 0 || feeder.has_feedback()) return cosines;
  const ValueSizes sizes = MeasureSizes(models.optimized, feeder, sample, place);
  for (const auto& group : GroupBySize(ComparableValues(models, sizes), sizes, kInnerBytes)) {
    std::vector<ComparedValue> values;
    std::vector<std::string> names;
    for (const InnerValue& value : group) {
      values.push_back({value.shown_a, {}, {}, false, false});
      names.push_back(value.shown_b);
    }
    // Seeded: both draw alike, where they draw at all.
    ModelComparer comparer(OpenShowing(models.optimized, place, NamesOf(values), true), feeder,
                           values, {sample}, {.count = 1});
    const auto compared = comparer.Compare(*OpenShowing(models.quantized, place, names, true));
    for (size_t k = 0; k < group.size(); ++k) {
      const auto cosine = Evaluate(Metric::kCosine, compared[k].sums);
      if (cosine) cosines.emplace(group[k].name, *cosine);
    }
  }
  return cosines;
}

// What the integer kernel that computes node `n` writes; its own output for a node without one.
std::vector<std::string> WrittenBy(const Graph& graph, const Placement& placement) {
  std::vector<std::string> written;
  for (const Node& node : graph.nodes)
    written.push_back(node.outputs.empty() ? "" : node.outputs[0]);
  for (const NodePlacement& node : placement.nodes) {
    if (node.domain != NodeDomain::kInteger) continue;
    for (const size_t t : node.unit.tail) written[t] = node.unit.output;
  }
  for (size_t n = 0; n < placement.nodes.size(); ++n) {
    const NodePlacement& node = placement.nodes[n];
    if (node.domain == NodeDomain::kInteger && !node.unit.output.empty())
      written[n] = node.unit.output;
  }
  return written;
}

std::optional<double> ThresholdOf(const QuantizationPlan& plan, const std::string& value) {
  const auto found = plan.values.find(value);
  if (found == plan.values.end()) return std::nullopt;
  const Range& range = found->second.range;
  return std::max(std::abs(static_cast<double>(range.min)),
                  std::abs(static_cast<double>(range.max)));
}

}  // namespace

std::vector<StageNode> ListStageNodes(const FloatAndQuantized& models, const InputFeeder& feeder,
                                      size_t sample, const std::string& place) {
  const Graph& graph = models.optimized.graph;
  const Placement& placement = models.plan.placement;
  const Cosines cosines = Measure(models, feeder, sample, place);
  const std::vector<std::string> written = WrittenBy(graph, placement);
  std::vector<StageNode> rows;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const NodeDomain domain = placement.nodes[n].domain;
    if (domain == NodeDomain::kOther || node.outputs.empty()) continue;
    StageNode& row = rows.emplace_back();
    row.name = LabelOf(node);
    row.on_bpu = domain != NodeDomain::kFloat;
    row.type = node.op_type;
    const auto cosine = cosines.find(node.outputs[0]);
    if (cosine != cosines.end()) row.cosine = cosine->second;
    row.threshold = ThresholdOf(models.plan, node.input(0));
    const auto value = models.plan.values.find(written[n]);
    row.data_type = value == models.plan.values.end()
                        ? "float"
                        : std::string(DataTypeName(value->second.params.type));
  }
  return rows;
}

}  // namespace qconvert
