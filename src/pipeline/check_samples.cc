#include "check_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/topology.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

constexpr size_t kMaxNamed = 5;
constexpr size_t kLookedAt = 4;           // samples that are run for a check
constexpr double kFarDeviations = 10;     // right data are at about 1
constexpr double kMostCutOff = 0.5;       // right data: next to none
constexpr int64_t kManyRows = 8;          // that make a file look like a stack
constexpr size_t kMaxFrontNodes = 32;     // in front of the first normalization
constexpr float kDefaultEpsilon = 1e-5F;  // of BatchNormalization

// Nodes that `value` is computed from; too many: nothing.
std::optional<std::set<const Node*>> NodesBefore(const Topology& topology,
                                                 const std::string& value) {
  std::set<const Node*> found;
  std::vector<std::string> open = {value};
  while (!open.empty()) {
    const Node* producer = topology.Producer(open.back());
    open.pop_back();
    if (producer == nullptr || !found.insert(producer).second) continue;
    if (found.size() > kMaxFrontNodes) return std::nullopt;
    open.insert(open.end(), producer->inputs.begin(), producer->inputs.end());
  }
  return found;
}

bool IsNormalization(const Node& node) {
  return node.Is("BatchNormalization") && node.inputs.size() == 5 &&
         node.GetInt("training_mode", 0) == 0;
}

void AddFew(const SampleSource& samples, std::vector<std::string>& oddities) {
  if (samples.size() >= kFewSamples) return;
  oddities.push_back(
      fmt::format("only {}: ranges from so few may be too narrow for others, expected {} or more",
                  Counted(static_cast<int64_t>(samples.size()), "sample"), kFewSamples));
}

// The smallest and largest number of an input in a few samples, which get into `names`.
std::pair<double, double> RangeSeen(const SampleSource& samples, std::span<const size_t> order,
                                    const std::string& input, std::vector<std::string>& names) {
  std::pair<double, double> range = {INFINITY, -INFINITY};
  for (const size_t index : order) {
    const Sample sample = samples.Read(index);
    names.push_back(sample.name);
    for (const Tensor& tensor : sample.inputs) {
      if (tensor.name != input) continue;
      for (const float v : ToFloats(tensor)) {
        range.first = std::min(range.first, static_cast<double>(v));
        range.second = std::max(range.second, static_cast<double>(v));
      }
    }
  }
  return range;
}

void AddIntegers(const SampleSource& samples, std::span<const size_t> order,
                 std::vector<std::string>& oddities) {
  for (const auto& [input, type] : samples.integer_data()) {
    std::vector<std::string> names;
    const auto [least, most] = RangeSeen(samples, order, input, names);
    if (least > most) continue;
    oddities.push_back(
        fmt::format("files of input \"{}\" hold {} from {} to {}, which become float as they are; "
                    "the model may "
                    "expect them scaled, as in training{}",
                    input, DataTypeName(type), least, most, InSamples(names, samples.size())));
  }
}

// Squared distances from the mean over squared deviation, mean of each channel.
std::vector<double> Distances(const Tensor& tensor, const FirstNormalization& first) {
  const size_t channels = first.mean.size();
  if (tensor.dims.size() < 2 || tensor.dims[1] != static_cast<int64_t>(channels)) return {};
  const std::vector<float> values = ToFloats(tensor);
  size_t plane = 1;
  for (size_t d = 2; d < tensor.dims.size(); ++d) plane *= static_cast<size_t>(tensor.dims[d]);
  std::vector<double> sums(channels, 0);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = i / plane % channels;
    const auto distance = static_cast<double>((values[i] - first.mean[c]) / first.deviation[c]);
    sums[c] += distance * distance;
  }
  for (double& sum : sums)
    sum /= static_cast<double>(std::max<size_t>(values.size() / channels, 1));
  return sums;
}

// Of squared distances; 0 of none.
double MedianDeviations(std::vector<double> squared) {
  if (squared.empty()) return 0;
  const auto middle = squared.begin() + static_cast<ptrdiff_t>(squared.size() / 2);
  std::nth_element(squared.begin(), middle, squared.end());
  return std::sqrt(*middle);
}

void AddFarAway(const InputFeeder& feeder, std::span<const size_t> order,
                const FirstNormalization& first, std::vector<std::string>& oddities) {
  const auto session = OpenOrtSession(SerializeModel(first.front), first.node,
                                      {.optimization = OptimizationLevel::kNone});
  std::vector<double> all;  // of channels, over samples
  std::vector<std::string> names;
  for (const size_t index : order) {
    const Sample sample = feeder.Read(index, {});
    const std::vector<double> one = Distances(RunSample(*session, sample).at(0), first);
    all.insert(all.end(), one.begin(), one.end());
    if (MedianDeviations(one) > kFarDeviations) names.push_back(sample.name);
  }
  const double deviations = MedianDeviations(all);
  if (!(deviations > kFarDeviations)) return;
  oddities.push_back(fmt::format(
      "what the samples give at \"{}\" lies {:.0f} deviations from the mean it was trained with, "
      "expected about 1; are they scaled and ordered as in training?{}",
      first.node, deviations, InSamples(names)));
}

void AddCutOff(const InputFeeder& feeder, std::span<const size_t> order, const FirstBound& first,
               std::vector<std::string>& oddities) {
  const auto session = OpenOrtSession(SerializeModel(first.front), first.node,
                                      {.optimization = OptimizationLevel::kNone});
  const auto is_much = [](ptrdiff_t cut, ptrdiff_t positive) {
    return static_cast<double>(cut) > kMostCutOff * static_cast<double>(positive);
  };
  ptrdiff_t positive = 0;
  ptrdiff_t cut = 0;
  std::vector<std::string> names;
  for (const size_t index : order) {
    const Sample sample = feeder.Read(index, {});
    const Tensor seen = RunSample(*session, sample).at(0);
    if (seen.type != DataType::kFloat) return;
    const std::span<const float> values = seen.values<float>();
    const auto above = [&](float bound) {
      return std::count_if(values.begin(), values.end(), [&](float v) { return v > bound; });
    };
    const ptrdiff_t own = above(0);
    const ptrdiff_t own_cut = above(first.bound);
    if (is_much(own_cut, own)) names.push_back(sample.name);
    positive += own;
    cut += own_cut;
  }
  if (!is_much(cut, positive)) return;
  oddities.push_back(
      fmt::format("\"{}\" cuts {:.0f} % of the positive values that the samples give it at {}, "
                  "expected few; are they scaled and ordered as in training?{}",
                  first.node, 100 * static_cast<double>(cut) / static_cast<double>(positive),
                  first.bound, InSamples(names)));
}

// Rows `a` and `b` of every input.
Sample TwoRows(const Sample& sample, int64_t a, int64_t b) {
  Sample out{sample.name, {}};
  for (const Tensor& tensor : sample.inputs) {
    const auto row = static_cast<size_t>(tensor.byte_size() / tensor.dims[0]);
    Tensor& two = out.inputs.emplace_back(tensor);
    two.dims[0] = 2;
    two.bytes = std::make_shared<const std::string>(
        tensor.bytes->substr(static_cast<size_t>(a) * row, row) +
        tensor.bytes->substr(static_cast<size_t>(b) * row, row));
  }
  return out;
}

// The bytes of row `k` of two of every output; nothing when an output has no two rows.
std::optional<std::string> RowOf(const std::vector<Tensor>& outputs, size_t k) {
  std::string bytes;
  for (const Tensor& output : outputs) {
    if (output.bytes == nullptr || output.dims.empty() || output.dims[0] != 2) return std::nullopt;
    const size_t row = output.bytes->size() / 2;
    bytes += output.bytes->substr(k * row, row);
  }
  return bytes;
}

// Whether a row's outputs are the same bits wherever it stands and whatever stands beside it. Two
// rows each time: other shapes may round otherwise.
bool AreRowsApart(const Session& session, const Sample& sample, int64_t rows) {
  const auto run = [&](int64_t a, int64_t b) { return RunSample(session, TwoRows(sample, a, b)); };
  const std::vector<Tensor> there = run(0, 1);
  const std::vector<Tensor> back = run(1, 0);
  const std::vector<Tensor> other = run(0, rows - 1);
  const auto first = RowOf(there, 0);
  return first && first == RowOf(back, 1) && first == RowOf(other, 0) &&
         RowOf(there, 1) == RowOf(back, 0);
}

// Rows that all inputs of the sample have in common; 0: none.
int64_t CommonRows(const Sample& sample) {
  int64_t rows = 0;
  for (const Tensor& tensor : sample.inputs) {
    if (tensor.dims.empty() || tensor.bytes == nullptr) return 0;
    if (rows == 0) rows = tensor.dims[0];
    if (tensor.dims[0] != rows) return 0;
  }
  return rows;
}

void AddStacked(const SampleSource& samples, const InputFeeder& feeder,
                const std::filesystem::path& model_file, std::vector<std::string>& oddities) {
  if (samples.size() != 1 || feeder.has_feedback()) return;
  const Sample sample = feeder.Read(0, {});
  const int64_t rows = CommonRows(sample);
  if (rows < kManyRows) return;
  const auto session = OpenOrtSessionFile(model_file, model_file.string(), {});
  if (!AreRowsApart(*session, sample, rows)) return;
  oddities.push_back(
      fmt::format("{} is one sample, whose {} rows do not depend on each other: --stacked would "
                  "take it as {} samples",
                  sample.name, rows, rows));
}

std::optional<FirstNormalization> FindFirstNormalization(const Model& model,
                                                         const Topology& topology) {
  const Graph& graph = model.graph;
  const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(), IsNormalization);
  if (node == graph.nodes.end() || !NodesBefore(topology, node->inputs[0])) return std::nullopt;
  const Tensor* mean = graph.FindInitializer(node->inputs[3]);
  const Tensor* variance = graph.FindInitializer(node->inputs[4]);
  if (mean == nullptr || variance == nullptr || !IsFloatingPoint(mean->type) ||
      !IsFloatingPoint(variance->type) || mean->element_count() != variance->element_count())
    return std::nullopt;
  FirstNormalization first{node->name, model, ToFloats(*mean), ToFloats(*variance)};
  const float epsilon = node->GetFloat("epsilon", kDefaultEpsilon);
  // They came as variances.
  for (float& v : first.deviation) v = std::sqrt(v + epsilon);
  // The model up to there.
  first.front.graph.outputs = {{node->inputs[0], {}, {}, {}}};
  RemoveDeadNodes(first.front.graph);
  return first;
}

// The largest number that a Clip lets pass; 0: any, or computed.
float BoundOf(const Graph& graph, const Node& clip) {
  const Tensor* most = graph.FindInitializer(clip.input(2));
  if (most != nullptr && most->type == DataType::kFloat && most->element_count() == 1)
    return most->values<float>()[0];
  // Before opset 11 the bound is an attribute.
  return clip.input(2).empty() ? clip.GetFloat("max", 0) : 0;
}

std::optional<FirstBound> FindFirstBound(const Model& model, const Topology& topology) {
  const Graph& graph = model.graph;
  const auto clip = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                 [](const Node& node) { return node.Is("Clip"); });
  if (clip == graph.nodes.end()) return std::nullopt;
  const float bound = BoundOf(graph, *clip);
  const Node* conv = topology.Producer(clip->inputs[0]);
  if (conv == nullptr || !conv->Is("Conv") || !(bound > 0) || !std::isfinite(bound))
    return std::nullopt;
  const auto before = NodesBefore(topology, clip->inputs[0]);
  // A second convolution tells little of the data.
  if (!before || std::count_if(before->begin(), before->end(),
                               [](const Node* node) { return node->Is("Conv"); }) != 1)
    return std::nullopt;
  FirstBound first{clip->name, model, bound};
  first.front.graph.outputs = {{clip->inputs[0], {}, {}, {}}};
  RemoveDeadNodes(first.front.graph);
  return first;
}

void AddUnscaled(const SampleSource& samples, std::span<const size_t> order,
                 std::vector<std::string>& oddities) {
  for (const std::string& input : samples.unscaled_pictures()) {
    std::vector<std::string> names;
    for (const size_t index : order) names.push_back(samples.Read(index).name);
    oddities.push_back(
        fmt::format("pictures of input \"{}\" are fed as levels of 0 to 255: the settings name no "
                    "mean, scale or std, see calib_transforms{}",
                    input, InSamples(names, samples.size())));
  }
}

bool IsHeaderless(const std::filesystem::path& file) {
  const std::string name = file.extension().string();
  return name != ".npy" && name != ".npz" && name != ".png" && name != ".jpg" && name != ".jpeg";
}

// Where most files of a folder have one size, the larger ones: several samples in a file may be
// meant, a few such files among others are of another type or shape.
void AddLarger(const SampleSource& samples, std::vector<std::string>& oddities) {
  std::map<std::filesystem::path, std::map<uintmax_t, std::vector<std::string>>> folders;
  for (const std::filesystem::path& file : samples.files()) {
    std::error_code missing;  // is told where it is read
    const uintmax_t size = std::filesystem::file_size(file, missing);
    if (!missing && IsHeaderless(file))
      folders[file.parent_path()][size].push_back(file.filename().string());
  }
  for (const auto& [folder, by_size] : folders) {
    const auto& [size, most] = *by_size.begin();
    std::vector<std::string> larger;
    for (auto it = std::next(by_size.begin()); it != by_size.end(); ++it)
      larger.insert(larger.end(), it->second.begin(), it->second.end());
    if (larger.empty() || larger.size() >= most.size()) continue;
    oddities.push_back(fmt::format(
        "files of {} that are larger than {} others, of {} bytes: {}; are they of another type or "
        "shape?",
        folder.filename().string(), most.size(), size, FirstNames(larger)));
  }
}

// What cannot be run here says so in the run itself.
void IfItRuns(const std::function<void()>& look) {
  try {
    look();
  } catch (const Error& e) {
    if (e.code() != ExitCode::kModel && e.code() != ExitCode::kData) throw;
  }
}

}  // namespace

std::string FirstNames(const std::vector<std::string>& names) {
  const auto shown = static_cast<std::ptrdiff_t>(std::min(names.size(), kMaxNamed));
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  if (names.size() > kMaxNamed) text += fmt::format(" and {} more", names.size() - kMaxNamed);
  return text;
}

std::string InSamples(std::vector<std::string> names, size_t count) {
  if (names.empty()) return "";
  std::sort(names.begin(), names.end());
  const size_t more = std::max(names.size(), count) - std::min(names.size(), kMaxNamed);
  names.resize(std::min(names.size(), kMaxNamed));
  return fmt::format(" (in {}{})", FirstNames(names),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

FirstLayers FindFirstLayers(const Model& model) {
  const Topology topology(model.graph);
  return {FindFirstNormalization(model, topology), FindFirstBound(model, topology)};
}

std::vector<std::string> CheckScaling(const SampleSource& samples, const InputFeeder& feeder,
                                      std::span<const size_t> order, const FirstLayers& first) {
  std::vector<std::string> oddities;
  order = order.first(std::min(order.size(), kLookedAt));
  AddIntegers(samples, order, oddities);
  AddUnscaled(samples, order, oddities);
  AddLarger(samples, oddities);
  IfItRuns([&] {
    if (first.normalization) AddFarAway(feeder, order, *first.normalization, oddities);
    if (first.bound) AddCutOff(feeder, order, *first.bound, oddities);
  });
  return oddities;
}

std::vector<std::string> CheckSamples(const SampleSource& samples, const InputFeeder& feeder,
                                      std::span<const size_t> order, const FirstLayers& first,
                                      const std::filesystem::path& model_file) {
  std::vector<std::string> oddities;
  if (order.empty() || feeder.Read(order[0], {}).inputs.empty()) return oddities;
  AddFew(samples, oddities);
  for (std::string& oddity : CheckScaling(samples, feeder, order, first))
    oddities.push_back(std::move(oddity));
  IfItRuns([&] { AddStacked(samples, feeder, model_file, oddities); });
  return oddities;
}

}  // namespace qconvert
