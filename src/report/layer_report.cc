#include "qconvert/report/layer_report.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "drawn_values.h"
#include "find_causes.h"
#include "node_way.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/multiply_adds.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

class Describer {
 public:
  Describer(const Graph& graph, const QuantizationPlan& plan, const CalibrationTable& table,
            const CostModel& cost, LayerErrors errors)
      : graph_(graph), plan_(plan), table_(table), topology_(graph), cost_(cost) {
    report_.errors = std::move(errors);
  }

  LayerReport Run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) report_.layers.push_back(RowOf(n));
    // They stand in the rows by now.
    report_.errors.nodes.clear();
    SetFused();
    SetShares();
    AddFindings(graph_, plan_, table_, report_.layers);
    // Behind SetShares, by which rows are ordered.
    const std::vector<size_t> order = WorstFirst();
    DrawValues(graph_, plan_, table_, order, report_);
    DrawWeights(graph_, plan_, order, report_);
    return std::move(report_);
  }

 private:
  LayerRow RowOf(size_t n) const {
    const Node& node = graph_.nodes[n];
    const NodePlacement& placed = plan_.placement.nodes[n];
    LayerRow row;
    row.name = node.name;
    row.origin = node.origin_name();
    row.op_type = node.op_type;
    const bool is_dynamic = plan_.dynamic_nodes.contains(n);
    row.computes = NodeWayName(WayOf(placed, is_dynamic));
    row.reason = placed.reason;
    for (const std::string& output : node.outputs)
      if (!output.empty()) row.writes.push_back(output);
    row.format = FormatOf(node, n);
    if (n < report_.errors.nodes.size()) row.errors = report_.errors.nodes[n];
    row.multiply_adds = CountMultiplyAdds(graph_, cost_, node);
    row.weight_bytes = WeightBytes(node, n);
    if (placed.domain == NodeDomain::kInteger && FindOpRule(node).kind != OpKind::kFloatOnly)
      row.saved_ns = cost_.FloatCost(node) - cost_.IntegerCost(node);
    if (is_dynamic) row.saved_ns = cost_.FloatCost(node) - cost_.DynamicCost(node);
    std::set<size_t> reads;
    for (const std::string& input : node.inputs) {
      const size_t producer = topology_.ProducerIndex(input);
      if (producer != Topology::kNpos) reads.insert(producer);
    }
    row.reads.assign(reads.begin(), reads.end());
    return row;
  }

  const StoredWeight* Stored(const std::string& weight) const {
    const auto stored = plan_.stored.find(weight);
    return stored == plan_.stored.end() ? nullptr : &stored->second;
  }

  std::string FormatOf(const Node& node, size_t n) const {
    const auto type_of = [&](const std::string& value) -> std::string {
      const auto decided = plan_.values.find(value);
      return decided == plan_.values.end() ? "float"
                                           : std::string(DataTypeName(decided->second.params.type));
    };
    // The placement has dynamic nodes as float ones: they are asked for first.
    if (const auto dynamic = plan_.dynamic_nodes.find(n); dynamic != plan_.dynamic_nodes.end())
      // DynamicQuantizeLinear gives uint8 alone.
      return "uint8 x int8";
    if (plan_.placement.nodes[n].domain == NodeDomain::kFused) return "fused";
    const auto integer = plan_.integer_nodes.find(n);
    if (plan_.placement.nodes[n].domain == NodeDomain::kInteger && !node.inputs.empty()) {
      std::string format = type_of(node.inputs[0]);
      if (integer != plan_.integer_nodes.end() && integer->second.weight)
        format += " x " + std::string(DataTypeName(integer->second.weight->params.type));
      return format;
    }
    for (const std::string& weight : WeightsOf(node)) {
      if (const StoredWeight* stored = Stored(weight); stored != nullptr)
        return "float x " + std::string(DataTypeName(stored->codes.type));
    }
    return "float";
  }

  int64_t WeightBytes(const Node& node, size_t n) const {
    if (const auto integer = plan_.integer_nodes.find(n);
        integer != plan_.integer_nodes.end() && integer->second.weight)
      return integer->second.weight->codes.byte_size();
    int64_t bytes = 0;
    if (const auto dynamic = plan_.dynamic_nodes.find(n); dynamic != plan_.dynamic_nodes.end()) {
      for (const ConstantCodes& weight : dynamic->second.weights) bytes += weight.codes.byte_size();
      return bytes;
    }
    for (const std::string& weight : WeightsOf(node)) {
      const StoredWeight* stored = Stored(weight);
      const Tensor* floats = graph_.FindInitializer(weight);
      if (stored != nullptr) {
        bytes += stored->codes.byte_size();
      } else if (floats != nullptr) {
        bytes += floats->byte_size();
      }
    }
    return bytes;
  }

  void SetFused() {
    for (size_t n = 0; n < report_.layers.size(); ++n) {
      const NodePlacement& placed = plan_.placement.nodes[n];
      if (placed.domain != NodeDomain::kInteger) continue;
      for (const size_t follower : placed.unit.tail) report_.layers[follower].fused_into = n;
    }
  }

  void SetShares() {
    double sum = 0;
    for (const LayerRow& row : report_.layers) sum += row.errors.alone.value_or(0);
    // Nothing measured, or nothing wrong: no shares.
    if (sum <= 0) return;
    for (LayerRow& row : report_.layers) row.share = row.errors.alone.value_or(0) / sum;
  }

  std::vector<size_t> WorstFirst() const {
    std::vector<size_t> order(report_.layers.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return report_.layers[a].share > report_.layers[b].share;
    });
    return order;
  }

  const Graph& graph_;
  const QuantizationPlan& plan_;
  const CalibrationTable& table_;
  const Topology topology_;
  const CostModel& cost_;
  LayerReport report_;
};

}  // namespace

LayerReport DescribeLayers(const Graph& graph, const QuantizationPlan& plan,
                           const CalibrationTable& table, const CostModel& cost,
                           LayerErrors errors) {
  return Describer(graph, plan, table, cost, std::move(errors)).Run();
}

std::vector<size_t> Culprits(const LayerReport& report) {
  std::vector<size_t> order;
  for (size_t row = 0; row < report.layers.size(); ++row)
    if (report.layers[row].errors.alone.value_or(0) > 0) order.push_back(row);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return *report.layers[a].errors.alone > *report.layers[b].errors.alone;
  });
  return order;
}

}  // namespace qconvert
