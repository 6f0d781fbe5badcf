#include "qconvert/weights/learn_weights.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <numeric>
#include <utility>

#include "fixed_blocking.h"
#include "qconvert/base/check.h"
#include "qconvert/base/parallel.h"
#include "qconvert/base/spread.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/weights/code_steps.h"
#include "qconvert/weights/output_positions.h"
#include "train_channels.h"
#include "train_steps.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

constexpr int64_t kHeldOutEvery = 5;
constexpr int64_t kHeldOutPart = kHeldOutEvery - 1;  // of the positions that are learned from
constexpr int64_t kMostPositions = 16384;
constexpr int64_t kLeastPositions = 256;           // whatever they take
constexpr int64_t kMostBytes = int64_t{64} << 20;  // of their inputs and outputs
// Output channels that are learned in one piece: the more, the less it costs to lay inputs out for
// products, as long as threads have pieces to share.
constexpr int64_t kChannelsTogether = 32;
constexpr int64_t kManyChannels = 128;

// In multiply-adds of a product: what moving a weight takes, what a number that the layer writes
// takes beside its products, and what a step of one piece takes whatever it is.
constexpr double kProductsOfStep = 40;
constexpr double kProductsOfNumber = 20;
constexpr double kProductsOfPiece = 60000;

int64_t ChannelsTogether(int64_t channels) {
  return channels < kManyChannels ? kChannelsTogether : 2 * kChannelsTogether;
}

// Of output positions, that are learned from.
int64_t MostPositions(const WeightOrder& order, const LearningSettings& settings) {
  const int64_t copies = settings.quantized_part < 1 ? 2 : 1;
  // Bytes of a position, inputs and outputs.
  const int64_t row = 4 * (copies * order.count + order.channels);
  return std::clamp<int64_t>(kMostBytes / row, kLeastPositions,
                             std::max(kMostPositions, settings.batch));
}

// The positions of all samples one after the other, without a list of them.
class Pool {
 public:
  void Add(size_t sample, int64_t positions) {
    samples_.push_back(sample);
    ends_.push_back(count() + positions);
  }
  int64_t count() const { return ends_.empty() ? 0 : ends_.back(); }
  SamplePosition At(int64_t index) const {
    const auto at =
        static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), index) - ends_.begin());
    return {samples_[at], index - (at == 0 ? 0 : ends_[at - 1])};
  }

 private:
  std::vector<size_t> samples_;
  std::vector<int64_t> ends_;
};

// `most` of 0 .. all - 1, spread evenly, in an order in which neighbours are far apart: then every
// batch sees all of them alike.
std::vector<int64_t> Spread(const Node& node, int64_t all, int64_t most) {
  constexpr double kGoldenPart = 0.618;
  std::vector<int64_t> places = SpreadEvenly(all, most);
  if (node.Is("ConvTranspose") && all > most) {
    places.clear();
    const int64_t apart = StepOverPositions(node, (all + most - 1) / std::max<int64_t>(most, 1));
    for (int64_t place = 0; place < all; place += apart) places.push_back(place);
  }
  const int64_t count = std::ssize(places);
  auto step = std::max<int64_t>(static_cast<int64_t>(kGoldenPart * static_cast<double>(count)), 1);
  // Without a common divisor the steps come by every place once.
  while (count > 1 && std::gcd(step, count) != 1) ++step;
  std::vector<int64_t> out;
  for (int64_t k = 0; k < count; ++k) out.push_back(places[static_cast<size_t>(k * step % count)]);
  return out;
}

class Learner {
 public:
  Learner(const Node& node, const Tensor& weight, std::span<const float> bias,
          const FittedWeights& start, const LayerSamples& samples,
          const LayerActivation& activation, const LearningSettings& settings, int workers)
      : node_(node),
        order_(KernelOrder(node, weight)),
        groups_(GroupsOf(node)),
        weight_(weight),
        bias_(bias),
        start_(start),
        samples_(samples),
        activation_(activation),
        settings_(settings),
        workers_(workers),
        codes_(CodesOf(start.weight)),
        nearest_(NearestCodes()) {
    for (const Tensor& input : samples.inputs) positions_.emplace_back(node, weight, input.dims);
    out_.weights = start;
  }

  // False where the two models computed different numbers of rows, as shapes that follow from data
  // allow.
  bool Fits() const {
    for (size_t s = 0; s < positions_.size(); ++s) {
      const int64_t expected = positions_[s].count() * order_.channels;
      if (samples_.outputs[s].element_count() != expected) return false;
      if (settings_.quantized_part < 1 && samples_.float_inputs[s].dims != samples_.inputs[s].dims)
        return false;
    }
    return true;
  }

  LearnedLayer Run() {
    if (!Fits()) return std::move(out_);
    ChoosePlaces();
    // Nothing would tell whether what is learned is better.
    if (training_ == std::ssize(places_)) return std::move(out_);
    out_.bias_shift.assign(static_cast<size_t>(order_.channels), 0.0F);
    const int64_t channels = order_.channels / groups_;
    const int64_t together = ChannelsTogether(channels);
    const int64_t chunks = (channels + together - 1) / together;
    std::vector<Part> parts(static_cast<size_t>(groups_ * chunks));
    // Threads share the groups, or the channels of the only one.
    const bool by_group = groups_ > 1;
    ParallelFor(static_cast<size_t>(groups_), by_group ? workers_ : 1, [&](size_t g, size_t) {
      const GroupInputs inputs = GatherInputs(static_cast<int64_t>(g));
      ParallelFor(static_cast<size_t>(chunks), by_group ? 1 : workers_, [&](size_t chunk, size_t) {
        Part& part = parts[g * static_cast<size_t>(chunks) + chunk];
        const int64_t first = static_cast<int64_t>(chunk) * together;
        part.first = static_cast<int64_t>(g) * channels + first;
        const int64_t count = std::min(together, channels - first);
        part.trained = TrainChannels(inputs, Problem(part.first, count), activation_, settings_);
      });
    });
    for (const Part& part : parts) Take(part);
    out_.weights.weight.bytes =
        std::make_shared<const std::string>(PackCodes(codes_, start_.params.type));
    return std::move(out_);
  }

 private:
  std::vector<int32_t> NearestCodes() const {
    if (start_.pair_limit > 0) {
      return CodesOf(RoundWeights(weight_, order_, start_.params, start_.format,
                                  {.pair_limit = start_.pair_limit, .workers = workers_})
                         .weight);
    }
    std::vector<int32_t> codes(codes_.size());
    const auto values = weight_.values<float>();
    const std::vector<float>& scales = start_.params.scales;
    for (int64_t o = 0; o < order_.channels; ++o) {
      for (int64_t k = 0; k < order_.count; ++k) {
        const size_t at = PlaceOf(order_, o, k);
        const size_t scale = ScaleOf(order_, scales.size(), start_.block_size, o, k);
        codes[at] = QuantizeValue(values[at], scales[scale], 0, start_.format);
      }
    }
    return codes;
  }

  struct Part {
    int64_t first = 0;  // output channel
    TrainedChannels trained;
  };

  void ChoosePlaces() {
    const int64_t most = MostPositions(order_, settings_);
    // Positions of one sample are alike: whole ones are held out where they are enough.
    const bool by_sample = std::ssize(positions_) >= kHeldOutEvery;
    Pool training;
    Pool held_out;
    for (size_t s = 0; s < positions_.size(); ++s) {
      const bool is_held_out =
          by_sample && static_cast<int64_t>(s) % kHeldOutEvery == kHeldOutEvery - 1;
      (is_held_out ? held_out : training).Add(s, positions_[s].count());
    }
    if (by_sample) {
      for (const int64_t k : Spread(node_, training.count(), most))
        places_.push_back(training.At(k));
      training_ = static_cast<Index>(places_.size());
      for (const int64_t k : Spread(node_, held_out.count(), most / kHeldOutPart))
        places_.push_back(held_out.At(k));
      return;
    }
    std::vector<SamplePosition> rest;
    const std::vector<int64_t> spread = Spread(node_, training.count(), most + most / kHeldOutPart);
    for (size_t i = 0; i < spread.size(); ++i) {
      // By the place in the list: the positions themselves come in strides, which may leave every
      // fifth of them out.
      const bool is_held_out = static_cast<int64_t>(i) % kHeldOutEvery == kHeldOutEvery - 1;
      (is_held_out ? rest : places_).push_back(training.At(spread[i]));
    }
    training_ = static_cast<Index>(places_.size());
    places_.insert(places_.end(), rest.begin(), rest.end());
  }

  FloatMatrix GatherRows(std::span<const Tensor> tensors, int64_t group) const {
    FloatMatrix rows(static_cast<Index>(places_.size()), order_.count);
    for (size_t r = 0; r < places_.size(); ++r) {
      const SamplePosition& place = places_[r];
      positions_[place.sample].Gather(
          tensors[place.sample].values<float>(), place.position, group,
          {rows.row(static_cast<Index>(r)).data(), static_cast<size_t>(order_.count)});
    }
    return rows;
  }

  GroupInputs GatherInputs(int64_t group) const {
    GroupInputs inputs{GatherRows(samples_.inputs, group), {}, training_};
    if (settings_.quantized_part < 1) inputs.floats = GatherRows(samples_.float_inputs, group);
    return inputs;
  }

  ChannelProblem Problem(int64_t first, int64_t count) const {
    ChannelProblem problem;
    problem.format = start_.format;
    problem.pair_limit = start_.pair_limit;
    CodedChannels coded = GatherChannels(order_, weight_, codes_, start_, first, count);
    problem.real = std::move(coded.real);
    problem.start = std::move(coded.codes);
    problem.scales = std::move(coded.scales);
    problem.bias.resize(count);
    for (int64_t o = 0; o < count; ++o)
      problem.bias(o) = bias_.empty() ? 0.0F : bias_[static_cast<size_t>(first + o)];
    problem.targets.resize(static_cast<Index>(places_.size()), count);
    for (size_t r = 0; r < places_.size(); ++r) {
      const SamplePosition& place = places_[r];
      positions_[place.sample].GatherOutputs(
          samples_.outputs[place.sample].values<float>(), place.position, order_.channels, first,
          {problem.targets.row(static_cast<Index>(r)).data(), static_cast<size_t>(count)});
    }
    // The loss compares what stands behind the activation.
    Activate(activation_, problem.targets);
    return problem;
  }

  void Take(const Part& part) {
    const TrainedChannels& trained = part.trained;
    for (Index o = 0; o < trained.bias.size(); ++o) {
      const int64_t channel = part.first + o;
      const auto c = static_cast<size_t>(channel);
      out_.error_before += static_cast<double>(trained.error_before(o));
      if (!IsNear(channel, trained.codes.col(o))) {
        out_.error_after += static_cast<double>(trained.error_before(o));
        continue;
      }
      const float shift = trained.bias(o) - (bias_.empty() ? 0.0F : bias_[c]);
      // A fit that has diverged moves nothing.
      out_.bias_shift[c] = std::isfinite(shift) ? shift : 0.0F;
      out_.error_after += static_cast<double>(trained.error_after(o));
      out_.learned_channels += TakeCodes(channel, trained.codes.col(o)) ? 1 : 0;
    }
  }

  // A file tells codes by their distance to the nearest ones.
  bool IsNear(int64_t channel, const Eigen::VectorXf& codes) const {
    for (int64_t k = 0; k < order_.count; ++k) {
      const int32_t nearest = nearest_[PlaceOf(order_, channel, k)];
      if (std::abs(static_cast<int32_t>(codes(k)) - nearest) > kMostCodeSteps) return false;
    }
    return true;
  }

  // Whether any of them is new.
  bool TakeCodes(int64_t channel, const Eigen::VectorXf& codes) {
    bool is_new = false;
    for (int64_t k = 0; k < order_.count; ++k) {
      int32_t& code = codes_[PlaceOf(order_, channel, k)];
      is_new |= code != static_cast<int32_t>(codes(k));
      code = static_cast<int32_t>(codes(k));
    }
    return is_new;
  }

  const Node& node_;
  WeightOrder order_;
  int64_t groups_;
  const Tensor& weight_;
  std::span<const float> bias_;
  const FittedWeights& start_;
  const LayerSamples& samples_;
  const LayerActivation& activation_;
  const LearningSettings& settings_;
  int workers_;
  std::vector<int32_t> codes_;
  std::vector<int32_t> nearest_;
  std::vector<OutputPositions> positions_;  // by sample
  std::vector<SamplePosition> places_;      // the training ones first
  Index training_ = 0;
  LearnedLayer out_;
};

}  // namespace

bool CanLearn(const Node& node, const Tensor& weight) {
  return HasOutputPositions(node, weight) && weight.element_count() > 0;
}

LearnedLayer LearnWeights(const Node& node, const Tensor& weight, std::span<const float> bias,
                          const FittedWeights& start, const LayerSamples& samples,
                          const LayerActivation& activation, const LearningSettings& settings,
                          int workers) {
  QCONVERT_CHECK(CanLearn(node, weight) && start.format.symmetric && start.format.zero == 0);
  QCONVERT_CHECK(samples.inputs.size() == samples.outputs.size());
  FixBlocking();
  return Learner(node, weight, bias, start, samples, activation, settings, workers).Run();
}

double LearningCost(const Node& node, const Tensor& weight, const LearningSettings& settings,
                    double positions) {
  const WeightOrder order = KernelOrder(node, weight);
  const double held_out = positions / kHeldOutEvery;
  const double training =
      std::clamp(positions - held_out, 1.0, static_cast<double>(MostPositions(order, settings)));
  const double batch = std::min(static_cast<double>(settings.batch), training);
  const int64_t steps = StepsOf(settings, static_cast<int64_t>(training / batch));
  // A look fits the bias in two passes, and takes one over what is held out.
  const double looks = static_cast<double>(LooksOf(steps)) *
                       (2 * training + std::min(held_out, training / kHeldOutPart));
  const double all = static_cast<double>(steps) * batch;
  // A step has a product forward and one back, and moves every weight.
  const double by_weight = 2 * all + static_cast<double>(steps) * kProductsOfStep + looks;
  const auto channels = static_cast<double>(order.channels);
  const auto groups = static_cast<double>(GroupsOf(node));
  const double together = static_cast<double>(ChannelsTogether(order.channels / GroupsOf(node)));
  const double pieces = groups * std::ceil(channels / groups / together);
  return channels *
             (by_weight * static_cast<double>(order.count) + (all + looks) * kProductsOfNumber) +
         pieces * static_cast<double>(steps) * kProductsOfPiece;
}

}  // namespace qconvert
