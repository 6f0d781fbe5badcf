#include "segmented_model.h"

#include <fmt/format.h>

#include <utility>

#include "compared_models.h"
#include "layerwise_run.h"
#include "long_models.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

// Of a value: it lies between nodes c - 1 and c for begin <= c <= end.
struct Life {
  std::string value;
  size_t begin = 0;
  size_t end = 0;
};

std::vector<Life> LivesOf(const Graph& graph) {
  const Topology topology(graph);
  std::vector<Life> lives;
  const auto add = [&](const std::string& value, size_t begin) {
    if (value.empty()) return;
    const std::vector<Use>& uses = topology.Uses(value);
    size_t end = uses.empty() ? 0 : uses.back().node;
    if (topology.IsGraphOutput(value)) end = graph.nodes.size();
    if (end >= begin) lives.push_back({value, begin, end});
  };
  for (const Value& input : graph.inputs)
    if (graph.FindInitializer(input.name) == nullptr) add(input.name, 0);
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    for (const std::string& output : graph.nodes[n].outputs) add(output, n + 1);
  return lives;
}

// First nodes of the segments: the last ones have as few nodes as have weights enough.
std::vector<size_t> ChooseCuts(const Graph& graph, int64_t least_bytes) {
  std::vector<size_t> cuts;
  std::set<std::string> seen;
  int64_t bytes = 0;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    for (const std::string& input : graph.nodes[n].inputs) {
      const Tensor* tensor = graph.FindInitializer(input);
      if (tensor != nullptr && seen.insert(input).second) bytes += tensor->byte_size();
    }
    if (bytes < least_bytes && n > 0) continue;
    cuts.insert(cuts.begin(), n);
    bytes = 0;
  }
  return cuts;
}

}  // namespace

SegmentedModel::SegmentedModel(Model model, std::string place, bool integer_kernels,
                               int64_t least_bytes)
    : model_(std::move(model)), place_(std::move(place)), integer_kernels_(integer_kernels) {
  const std::vector<Life> lives = LivesOf(graph());
  for (const size_t cut : ChooseCuts(graph(), least_bytes)) segments_.emplace_back().first = cut;
  for (size_t k = 0; k <= count(); ++k) {
    std::set<std::string>& needed = needed_.emplace_back();
    for (const Life& life : lives)
      if (life.begin <= First(k) && First(k) <= life.end) needed.insert(life.value);
  }
}

size_t SegmentedModel::First(size_t k) const {
  return k == count() ? graph().nodes.size() : segments_[k].first;
}

void SegmentedModel::Open(size_t k, const Border& before) {
  Model piece = CutNodes(model_, First(k), First(k + 1), before);
  Graph& part = piece.graph;
  for (const std::string& value : CapturedValues(part)) {
    if (!part.initializers.contains(value) && !before.contains(value))
      throw Error(ExitCode::kModel, place_, fmt::format("no value for \"{}\"", value));
  }
  for (const std::string& value : Needed(k + 1))
    if (!Needed(k).contains(value)) part.outputs.push_back({value, {}, {}, {}});
  RemoveDeadNodes(part);
  if (!part.outputs.empty())
    segments_[k].session = OpenForComparison(piece, place_, integer_kernels_, kStepsOfCandidate);
  for (const auto& [value, tensors] : before) segments_[k].types[value] = tensors[0].type;
}

void RunInto(LiveValues& live, const Session& session, ValueObserver* observer) {
  std::vector<Tensor> inputs;
  for (const Value& input : session.inputs()) {
    inputs.push_back(live.at(input.name));
    inputs.back().name = input.name;
  }
  for (Tensor& output : session.Run(inputs, observer)) {
    std::string name = output.name;
    live[std::move(name)] = std::move(output);
  }
}

void SegmentedModel::Run(size_t k, LiveValues& live) const {
  if (const Session* session = segments_[k].session.get()) RunInto(live, *session);
  std::erase_if(live, [&](const auto& value) { return !Needed(k + 1).contains(value.first); });
}

}  // namespace qconvert
