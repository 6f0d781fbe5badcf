#include "qconvert/weights/learn_block.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "block_net.h"
#include "fixed_blocking.h"
#include "learned_codes.h"
#include "qconvert/base/check.h"
#include "qconvert/base/parallel.h"
#include "qconvert/base/spread.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/weight_slots.h"
#include "qconvert/weights/code_steps.h"
#include "qconvert/weights/output_positions.h"
#include "train_steps.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

constexpr size_t kHeldOutEvery = 5;
constexpr int64_t kPositionsOfImage = 64;          // that an image counts as in a batch
constexpr int64_t kMostBytes = int64_t{64} << 20;  // of inputs and outputs of the images
constexpr float kBiasRate = 0.002F;                // of the root mean square of a layer's output
constexpr float kWithinCode = 0.45F;               // from a code: is rounded to it
constexpr size_t kLooked = 64;                     // images that tell how large the error is
constexpr int64_t kBackward = 3;                   // passes that forward and backward take

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

class BlockLayer {
 public:
  BlockLayer(const Graph& graph, const Node& node, const BlockStart& start,
             const LearningSettings& settings)
      : order_(KernelOrder(node, *graph.FindInitializer(node.inputs[1]))),
        format_(start.weights.format),
        pair_limit_(start.weights.pair_limit) {
    CodedChannels coded = GatherChannels(order_, *graph.FindInitializer(node.inputs[1]),
                                         CodesOf(start.weights.weight), start.weights.params.scales,
                                         0, order_.channels);
    real_ = std::move(coded.real);
    best_ = std::move(coded.codes);
    scales_ = std::move(coded.scales);
    bias_ = FloatRow::Zero(order_.channels);
    if (const Tensor* bias = node.Is("MatMul") ? nullptr : FindBias(graph, node)) {
      const std::vector<float> floats = ToFloats(*bias);
      for (Index c = 0; c < order_.channels; ++c)
        bias_(c) = floats[floats.size() > 1 ? static_cast<size_t>(c) : 0];
    }
    shift_ = FloatMatrix::Zero(1, order_.channels);
    for (size_t c = 0; c < start.shift.size(); ++c)
      shift_(0, static_cast<Index>(c)) = start.shift[c];
    best_shift_ = shift_;
    if (settings.method == LearningMethod::kAdaRound) {
      codes_.emplace(RoundingVariables(Leaning(), format_, settings.learning_rate));
    } else {
      codes_.emplace(
          WeightVariables(Moved(), format_, WeightRates(settings, real_, best_, scales_)));
    }
  }

  Index channels() const { return order_.channels; }

  void SetBiasRate(float rate) { bias_adam_.emplace(1, FloatRow::Constant(channels(), rate)); }

  BlockWeights Current() const {
    return std::visit([&](const auto& codes) { return Of(codes.Codes(), shift_); }, *codes_);
  }
  BlockWeights Best() const { return Of(best_, best_shift_); }
  BlockWeights Zeros() const {
    return {FloatMatrix::Zero(order_.count, order_.channels), FloatRow::Zero(order_.channels)};
  }

  // Whole codes and the bias of now; false where a code is too far from the nearest one to be told.
  bool Round() {
    rounded_ = std::visit([](const auto& codes) { return codes.Rounded(); }, *codes_);
    KeepPairs(format_, pair_limit_, rounded_);
    const auto low = static_cast<float>(format_.qmin);
    const auto high = static_cast<float>(format_.qmax);
    const auto most = static_cast<float>(kMostCodeSteps - 1);
    return ((rounded_.array() - real_.array().max(low).min(high)).abs() <= most).all();
  }
  BlockWeights Rounded() const { return Of(rounded_, shift_); }
  void KeepRounded() {
    best_ = rounded_;
    best_shift_ = shift_;
  }

  void Step(const BlockWeights& gradient, const LearningSettings& settings, float beta) {
    const FloatMatrix by_code = gradient.weights.array().rowwise() * scales_.array();
    const float weight = beta == 0 ? 0.0F : static_cast<float>(settings.regularization);
    std::visit([&](auto& codes) { codes.Step(by_code, weight, beta); }, *codes_);
    if (settings.learns_bias) bias_adam_->Step(gradient.bias, shift_);
  }

  void Give(BlockStart& out) const {
    std::vector<int32_t> codes(static_cast<size_t>(order_.count * order_.channels));
    for (Index c = 0; c < order_.channels; ++c)
      for (Index k = 0; k < order_.count; ++k)
        codes[PlaceOf(order_, c, k)] = static_cast<int32_t>(best_(k, c));
    out.weights.weight.bytes =
        std::make_shared<const std::string>(PackCodes(codes, out.weights.params.type));
    if (!std::isfinite(best_shift_.sum())) return;
    out.shift.assign(best_shift_.data(), best_shift_.data() + best_shift_.size());
  }

 private:
  // w / s, half way to the code that it begins with where that is a neighbour.
  FloatMatrix Leaning() const {
    const FloatMatrix floor = real_.array().floor();
    const FloatMatrix up = best_ - floor;
    const auto part = real_.array() - floor.array();
    return floor.array() +
           (up.array() == 0.0F || up.array() == 1.0F).select(0.5F * (part + up.array()), part);
  }

  // What is nearest to w / s among all that is rounded to the codes that it begins with.
  FloatMatrix Moved() const {
    return real_.array().max(best_.array() - kWithinCode).min(best_.array() + kWithinCode);
  }

  BlockWeights Of(const FloatMatrix& codes, const FloatMatrix& shift) const {
    return {codes.array().rowwise() * scales_.array(), bias_ + shift.row(0)};
  }

  WeightOrder order_;
  NumericFormat format_;
  int32_t pair_limit_;
  FloatMatrix real_;  // w / s
  FloatRow scales_;
  FloatRow bias_;
  FloatMatrix shift_;  // of one row
  std::optional<std::variant<RoundingVariables, WeightVariables>> codes_;
  std::optional<Adam> bias_adam_;
  FloatMatrix rounded_;
  FloatMatrix best_;
  FloatMatrix best_shift_;
};

class BlockLearner {
 public:
  BlockLearner(const BlockNet& net, std::vector<BlockLayer> layers, std::vector<Image> images,
               const LearningSettings& settings, int workers)
      : net_(net), layers_(std::move(layers)), settings_(settings), workers_(workers) {
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
  }

 private:
  std::vector<BlockWeights> All(BlockWeights (BlockLayer::*of)() const) const {
    std::vector<BlockWeights> all;
    for (const BlockLayer& layer : layers_) all.push_back((layer.*of)());
    return all;
  }

  double Error(std::span<const Image> images, const std::vector<BlockWeights>& weights) const {
    std::vector<double> errors(images.size());
    ParallelFor(images.size(), workers_, [&](size_t i, size_t /*worker*/) {
      BlockPass pass;
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
    const int64_t steps = settings_.epochs > 0 ? settings_.epochs * batches : settings_.iterations;
    int idle = 0;
    for (int64_t step = 0; step < steps; ++step) {
      const std::vector<BlockWeights> gradient = Gradient(step, batch);
      const float beta = Beta(settings_, step, steps);
      for (size_t k = 0; k < layers_.size(); ++k) layers_[k].Step(gradient[k], settings_, beta);
      if (step + 1 != steps && (step + 1) % kLookEvery != 0) continue;
      idle = Look() ? 0 : idle + 1;
      const bool can_stop = settings_.method == LearningMethod::kAdaQuant;
      if (settings_.stops_early && can_stop && idle >= kPatience) return;
    }
  }

  // Of the mean over a batch; images are added up in their order.
  std::vector<BlockWeights> Gradient(int64_t step, size_t batch) const {
    const std::vector<BlockWeights> weights = All(&BlockLayer::Current);
    std::vector<std::vector<BlockWeights>> by_image(batch);
    ParallelFor(batch, workers_, [&](size_t i, size_t /*worker*/) {
      const size_t at = (static_cast<size_t>(step) * batch + i) % training_.size();
      const uint64_t number = static_cast<uint64_t>(step) * batch + i;
      by_image[i] = GradientOf(training_[at], weights, number, batch);
    });
    std::vector<BlockWeights> sum = std::move(by_image[0]);
    for (size_t i = 1; i < batch; ++i) {
      for (size_t k = 0; k < sum.size(); ++k) {
        sum[k].weights += by_image[i][k].weights;
        sum[k].bias += by_image[i][k].bias;
      }
    }
    return sum;
  }

  // `number`: which image of all steps this is.
  std::vector<BlockWeights> GradientOf(const Image& image, const std::vector<BlockWeights>& weights,
                                       uint64_t number, size_t batch) const {
    const auto part = static_cast<float>(settings_.quantized_part);
    const auto is_rounded = [&](size_t value, size_t element) {
      return Uniform(settings_.seed ^ (number << 32U), (value << 40U) + element) < part;
    };
    Floats input = image.input;
    for (size_t i = 0; i < image.float_input.size(); ++i)
      if (!is_rounded(0, i)) input[i] = image.float_input[i];
    BlockPass pass;
    Floats back = net_.Forward(
        input, weights, part < 1 ? BlockNet::IsRounded(is_rounded) : BlockNet::IsRounded{}, pass);
    const float scale = 2 * importance_ / static_cast<float>(back.size() * batch);
    for (size_t k = 0; k < back.size(); ++k) back[k] = scale * (back[k] - image.output[k]);
    std::vector<BlockWeights> by_weights = All(&BlockLayer::Zeros);
    net_.Backward(back, weights, pass, by_weights, EntryGradient::kNotWanted);
    return by_weights;
  }

  bool Look() {
    bool is_near = true;
    for (BlockLayer& layer : layers_) is_near = layer.Round() && is_near;
    if (!is_near) return false;
    const double error = Error(held_out_, All(&BlockLayer::Rounded));
    if (!(error < best_)) return false;
    best_ = error;
    for (BlockLayer& layer : layers_) layer.KeepRounded();
    return true;
  }

  const BlockNet& net_;
  std::vector<BlockLayer> layers_;
  const LearningSettings& settings_;
  int workers_;
  std::vector<Image> training_;
  std::vector<Image> held_out_;
  float importance_ = 0;
  double best_ = 0;
};

std::map<std::string, RoundingGrid> GridsOf(const std::map<std::string, ValuePlan>& values) {
  std::map<std::string, RoundingGrid> grids;
  for (const auto& [name, value] : values)
    if (value.format.is_integer() && value.params.per_tensor())
      grids.emplace(name, RoundingGridOf(value.params, value.format));
  return grids;
}

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
                        const LearningSettings& settings, int workers) {
  QCONVERT_CHECK(starts.size() == block.layers.size());
  QCONVERT_CHECK(samples.inputs.size() == samples.outputs.size());
  LearnedBlock out{.layers = std::move(starts), .obstacle = {}};
  const std::map<std::string, RoundingGrid> grids = GridsOf(values);
  const Dims entry = samples.inputs.empty() ? Dims{} : ImageDims(samples.inputs[0]);
  if (entry.empty()) {
    out.obstacle = "no samples";
    return out;
  }
  FixBlocking();
  const BlockNet net(graph, block, entry, grids);
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
  std::vector<BlockLayer> layers;
  for (size_t k = 0; k < block.layers.size(); ++k)
    layers.emplace_back(graph, graph.nodes[block.layers[k]], out.layers[k], settings);
  BlockLearner(net, std::move(layers), std::move(images), settings, workers).Run(out);
  return out;
}

double BlockLearningCost(double products, const LearningSettings& settings) {
  const auto steps = static_cast<double>(settings.iterations);
  return steps * static_cast<double>(ImagesOfBatch(settings) * kBackward) * products;
}

}  // namespace qconvert
