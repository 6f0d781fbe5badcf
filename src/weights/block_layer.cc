#include "block_layer.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "qconvert/numbers/quantize.h"
#include "qconvert/targets/weight_slots.h"
#include "qconvert/weights/code_steps.h"
#include "qconvert/weights/output_positions.h"
#include "train_steps.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

constexpr float kWithinCode = 0.45F;  // from a code: is rounded to it

}  // namespace

BlockLayer::BlockLayer(const Graph& graph, const Node& node, const BlockStart& start,
                       const LearningSettings& settings, BlockVariables learns)
    : order_(KernelOrder(node, *graph.FindInitializer(node.inputs[1]))),
      format_(start.weights.format),
      pair_limit_(start.weights.pair_limit),
      keeps_bias_(start.keeps_bias || !settings.learns_bias) {
  CodedChannels coded =
      GatherChannels(order_, *graph.FindInitializer(node.inputs[1]), CodesOf(start.weights.weight),
                     start.weights, 0, order_.channels);
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
  for (size_t c = 0; c < start.shift.size(); ++c) shift_(0, static_cast<Index>(c)) = start.shift[c];
  best_shift_ = shift_;
  if (learns == BlockVariables::kRanges) return;
  if (settings.method == LearningMethod::kAdaRound) {
    codes_.emplace(RoundingVariables(Leaning(), format_, settings.learning_rate));
  } else {
    codes_.emplace(WeightVariables(Moved(), format_, WeightRates(settings, real_, best_, scales_)));
  }
}

BlockWeights BlockLayer::Current() const {
  if (!codes_) return Of(best_, shift_);
  return std::visit([&](const auto& codes) { return Of(codes.Codes(), shift_); }, *codes_);
}

bool BlockLayer::Round() {
  if (!codes_) {
    rounded_ = best_;
    return true;
  }
  rounded_ = std::visit([](const auto& codes) { return codes.Rounded(); }, *codes_);
  KeepPairs(format_, pair_limit_, rounded_);
  const auto low = static_cast<float>(format_.qmin);
  const auto high = static_cast<float>(format_.qmax);
  const auto most = static_cast<float>(kMostCodeSteps - 1);
  return ((rounded_.array() - real_.array().max(low).min(high)).abs() <= most).all();
}

void BlockLayer::Step(const BlockWeights& gradient, const LearningSettings& settings, float beta) {
  if (codes_) {
    const FloatMatrix by_code = gradient.weights.cwiseProduct(scales_);
    const float weight = beta == 0 ? 0.0F : static_cast<float>(settings.regularization);
    std::visit([&](auto& codes) { codes.Step(by_code, weight, beta); }, *codes_);
  }
  if (!keeps_bias_) bias_adam_->Step(gradient.bias, shift_);
}

void BlockLayer::Give(BlockStart& out) const {
  std::vector<int32_t> codes(static_cast<size_t>(order_.count * order_.channels));
  for (Index c = 0; c < order_.channels; ++c)
    for (Index k = 0; k < order_.count; ++k)
      codes[PlaceOf(order_, c, k)] = static_cast<int32_t>(best_(k, c));
  out.weights.weight.bytes =
      std::make_shared<const std::string>(PackCodes(codes, out.weights.params.type));
  if (keeps_bias_ || !std::isfinite(best_shift_.sum())) return;
  out.shift.assign(best_shift_.data(), best_shift_.data() + best_shift_.size());
}

// w / s, half way to the code that it begins with where that is a neighbour.
FloatMatrix BlockLayer::Leaning() const {
  const FloatMatrix floor = real_.array().floor();
  const FloatMatrix up = best_ - floor;
  const auto part = real_.array() - floor.array();
  return floor.array() +
         (up.array() == 0.0F || up.array() == 1.0F).select(0.5F * (part + up.array()), part);
}

// What is nearest to w / s among all that is rounded to the codes that it begins with.
FloatMatrix BlockLayer::Moved() const {
  return real_.array().max(best_.array() - kWithinCode).min(best_.array() + kWithinCode);
}

}  // namespace qconvert
