#include "layerwise_run.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "compared_models.h"
#include "measure_layers.h"
#include "qconvert/base/check.h"
#include "qconvert/base/error.h"
#include "qconvert/base/free_memory.h"
#include "qconvert/base/parallel.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

constexpr double kFloatBytes = 4;

// The last node that reads the value; nothing when none does.
std::optional<size_t> LastReader(const Topology& topology, const std::string& value) {
  const auto& uses = topology.Uses(value);
  return uses.empty() ? std::nullopt : std::optional(uses.back().node);
}

}  // namespace

ValueType CommonType(const std::vector<Tensor>& tensors) {
  ValueType type{tensors[0].type, std::vector<Dim>{}, {}};
  for (const int64_t dim : tensors[0].dims) type.shape->push_back({dim, {}});
  for (const Tensor& tensor : tensors) {
    if (tensor.dims.size() != type.shape->size()) return {tensor.type, std::nullopt, {}};
    for (size_t d = 0; d < tensor.dims.size(); ++d)
      if ((*type.shape)[d].value != tensor.dims[d]) (*type.shape)[d] = {};
  }
  return type;
}

bool HasBodies(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [](const Node& node) { return !SubgraphsOf(node).empty(); });
}

Model CutNodes(const Model& model, size_t first, size_t end,
               const std::map<std::string, std::vector<Tensor>>& given) {
  Model piece;
  piece.ir_version = model.ir_version;
  piece.opsets = model.opsets;
  piece.functions = model.functions;
  Graph& graph = piece.graph;
  graph.name = model.graph.name;
  const auto node = [&](size_t n) { return model.graph.nodes.begin() + static_cast<ptrdiff_t>(n); };
  graph.nodes.assign(node(first), node(end));
  for (const std::string& value : CapturedValues(graph)) {
    if (const Tensor* tensor = model.graph.FindInitializer(value)) {
      graph.initializers.emplace(value, *tensor);
    } else if (const auto it = given.find(value); it != given.end()) {
      graph.inputs.push_back({value, CommonType(it->second), {}, {}});
    }
  }
  return piece;
}

LayerwiseRun::LayerwiseRun(Model model, std::vector<Sample> samples,
                           std::multiset<std::string> wanted, int workers, std::string place)
    : model_(std::move(model)),
      topology_(model_.graph),
      wanted_(std::move(wanted)),
      workers_(workers),
      place_(std::move(place)) {
  samples_ = samples.size();
  for (Sample& sample : samples)
    for (Tensor& input : sample.inputs) live_[input.name].push_back(std::move(input));
}

LayerwiseRun::~LayerwiseRun() {
  live_.clear();
  ReturnFreeMemory();
}

const std::vector<Tensor>& LayerwiseRun::Reach(const std::string& value) {
  QCONVERT_CHECK(wanted_.contains(value));
  const size_t producer = topology_.ProducerIndex(value);
  if (producer != Topology::kNpos && producer >= next_) RunUntil(producer + 1);
  return live_.at(value);
}

std::vector<Tensor> LayerwiseRun::Take(const std::string& value) {
  Reach(value);
  return std::move(live_.at(value));
}

void LayerwiseRun::Replace(const std::string& value, std::vector<Tensor> tensors) {
  live_.at(value) = std::move(tensors);
}

void LayerwiseRun::ReplaceConstant(const std::string& name, Tensor tensor) {
  tensor.name = name;
  model_.graph.initializers.at(name) = std::move(tensor);
}

void LayerwiseRun::Drop(const std::string& value) {
  // One of the times that it is wanted.
  wanted_.erase(wanted_.find(value));
  ForgetUnused();
}

Model LayerwiseRun::Piece(size_t end) const {
  Model piece = CutNodes(model_, next_, end, live_);
  Graph& graph = piece.graph;
  for (const Node& one : graph.nodes) {
    for (const std::string& output : one.outputs) {
      // A value that only this piece reads never leaves the engine.
      if (!output.empty() && IsUsedFrom(end, output)) graph.outputs.push_back({output, {}, {}, {}});
    }
  }
  return piece;
}

void LayerwiseRun::RunUntil(size_t end) {
  const Model piece = Piece(end);
  // Few runs: large weights are not copied.
  const EngineModel engine = SerializeForFewRuns(piece);
  OrtSessionOptions options = ComparisonOptions(WeightBytes(piece.graph));
  options.optimization =
      HasBodies(piece.graph) ? OptimizationLevel::kNone : OptimizationLevel::kAll;
  options.external_initializers = engine.external;
  options.fed = engine.fed;
  const auto session = OpenOrtSession(engine.bytes, place_, options);
  // Large codes become floats in every run: not in several at once.
  const int workers = WeightBytes(piece.graph) < kLargeWeights ? workers_ : 1;
  std::vector<std::vector<Tensor>> outputs(samples_);
  ParallelFor(samples_, workers, [&](size_t s, size_t /*worker*/) {
    std::vector<Tensor> inputs;
    for (const Value& input : piece.graph.inputs) {
      Tensor& live = live_.at(input.name)[s];
      // What all samples read and what they write would be in memory together.
      inputs.push_back(IsUsedFrom(end, input.name) ? live : std::move(live));
    }
    outputs[s] = session->Run(inputs, nullptr);
  });
  for (std::vector<Tensor>& of_sample : outputs) {
    for (Tensor& output : of_sample) {
      if (output.type == DataType::kUndefined)
        throw Error(ExitCode::kModel, place_, "a value between two layers is no tensor");
      live_[output.name].push_back(std::move(output));
    }
  }
  next_ = end;
  ForgetUnused();
}

bool LayerwiseRun::IsUsedFrom(size_t node, const std::string& value) const {
  const std::optional<size_t> reader = LastReader(topology_, value);
  return wanted_.contains(value) || (reader && *reader >= node);
}

void LayerwiseRun::ForgetUnused() {
  std::erase_if(live_, [&](const auto& value) { return !IsUsedFrom(next_, value.first); });
}

double PeakLiveBytes(const Graph& graph, const ValueSizes& sizes) {
  const Topology topology(graph);
  const auto bytes = [&](const std::string& value) {
    const auto it = sizes.find(value);
    return it == sizes.end() ? 0 : kFloatBytes * static_cast<double>(it->second);
  };
  double live = 0;
  double peak = 0;
  std::map<size_t, double> ends;  // reader -> bytes that it reads last
  const auto begin = [&](const std::string& value) {
    const std::optional<size_t> reader = LastReader(topology, value);
    // What nobody reads is not kept.
    if (!reader) return;
    live += bytes(value);
    ends[*reader] += bytes(value);
  };
  for (const Value& input : graph.inputs) begin(input.name);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const std::string& output : graph.nodes[n].outputs) begin(output);
    // While a node runs, its inputs and outputs are there.
    peak = std::max(peak, live);
    live -= ends[n];
  }
  return peak;
}

}  // namespace qconvert
