#include "train_channels.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "learned_codes.h"
#include "train_steps.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

// Of a Newton step by the positions of one batch.
constexpr float kBiasRate = 0.05F;
constexpr int kBiasSteps = 2;
class Trainer {
 public:
  Trainer(const GroupInputs& inputs, const ChannelProblem& problem,
          const LayerActivation& activation, const LearningSettings& settings)
      : inputs_(inputs), problem_(problem), activation_(activation), settings_(settings) {}

  TrainedChannels Run() {
    best_.codes = problem_.start;
    best_.bias = problem_.bias;
    best_.error_after = HeldOutError(problem_.start, problem_.bias);
    // The codes of the start may want another bias: then they begin with that.
    Keep(problem_.start);
    best_.error_before = best_.error_after;
    const FloatRow nearest = Loss(Training(), TrainingTargets(), problem_.start, best_.bias);
    const FloatRow power = TrainingTargets().colwise().squaredNorm() /
                           static_cast<float>(std::max<Index>(inputs_.training, 1));
    // Errors count relative to those of the start, so that one regularizer suits all channels.
    importance_ = (nearest.array() > kNoError * power.array())
                      // Divided by before it is chosen from: never by 0.
                      .select(nearest.array().max(1e-30F).inverse(), 0.0F);
    if ((importance_.array() == 0.0F).all()) return best_;
    if (settings_.method == LearningMethod::kAdaRound) {
      Train(RoundingVariables(problem_.real, problem_.format, settings_.learning_rate));
    } else {
      Train(
          WeightVariables(problem_.real, problem_.format,
                          WeightRates(settings_, problem_.real, problem_.start, problem_.scales)));
    }
    return best_;
  }

 private:
  RowsView Training() const { return inputs_.quantized.topRows(inputs_.training); }
  RowsView TrainingTargets() const { return problem_.targets.topRows(inputs_.training); }

  FloatMatrix Weights(const FloatMatrix& codes) const {
    return codes.cwiseProduct(problem_.scales);
  }

  FloatRow Loss(const RowsView& rows, const RowsView& targets, const FloatMatrix& codes,
                const FloatRow& bias) const {
    return ComputeLayerLoss(rows, targets, Weights(codes), bias, activation_,
                            WeightGradient::kNotWanted)
        .loss;
  }

  FloatRow HeldOutError(const FloatMatrix& codes, const FloatRow& bias) const {
    const Index held_out = inputs_.quantized.rows() - inputs_.training;
    return Loss(inputs_.quantized.bottomRows(held_out), problem_.targets.bottomRows(held_out),
                codes, bias);
  }

  // The bias that these codes want.
  FloatRow FittedBias(const FloatMatrix& codes, FloatRow bias) const {
    if (!settings_.learns_bias) return bias;
    for (int step = 0; step < kBiasSteps; ++step) {
      bias += ComputeLayerLoss(Training(), TrainingTargets(), Weights(codes), bias, activation_,
                               WeightGradient::kNotWanted)
                  .bias_step;
    }
    return bias;
  }

  // The inputs of a batch, with some of the float model's among them, which `rows` holds.
  RowsView Mixed(Index first, Index count, int64_t step, FloatMatrix& rows) const {
    if (inputs_.floats.size() == 0) return inputs_.quantized.middleRows(first, count);
    rows = inputs_.quantized.middleRows(first, count);
    const auto part = static_cast<float>(settings_.quantized_part);
    const uint64_t start = static_cast<uint64_t>(step) * static_cast<uint64_t>(rows.size());
    const float* floats = inputs_.floats.data() + first * rows.cols();
    for (Index i = 0; i < rows.size(); ++i)
      if (Uniform(settings_.seed, start + static_cast<uint64_t>(i)) >= part)
        rows.data()[i] = floats[i];
    return rows;
  }

  template <typename Variables>
  void Train(Variables variables) {
    const Index batch = std::min<Index>(settings_.batch, inputs_.training);
    // None where nothing is left to learn from; a last batch that is not full is left out.
    const Index batches = inputs_.training / std::max<Index>(batch, 1);
    FloatRow bias = best_.bias;
    FloatMatrix mixed;
    int idle = 0;
    const FloatMatrix by_code = problem_.scales.array().rowwise() * importance_.array();
    const int64_t steps = StepsOf(settings_, batches);
    for (int64_t step = 0; step < steps && batches > 0; ++step) {
      const Index first = static_cast<Index>(step) % batches * batch;
      const LayerLoss loss = ComputeLayerLoss(Mixed(first, batch, step, mixed),
                                              problem_.targets.middleRows(first, batch),
                                              Weights(variables.Codes()), bias, activation_);
      const float beta = Beta(settings_, step, steps);
      variables.Step(loss.weights.cwiseProduct(by_code),
                     beta == 0 ? 0 : static_cast<float>(settings_.regularization), beta);
      // A part of Newton's step: a batch tells less than all positions.
      if (settings_.learns_bias) bias += kBiasRate * loss.bias_step;
      const bool is_last = step + 1 == steps;
      if (!is_last && (step + 1) % kLookEvery != 0) continue;
      // Before its end AdaRound is between codes: a look tells little, so it stops for none.
      idle = Look(variables.Rounded()) ? 0 : idle + 1;
      const bool can_stop = settings_.method == LearningMethod::kAdaQuant;
      if (settings_.stops_early && can_stop && idle >= kPatience) return;
    }
  }

  // Keeps these codes in the channels that they are better in than all before.
  bool Look(FloatMatrix codes) {
    KeepPairs(problem_.format, problem_.pair_limit, codes);
    return Keep(codes);
  }

  // With the bias that they want.
  bool Keep(const FloatMatrix& codes) {
    const FloatRow fitted = FittedBias(codes, best_.bias);
    const FloatRow error = HeldOutError(codes, fitted);
    bool any = false;
    for (Index c = 0; c < codes.cols(); ++c) {
      if (!(error(c) < best_.error_after(c))) continue;
      any = true;
      best_.codes.col(c) = codes.col(c);
      best_.bias(c) = fitted(c);
      best_.error_after(c) = error(c);
    }
    return any;
  }

  const GroupInputs& inputs_;
  const ChannelProblem& problem_;
  const LayerActivation& activation_;
  const LearningSettings& settings_;
  FloatRow importance_;
  TrainedChannels best_;
};

}  // namespace

TrainedChannels TrainChannels(const GroupInputs& inputs, const ChannelProblem& problem,
                              const LayerActivation& activation, const LearningSettings& settings) {
  return Trainer(inputs, problem, activation, settings).Run();
}

}  // namespace qconvert
