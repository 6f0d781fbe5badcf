#include "measure_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "alone_meter.h"
#include "compared_models.h"
#include "inner_values.h"
#include "measure_plan.h"
#include "qconvert/pipeline/compare_files.h"
#include "qconvert/plan/multiply_adds.h"
#include "qconvert/report/verdict.h"

namespace qconvert {
namespace {

std::string WhyUnmeasured(const LayerInputs& inputs) {
  if (inputs.comparer.count() == 0) return "there are no samples";
  if (inputs.comparer.is_in_step()) return "the model draws random numbers";
  const int64_t most = inputs.memory_limit > 0 ? std::min(kMostLayerBytes, inputs.memory_limit / 4)
                                               : kMostLayerBytes;
  const int64_t bytes = WeightBytes(inputs.exact.graph);
  if (bytes <= most) return "";
  return fmt::format("float weights take {} MB, both models in one are measured up to {} MB",
                     bytes / 1'000'000, most / 1'000'000);
}

// The most suspicious first.
void SortBySuspicion(const std::vector<double>& suspicion, std::vector<SwitchedNode>& nodes) {
  const auto of = [&](const SwitchedNode& one) {
    return one.node < suspicion.size() ? suspicion[one.node] : 0;
  };
  std::stable_sort(nodes.begin(), nodes.end(),
                   [&](const SwitchedNode& a, const SwitchedNode& b) { return of(a) > of(b); });
}

size_t SampleCount(const SwitchedModel& switched, const LayerInputs& inputs) {
  if (inputs.samples > 0) return inputs.samples;
  return switched.switches.size() > kFewSwitches ? 1 : 2;
}

std::set<size_t> Without(std::set<size_t> set, const std::set<size_t>& some) {
  for (const size_t one : some) set.erase(one);
  return set;
}

}  // namespace

SwitchMeter::SwitchMeter(const SwitchedModel& switched, ModelComparer& comparer,
                         const std::string& place, std::vector<size_t> samples,
                         std::function<void()> on_run)
    : switched_(switched),
      comparer_(comparer),
      samples_(std::move(samples)),
      on_run_(std::move(on_run)) {
  Model shown = switched.model;  // shares the bytes of tensors
  PrepareForComparison(comparer.values(), shown.graph);
  session_ = OpenSwitched(shown, place);
}

double SwitchMeter::Noise(const std::set<size_t>& on) {
  ++measured_;
  if (on_run_) on_run_();
  return WorstNoise(comparer_.Compare(SwitchedSession(session_, switched_, on), samples_));
}

int64_t WeightBytes(const Graph& graph) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : graph.initializers) bytes += tensor.byte_size();
  return bytes;
}

size_t AffordedRuns(double multiply_adds, size_t most) {
  const double runs = kMostMultiplyAdds / std::max(multiply_adds, 1.0);
  return std::min(most, std::max(kFewRuns, runs < 1e9 ? static_cast<size_t>(runs) : most));
}

double MultiplyAddsOfRun(const LayerInputs& inputs, size_t samples) {
  const Graph& graph = inputs.exact.graph;
  const CostModel cost(graph, inputs.sizes, inputs.costs);
  double sum = 0;
  for (const Node& node : graph.nodes) sum += CountMultiplyAdds(graph, cost, node);
  // Both models run.
  return 2 * sum * static_cast<double>(samples);
}

Model QuantizedOf(const LayerInputs& inputs, QuantizationPlan plan) {
  // They keep integer kernels away, which are not run here, and hide values behind other names.
  plan.own_dequantize.clear();
  FloatCache floats(inputs.workers);
  return MakeRunnable(inputs.exact, std::move(plan), floats);
}

SwitchedModel SwitchPlan(const LayerInputs& inputs, QuantizationPlan plan) {
  return MakeSwitched(inputs.exact, QuantizedOf(inputs, std::move(plan)));
}

std::vector<SwitchedNode> NodesOfSwitches(const SwitchedModel& switched,
                                          const QuantizationPlan& plan) {
  std::map<std::string, size_t> roots;  // what a unit writes -> the node that it begins with
  for (size_t n = 0; n < plan.placement.nodes.size(); ++n) {
    const NodePlacement& placed = plan.placement.nodes[n];
    if (placed.domain == NodeDomain::kInteger) roots.emplace(placed.unit.output, n);
  }
  std::vector<SwitchedNode> nodes;
  std::map<size_t, size_t> place_of;  // by node, in `nodes`
  for (size_t s = 0; s < switched.switches.size(); ++s) {
    const Switch& one = switched.switches[s];
    // What was moved about as codes belongs to who made the codes.
    const auto moved = plan.placement.roots.find(one.values[0]);
    const auto root =
        roots.find(moved == plan.placement.roots.end() ? one.values[0] : moved->second);
    const size_t node = root == roots.end() ? one.node : root->second;
    const auto [place, is_new] = place_of.emplace(node, nodes.size());
    if (is_new) nodes.push_back({node, {}});
    nodes[place->second].numbers.insert(s);
  }
  return nodes;
}

void MeasureBehind(const SwitchedModel& switched, const LayerInputs& inputs,
                   std::optional<double> NodeErrors::*behind, LayerErrors& errors) {
  std::map<std::string, size_t> node_of;
  std::vector<InnerValue> values;
  for (const auto& [node, numbers] : NodesOfSwitches(switched, inputs.plan)) {
    for (const size_t s : numbers) {
      for (const std::string& value : switched.switches[s].values) {
        if (!inputs.sizes.contains(value)) continue;
        node_of.emplace(value, node);
        values.push_back({value, "", value, value});
      }
    }
  }
  for (const std::vector<InnerValue>& group : GroupBySize(values, inputs.sizes, kInnerBytes)) {
    Model shown = switched.model;  // its outputs in front: states are fed back from them
    std::set<std::string> outputs;
    for (const Value& output : shown.graph.outputs) outputs.insert(output.name);
    for (const InnerValue& value : group)
      if (outputs.insert(value.name).second)
        shown.graph.outputs.push_back({value.name, {}, {}, {}});
    std::vector<ComparedValue> compared;
    for (const Value& output : shown.graph.outputs)
      compared.push_back({output.name, {}, {}, false, false});
    const std::shared_ptr<const Session> session = OpenSwitched(shown, inputs.place);
    ModelComparer comparer(std::make_unique<SwitchedSession>(session, switched, std::set<size_t>{}),
                           inputs.feeder, compared, inputs.order,
                           {.count = SampleCount(switched, inputs), .workers = inputs.workers});
    for (const OutputComparison& seen :
         comparer.Compare(SwitchedSession(session, switched, AllSwitches(switched)))) {
      const auto node = node_of.find(seen.value.name);
      if (node == node_of.end() || seen.sums.count == 0) continue;
      std::optional<double>& noise = errors.nodes[node->second].*behind;
      noise = std::max(noise.value_or(0), seen.sums.noise());
    }
    errors.runs += 2 * comparer.count();
  }
}

LayerErrors MeasureLayers(const LayerInputs& inputs) {
  LayerErrors errors;
  errors.why_none = WhyUnmeasured(inputs);
  if (!errors.why_none.empty()) return errors;
  const Model quantized = QuantizedOf(inputs, inputs.plan);
  const SwitchedModel switched = MakeSwitched(inputs.exact, quantized);
  if (switched.switches.empty()) {
    errors.why_none = "nothing is quantized";
    return errors;
  }
  errors.nodes.resize(inputs.exact.graph.nodes.size());
  MeasureBehind(switched, inputs, &NodeErrors::behind, errors);
  std::vector<SwitchedNode> nodes = NodesOfSwitches(switched, inputs.plan);
  SortBySuspicion(inputs.suspicion, nodes);
  const size_t samples = SampleCount(switched, inputs);
  nodes.resize(
      std::min(nodes.size(), AffordedRuns(MultiplyAddsOfRun(inputs, samples), kMostAlone)));
  SwitchMeter meter(switched, inputs.comparer, inputs.place, inputs.comparer.Spread(samples),
                    inputs.on_run);
  const std::set<size_t> all = AllSwitches(switched);
  errors.whole = meter.Noise(all);
  const std::vector<double> alone =
      MeasureAlone({inputs.exact, quantized, switched, inputs.comparer,
                    inputs.comparer.Spread(samples), inputs.place, inputs.on_run},
                   nodes);
  for (size_t k = 0; k < nodes.size(); ++k) errors.nodes[nodes[k].node].alone = alone[k];
  errors.runs += nodes.size() * meter.samples();
  std::stable_sort(nodes.begin(), nodes.end(), [&](const SwitchedNode& a, const SwitchedNode& b) {
    return *errors.nodes[a.node].alone > *errors.nodes[b.node].alone;
  });
  nodes.resize(std::min(nodes.size(), kMostWithout));
  for (const auto& [node, numbers] : nodes)
    errors.nodes[node].without = meter.Noise(Without(all, numbers));
  errors.samples = meter.samples();
  errors.runs += meter.runs();
  return errors;
}

}  // namespace qconvert
