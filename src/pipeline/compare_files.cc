#include "qconvert/pipeline/compare_files.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>
#include <utility>

#include "calibrate_model.h"
#include "compare_models.h"
#include "inner_values.h"
#include "model_pair.h"
#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

// Runs both models over all samples, whatever is looked at.
class PairRunner {
 public:
  PairRunner(const ModelPair& pair, const SampleSource& samples, const SampleData& data)
      : pair_(pair),
        feeder_(samples, pair.a.model.graph.inputs, data.states),
        workers_(WorkerCount(data)),
        order_(samples.Digest(workers_).by_content) {}

  // One comparison for each of `values`, which model b calls `names_b`.
  std::vector<OutputComparison> Run(const std::vector<ComparedValue>& values,
                                    const std::vector<std::string>& names_b) {
    const OpenSession open = [&] {
      return OpenShowing(pair_.a.model, pair_.place_a, NamesOf(values), pair_.is_random);
    };
    ModelComparer comparer(
        open(), feeder_, values, order_,
        {.count = order_.size(), .workers = workers_, .in_step = pair_.is_random, .reopen = open});
    std::vector<OutputComparison> compared =
        comparer.Compare(*OpenShowing(pair_.b.model, pair_.place_b, names_b, pair_.is_random));
    sample_names_ = comparer.sample_names();
    return compared;
  }

  ValueSizes Sizes() const {
    return MeasureSizes(pair_.a.model, feeder_, order_.at(0), pair_.place_a);
  }
  const std::vector<std::string>& sample_names() const { return sample_names_; }

 private:
  const ModelPair& pair_;
  const InputFeeder feeder_;
  const int workers_;
  const std::vector<size_t> order_;
  std::vector<std::string> sample_names_;
};

// The outputs stand in front: states are fed back from them.
void CompareGroup(const ModelPair& pair, const std::vector<InnerValue>& group, PairRunner& runner,
                  FileComparison& comparison) {
  std::vector<ComparedValue> values = pair.outputs;
  std::vector<std::string> names_b = NamesOf(values);
  for (const InnerValue& value : group) {
    values.push_back({value.shown_a, {}, {}, false, false});
    names_b.push_back(value.shown_b);
  }
  const std::vector<OutputComparison> compared = runner.Run(values, names_b);
  for (size_t k = 0; k < group.size(); ++k) {
    const OutputComparison& seen = compared[pair.outputs.size() + k];
    if (seen.sums.count + seen.non_finite == 0) continue;  // another type or shape
    comparison.inner.push_back({group[k].name, group[k].op_type, seen.sums, seen.mismatched,
                                seen.non_finite, group[k].shown_b != group[k].name});
  }
}

// What every node of the first model writes, as far as it was compared.
std::vector<ComparedNode> DescribeNodes(const Graph& graph, const FileComparison& comparison) {
  struct Seen {
    double noise = 0;
    bool is_quantized = false;
  };
  std::unordered_map<std::string, Seen> seen;
  for (const InnerComparison& value : comparison.inner) {
    // Nothing is further off than what is no number.
    const double noise = value.non_finite > 0 ? HUGE_VAL : value.sums.noise();
    seen[value.name] = {noise, value.is_quantized};
  }
  for (const OutputComparison& output : comparison.outputs)
    if (output.sums.count > 0) seen[output.value.name] = {output.sums.noise(), false};
  const Topology topology(graph);
  std::vector<ComparedNode> nodes;
  for (const Node& node : graph.nodes) {
    ComparedNode& row =
        nodes.emplace_back(ComparedNode{LabelOf(node), node.op_type, {}, {}, false});
    std::set<size_t> reads;
    for (const std::string& input : node.inputs)
      if (topology.ProducerIndex(input) != Topology::kNpos)
        reads.insert(topology.ProducerIndex(input));
    row.reads.assign(reads.begin(), reads.end());
    for (const std::string& output : node.outputs) {
      const auto it = seen.find(output);
      if (it == seen.end()) continue;
      row.noise = std::max(row.noise.value_or(0), it->second.noise);
      row.is_quantized |= it->second.is_quantized;
    }
  }
  return nodes;
}

}  // namespace

FileComparison CompareFiles(const CompareFilesOptions& options) {
  const ModelPair pair = LoadPair(options.a, options.b);
  const SampleSource samples = OpenPairData(pair, options.data, options.outputs);
  FileComparison comparison;
  comparison.a = pair.place_a;
  comparison.b = pair.place_b;
  comparison.only_a = pair.only_a;
  comparison.only_b = pair.only_b;
  comparison.is_judged = options.budget.has_value();
  comparison.gate = options.budget.value_or(Gate{});
  PairRunner runner(pair, samples, options.data);
  const auto tell = [&](size_t done, size_t total) {
    if (options.progress) options.progress(done, total);
  };
  std::vector<std::vector<InnerValue>> groups;
  if (options.inner) {
    const ValueSizes sizes = runner.Sizes();
    groups = GroupBySize(MatchInnerValues(pair.a.model.graph, pair.b.model.graph, sizes), sizes,
                         kInnerBytes);
  }
  comparison.outputs = runner.Run(pair.outputs, NamesOf(pair.outputs));
  comparison.sample_names = runner.sample_names();
  for (size_t g = 0; g < groups.size(); ++g) {
    tell(g + 1, groups.size() + 1);
    CompareGroup(pair, groups[g], runner, comparison);
  }
  if (!groups.empty()) tell(groups.size() + 1, groups.size() + 1);
  if (options.nodes) comparison.nodes = DescribeNodes(pair.a.model.graph, comparison);
  return comparison;
}

}  // namespace qconvert
