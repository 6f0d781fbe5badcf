#include "learn_clips.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "layerwise_run.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/base/parallel.h"
#include "qconvert/ir/topology.h"
#include "qconvert/targets/fusions.h"
#include "qconvert/weights/learn_clip.h"
#include "qconvert/weights/output_positions.h"

namespace qconvert {
namespace {

// Part of the error that has to go: less is chance.
constexpr double kLeastGain = 0.02;
constexpr size_t kTogether = 16;  // values that are looked at by several threads at once

// A value whose range is learned.
struct Clip {
  std::string value;
  std::vector<ClipReader> readers;
};

class Clips {
 public:
  Clips(const Model& model, const QuantizationPlan& plan)
      : graph_(model.graph), topology_(graph_), plan_(plan) {
    // In the order of their producers: that is how a run reaches them.
    for (const Value& input : graph_.inputs) Add(input.name);
    for (const Node& node : graph_.nodes)
      for (const std::string& output : node.outputs) Add(output);
  }

  const std::vector<Clip>& all() const { return all_; }

 private:
  // Values with a fixed range, or one of another value, are left alone.
  void Add(const std::string& value) {
    const auto planned = plan_.values.find(value);
    if (planned == plan_.values.end() || planned->second.root != value ||
        planned->second.method == "fixed" || !planned->second.format.is_integer())
      return;
    Clip clip{.value = value};
    bool has_weights = false;
    bool is_read_as_it_is = false;
    for (const Use& use : topology_.Uses(value)) {
      if (std::optional<ClipReader> found = FindReader(use)) {
        has_weights = true;
        clip.readers.push_back(std::move(*found));
      } else {
        is_read_as_it_is = true;
      }
    }
    if (!has_weights) return;
    // One stands for all of them: what they want is the value itself.
    if (is_read_as_it_is) clip.readers.emplace_back();
    all_.push_back(std::move(clip));
  }

  std::optional<ClipReader> FindReader(const Use& use) const {
    const Node& node = graph_.nodes[use.node];
    const auto integer = plan_.integer_nodes.find(use.node);
    if (use.slot != 0 || integer == plan_.integer_nodes.end() || !integer->second.weight)
      return std::nullopt;
    const Tensor& weight = *graph_.FindInitializer(node.inputs[1]);
    if (weight.type != DataType::kFloat || !HasOutputPositions(node, weight)) return std::nullopt;
    const FusedUnit& unit = plan_.placement.nodes[use.node].unit;
    ClipReader reader{.node = &node,
                      .weight = &weight,
                      .bias = {},
                      .activation = FindActivation(graph_, topology_, unit)};
    if (const Tensor* bias = FindUnitBias(graph_, node, unit)) reader.bias = ToFloats(*bias);
    return reader;
  }

  const Graph& graph_;
  Topology topology_;
  const QuantizationPlan& plan_;
  std::vector<Clip> all_;
};

std::multiset<std::string> ValuesOf(const std::vector<Clip>& clips) {
  std::multiset<std::string> values;
  for (const Clip& clip : clips) values.insert(clip.value);
  return values;
}

}  // namespace

LearnedRanges LearnClips(const Model& model, const QuantizationPlan& plan,
                         const std::vector<Sample>& samples, int workers,
                         const std::string& place) {
  LearnedRanges learned;
  const Clips found(model, plan);
  try {
    LayerwiseRun floats(model, samples, ValuesOf(found.all()), workers, place);
    for (size_t first = 0; first < found.all().size(); first += kTogether) {
      const std::span clips =
          std::span(found.all()).subspan(first, std::min(kTogether, found.all().size() - first));
      std::vector<std::vector<Tensor>> tensors;  // share their bytes with the run
      for (const Clip& clip : clips) {
        tensors.push_back(floats.Reach(clip.value));
        floats.Drop(clip.value);
      }
      std::vector<LearnedClip> results(clips.size());
      ParallelFor(clips.size(), workers, [&](size_t k, size_t /*worker*/) {
        const ValuePlan& value = plan.values.at(clips[k].value);
        results[k] = LearnClip(tensors[k], clips[k].readers, value.range, value.format);
      });
      for (size_t k = 0; k < clips.size(); ++k) {
        if (results[k].error_after < (1 - kLeastGain) * results[k].error_before)
          learned.emplace(clips[k].value, results[k].range);
      }
    }
  } catch (const Error& e) {
    if (e.code() != ExitCode::kModel) throw;
    LogDebug(e.what());  // a whole plan that does not run is told by those who measure it
    return {};
  }
  return learned;
}

}  // namespace qconvert
