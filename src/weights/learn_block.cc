#include "qconvert/weights/learn_block.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

#include "block_layer.h"
#include "block_net.h"
#include "block_ranges.h"
#include "fixed_blocking.h"
#include "qconvert/base/check.h"
#include "qconvert/base/parallel.h"
#include "qconvert/base/spread.h"
#include "train_steps.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

constexpr size_t kHeldOutEvery = 5;
constexpr int64_t kPositionsOfImage = 64;          // that an image counts as in a batch
constexpr int64_t kMostBytes = int64_t{64} << 20;  // of inputs and outputs of the images
constexpr float kBiasRate = 0.002F;                // of the root mean square of a layer's output
constexpr size_t kLooked = 64;                     // images that tell how large the error is
constexpr double kBackward = 3;                    // passes that forward and backward take

int64_t ImagesOfBatch(const LearningSettings& settings) {
  return std::max<int64_t>(settings.batch / kPositionsOfImage, 1);
}

// Image `i` of a tensor of several.
Floats ImageOf(const Tensor& tensor, int64_t i) {
  const int64_t size = tensor.element_count() / tensor.dims[0];
  const auto values =
      tensor.values<float>().subspan(static_cast<size_t>(i * size), static_cast<size_t>(size));
  return {values.begin(), values.end()};
}

struct Image {
  Floats input;
  Floats float_input;  // may be empty
  Floats output;
};

// What one learner shares with its net.
struct Variables {
  std::vector<BlockLayer> layers;
  RangeVariables ranges;
  RoundingGrids& grids;  // of the net
};

struct BlockGradient {
  std::vector<BlockWeights> weights;
  std::vector<GridGradient> grids;  // by value; empty: no range learns
};

class BlockLearner {
 public:
  BlockLearner(const BlockNet& net, Variables variables, std::vector<Image> images,
               const LearningSettings& settings, int workers)
      : net_(net),
        layers_(std::move(variables.layers)),
        ranges_(std::move(variables.ranges)),
        grids_(variables.grids),
        settings_(settings),
        workers_(workers),
        passes_(static_cast<size_t>(std::max(workers, 1))) {
    for (size_t i = 0; i < images.size(); ++i) {
      const bool is_held_out = i % kHeldOutEvery == kHeldOutEvery - 1;
      (is_held_out ? held_out_ : training_).push_back(std::move(images[i]));
    }
  }

  void Run(LearnedBlock& out) {
    const std::vector<BlockWeights> start = All(&BlockLayer::Best);
    out.error_before = out.error_after = Error(held_out_, start);
    const double error = Error({training_.data(), std::min(training_.size(), kLooked)}, start);
    double power = 0;
    for (const float y : training_[0].output) power += static_cast<double>(y) * y;
    if (error <= kNoError * power / static_cast<double>(training_[0].output.size())) return;
    Index channels = 0;
    for (const BlockLayer& layer : layers_) channels += layer.channels();
    // As if every channel had its own loss, which is 1 at the start: see TrainChannels.
    importance_ = static_cast<float>(static_cast<double>(channels) / error);
    SetBiasRates(start);
    best_ = out.error_before;
    Train();
    out.error_after = best_;
    for (size_t k = 0; k < layers_.size(); ++k) layers_[k].Give(out.layers[k]);
    out.ranges = ranges_.Changed();
  }

 private:
  std::vector<BlockWeights> All(BlockWeights (BlockLayer::*of)() const) const {
    std::vector<BlockWeights> all;
    for (const BlockLayer& layer : layers_) all.push_back((layer.*of)());
    return all;
  }

  double Error(std::span<const Image> images, const std::vector<BlockWeights>& weights) const {
    std::vector<double> errors(images.size());
    ParallelFor(images.size(), workers_, [&](size_t i, size_t worker) {
      BlockPass& pass = passes_[worker];
      pass.looks_at_grids = false;
      const Floats& actual = net_.Forward(images[i].input, weights, {}, pass);
      double sum = 0;
      for (size_t k = 0; k < actual.size(); ++k) {
        const double difference = static_cast<double>(actual[k]) - images[i].output[k];
        sum += difference * difference;
      }
      errors[i] = sum / static_cast<double>(actual.size());
    });
    double sum = 0;
    for (const double error : errors) sum += error;
    return sum / static_cast<double>(std::max<size_t>(images.size(), 1));
  }

  void SetBiasRates(const std::vector<BlockWeights>& start) {
    BlockPass pass;
    net_.Forward(training_[0].input, start, {}, pass);
    for (size_t k = 0; k < layers_.size(); ++k) {
      double power = 0;
      const Floats& values = pass.values[net_.layer_value(k)];
      for (const float value : values) power += static_cast<double>(value) * value;
      layers_[k].SetBiasRate(
          kBiasRate * static_cast<float>(std::sqrt(power / static_cast<double>(values.size()))));
    }
  }

  void Train() {
    const auto batch = std::min(static_cast<size_t>(ImagesOfBatch(settings_)), training_.size());
    const auto batches = static_cast<int64_t>(training_.size() / batch);
    const int64_t steps = StepsOf(settings_, batches);
    int idle = 0;
    for (int64_t step = 0; step < steps; ++step) {
      const BlockGradient gradient = Gradient(step, batch);
      const float beta = Beta(settings_, step, steps);
      for (size_t k = 0; k < layers_.size(); ++k)
        layers_[k].Step(gradient.weights[k], settings_, beta);
      if (!ranges_.empty()) {
        ranges_.Step(net_.values(), gradient.grids);
        ranges_.PutCurrent(grids_);
      }
      if (step + 1 != steps && (step + 1) % kLookEvery != 0) continue;
      idle = Look() ? 0 : idle + 1;
      const bool can_stop = settings_.method == LearningMethod::kAdaQuant;
      if (settings_.stops_early && can_stop && idle >= kPatience) return;
    }
  }

  // Of the mean over a batch; images are added up in their order.
  BlockGradient Gradient(int64_t step, size_t batch) const {
    const std::vector<BlockWeights> weights = All(&BlockLayer::Current);
    std::vector<BlockGradient> by_image(batch);
    ParallelFor(batch, workers_, [&](size_t i, size_t worker) {
      const size_t at = (static_cast<size_t>(step) * batch + i) % training_.size();
      const uint64_t number = static_cast<uint64_t>(step) * batch + i;
      by_image[i] = GradientOf(training_[at], weights, number, batch, passes_[worker]);
    });
    BlockGradient sum = std::move(by_image[0]);
    for (size_t i = 1; i < batch; ++i) {
      for (size_t k = 0; k < sum.weights.size(); ++k) {
        sum.weights[k].weights += by_image[i].weights[k].weights;
        sum.weights[k].bias += by_image[i].weights[k].bias;
      }
      for (size_t v = 0; v < sum.grids.size(); ++v) sum.grids[v] += by_image[i].grids[v];
    }
    return sum;
  }

  // `number`: which image of all steps this is.
  BlockGradient GradientOf(const Image& image, const std::vector<BlockWeights>& weights,
                           uint64_t number, size_t batch, BlockPass& pass) const {
    const auto part = static_cast<float>(settings_.quantized_part);
    const auto is_rounded = [&](size_t value, size_t element) {
      return Uniform(settings_.seed ^ (number << 32U), (value << 40U) + element) < part;
    };
    Floats input = image.input;
    for (size_t i = 0; i < image.float_input.size(); ++i)
      if (!is_rounded(0, i)) input[i] = image.float_input[i];
    pass.looks_at_grids = !ranges_.empty();
    Floats back = net_.Forward(
        input, weights, part < 1 ? BlockNet::IsRounded(is_rounded) : BlockNet::IsRounded{}, pass);
    const float scale = 2 * importance_ / static_cast<float>(back.size() * batch);
    for (size_t k = 0; k < back.size(); ++k) back[k] = scale * (back[k] - image.output[k]);
    std::vector<BlockWeights> by_weights = All(&BlockLayer::Zeros);
    net_.Backward(back, weights, pass, by_weights, EntryGradient::kNotWanted);
    return {std::move(by_weights), std::move(pass.by_grids)};
  }

  // Codes with the best ranges, both as they are now, and the best codes with the ranges of now.
  bool Look() {
    bool is_near = true;
    for (BlockLayer& layer : layers_) is_near = layer.Round() && is_near;
    ranges_.PutBest(grids_);
    bool is_better = is_near && TakeCodes();
    if (ranges_.empty()) return is_better;
    ranges_.PutCurrent(grids_);
    if (is_near && TakeCodes()) {
      ranges_.KeepCurrent();
      return true;
    }
    if (!Improves(All(&BlockLayer::Best))) return is_better;
    ranges_.KeepCurrent();
    return true;
  }

  bool TakeCodes() {
    if (!Improves(All(&BlockLayer::Rounded))) return false;
    for (BlockLayer& layer : layers_) layer.KeepRounded();
    return true;
  }

  bool Improves(const std::vector<BlockWeights>& weights) {
    const double error = Error(held_out_, weights);
    if (!(error < best_)) return false;
    best_ = error;
    return true;
  }

  const BlockNet& net_;
  std::vector<BlockLayer> layers_;
  RangeVariables ranges_;
  RoundingGrids& grids_;
  const LearningSettings& settings_;
  int workers_;
  mutable std::vector<BlockPass> passes_;  // by worker
  std::vector<Image> training_;
  std::vector<Image> held_out_;
  float importance_ = 0;
  double best_ = 0;
};

Dims ImageDims(const Tensor& tensor) {
  Dims dims = tensor.dims;
  if (!dims.empty()) dims[0] = 1;
  return dims;
}

// Spread evenly over all samples; none where samples differ in shape.
std::vector<Image> ImagesOf(const BlockSamples& samples, const Dims& entry, const Dims& exit,
                            bool mixes) {
  std::vector<std::pair<size_t, int64_t>> all;
  for (size_t s = 0; s < samples.inputs.size(); ++s) {
    const Tensor& output = samples.outputs[s];
    if (ImageDims(samples.inputs[s]) != entry || ImageDims(output) != exit ||
        samples.inputs[s].dims[0] != output.dims[0] ||
        (mixes && samples.float_inputs[s].dims != samples.inputs[s].dims))
      return {};
    for (int64_t i = 0; i < output.dims[0]; ++i) all.emplace_back(s, i);
  }
  const int64_t bytes = 4 * (CountOf(entry) * (mixes ? 2 : 1) + CountOf(exit));
  const int64_t most = std::max<int64_t>(kMostBytes / std::max<int64_t>(bytes, 1), kHeldOutEvery);
  std::vector<Image> images;
  for (const int64_t k : SpreadEvenly(static_cast<int64_t>(all.size()), most)) {
    const auto [s, i] = all[static_cast<size_t>(k)];
    images.push_back({ImageOf(samples.inputs[s], i),
                      mixes ? ImageOf(samples.float_inputs[s], i) : Floats{},
                      ImageOf(samples.outputs[s], i)});
  }
  return images;
}

}  // namespace

bool IsBlockOperator(const Node& node) {
  constexpr std::string_view kTypes[] = {
      "Add",     "Mul",    "Relu",    "Clip",        "HardSwish",     "HardSigmoid",
      "Sigmoid", "Concat", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"};
  return node.domain.empty() &&
         std::find(std::begin(kTypes), std::end(kTypes), node.op_type) != std::end(kTypes);
}

LearnedBlock LearnBlock(const Graph& graph, const Block& block, std::vector<BlockStart> starts,
                        const std::map<std::string, ValuePlan>& values, const BlockSamples& samples,
                        const LearningSettings& settings, int workers, const WhatLearns& learns) {
  QCONVERT_CHECK(starts.size() == block.layers.size());
  QCONVERT_CHECK(samples.inputs.size() == samples.outputs.size());
  LearnedBlock out{.layers = std::move(starts), .obstacle = {}};
  RoundingGrids grids = GridsOf(values);
  const Dims entry = samples.inputs.empty() ? Dims{} : ImageDims(samples.inputs[0]);
  if (entry.empty()) {
    out.obstacle = "no samples";
    return out;
  }
  FixBlocking();
  const BlockNet net(graph, block, entry, grids,
                     learns.roots.empty() ? ExitRounding::kFloat : ExitRounding::kRounded);
  out.obstacle = net.obstacle();
  if (!out.obstacle.empty()) return out;
  if (net.layers() != block.layers) {
    out.obstacle = "a layer that does not learn";
    return out;
  }
  std::vector<Image> images =
      ImagesOf(samples, entry, net.exit_dims(), settings.quantized_part < 1);
  if (images.size() < kHeldOutEvery) {
    out.obstacle = "too few samples of one shape";
    return out;
  }
  Variables variables{{}, RangeVariables(values, learns.roots), grids};
  for (size_t k = 0; k < block.layers.size(); ++k)
    variables.layers.emplace_back(graph, graph.nodes[block.layers[k]], out.layers[k], settings,
                                  learns.variables);
  BlockLearner(net, std::move(variables), std::move(images), settings, workers).Run(out);
  return out;
}

double BlockLearningCost(double products, double images, const LearningSettings& settings) {
  const double held_out = std::max(images / kHeldOutEvery, 1.0);
  const double training = std::max(images - held_out, 1.0);
  const double batch = std::min(static_cast<double>(ImagesOfBatch(settings)), training);
  const int64_t steps = StepsOf(settings, static_cast<int64_t>(training / batch));
  return products * (static_cast<double>(steps) * batch * kBackward +
                     static_cast<double>(LooksOf(steps)) * held_out);
}

}  // namespace qconvert
