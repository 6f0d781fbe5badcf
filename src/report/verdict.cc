#include "qconvert/report/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "json_text.h"
#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"
#include "qconvert/report/advice.h"

namespace qconvert {
namespace {

using Result = OutputVerdict::Result;

// Of flips, where the gate allows none.
constexpr double kLeastRate = 1e-4;
constexpr double kJustFailing = 1 + 1e-9;
constexpr double kNone = 1e-12;  // noise that is as good as none

// Of the logits where the output is made of them; else the geometric mean over samples.
double TypicalNoise(const OutputComparison& output) {
  const DecisionSums& decisions = output.decisions;
  if (decisions.logit_power > 0) return decisions.logit_error / decisions.logit_power;
  const int64_t telling = output.CountTelling();
  if (telling == 0) return kNone;
  double logarithm = 0;
  for (size_t k = 0; k < output.samples.size(); ++k) {
    if (output.samples[k].tells()) logarithm += std::log(std::max(output.SampleNoise(k), kNone));
  }
  return std::exp(logarithm / static_cast<double>(telling));
}

std::string Shape(const std::vector<int64_t>& dims) {
  return fmt::format("[{}]", fmt::join(dims, ", "));
}

std::string Names(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names)
    quoted.push_back(fmt::format("\"{}\"", EscapeForTerminal(name)));
  return fmt::format("{}", fmt::join(quoted, ", "));
}

// Why no number says how near the output is; nothing where one does.
std::optional<std::string> WhyNotCompared(const OutputComparison& output) {
  const auto samples = static_cast<int64_t>(output.samples.size());
  if (output.value.is_random) {
    return output.value.has_stand_in ? "near ties decide what stands where"
                                     : "random: two runs of the float model differ";
  }
  if (output.type == DataType::kUndefined) return "no tensor";
  if (output.mismatched_shapes > 0) {
    return fmt::format("shapes differ in {} of {}, the first float {}, quantized {}",
                       output.mismatched_shapes, Counted(samples, "sample"),
                       Shape(output.float_dims), Shape(output.quantized_dims));
  }
  if (!IsFloatingPoint(output.type) || output.sums.count > 0 || output.non_finite > 0)
    return std::nullopt;
  if (output.float_non_finite > 0) {
    return fmt::format("the float model gives NaN or infinity in all {} of {}",
                       Counted(output.float_non_finite, "value"), Counted(samples, "sample"));
  }
  return fmt::format("no values in {}", Counted(samples, "sample"));
}

std::string AdviceWithoutNumber(const OutputComparison& output) {
  if (output.mismatched_shapes > 0) return std::string(kAdvice);
  if (output.float_non_finite > 0) return "check the samples and the float model";
  return "expected samples for which the float model gives this output";
}

std::optional<ChannelGroup> FindWorstGroup(const OutputComparison& output) {
  std::vector<ChannelGroup> groups = FindChannelGroups(output.channels);
  const auto worst = std::max_element(
      groups.begin(), groups.end(),
      [](const ChannelGroup& a, const ChannelGroup& b) { return a.noise() < b.noise(); });
  return worst == groups.end() ? std::nullopt : std::optional(std::move(*worst));
}

// Collects one output's numbers against the gate.
class Judge {
 public:
  Judge(const OutputComparison& output, const Gate& gate, std::span<const std::string> names)
      : output_(output), gate_(gate), names_(names) {}

  OutputVerdict Run() {
    verdict_.name = output_.value.name;
    const std::optional<std::string> why = WhyNotCompared(output_);
    if (why) {
      NotCompared(*why);
    } else if (!IsFloatingPoint(output_.type)) {
      NotFloat();
    } else {
      // In the order of the text.
      Finite();
      Pooled();
      WorstSample();
      WorstGroup();
      Flips();
      Finish();
    }
    return std::move(verdict_);
  }

 private:
  void NotCompared(const std::string& why) {
    const bool differs = output_.mismatched_shapes > 0 && !output_.value.is_random;
    verdict_.text = "not compared: " + why;
    verdict_.result = Result::kNotJudged;
    // What stands in is judged by itself: this one must not fail a second time.
    if (output_.value.has_stand_in) {
      verdict_.text += "; judged by the values it is made from";
      if (differs || output_.value.is_random)
        verdict_.text += ", compare what is found by a measure of the task";
      return;
    }
    if (output_.value.is_random || output_.type == DataType::kUndefined) return;
    verdict_.result = Result::kFailed;
    verdict_.text += "; " + AdviceWithoutNumber(output_);
    if (differs) verdict_.noise = INFINITY;
  }

  void NotFloat() {
    verdict_.result = Result::kNotJudged;
    const double share = output_.elements > 0 ? static_cast<double>(output_.equal) /
                                                    static_cast<double>(output_.elements)
                                              : 1;
    // Cut, not rounded: 100 only when all are equal.
    const double percent = std::floor(share * 1000) / 10;
    verdict_.text = fmt::format(
        "{:.4g} % of {} equal, {}", percent, Counted(output_.elements, "value"),
        output_.value.has_stand_in ? "judged by the values it is made from" : "not judged");
  }

  void Finite() {
    if (output_.non_finite == 0) return;
    Fail(fmt::format("NaN or infinity in {} where the float model has numbers",
                     Counted(output_.non_finite, "value")));
    verdict_.noise = INFINITY;
  }

  void Pooled() {
    const double noise = output_.sums.noise();
    const int64_t telling = output_.CountTelling();
    const auto all = static_cast<int64_t>(output_.samples.size());
    Number(noise, gate_.min_sqnr_db,
           fmt::format("{:.1f} dB over {}", SqnrOfNoise(noise),
                       // Where no sample tells anything all are named: they were compared.
                       Counted(telling > 0 ? telling : all, "sample")),
           OfOthers());
    if (!gate_.min_cosine) return;
    const double cosine = output_.cosine();
    if (cosine >= *gate_.min_cosine) return;
    Fail(fmt::format("cosine {:.6f} over all samples, expected at least {}", cosine,
                     *gate_.min_cosine));
    // Of a signal scaled to fit best: cos^2 = 1 / (1 + noise).
    const auto noise_of = [](double c) { return c > 0 ? 1 / (c * c) - 1 : INFINITY; };
    // A gate of cosine 1 allows no noise: the ratio stays finite.
    Excess(noise_of(cosine) / std::max(noise_of(*gate_.min_cosine), 1e-300));
  }

  // What the samples tell of others.
  std::string OfOthers() const {
    const std::optional<double> bound = output_.SqnrAtLeast();
    if (!bound) return "";
    if (*bound < 0) return " (too few or too unlike to tell of others)";
    return fmt::format(" (at least {:.1f}, 95 %)", *bound);
  }

  // Samples that are compared and say nothing.
  void Silent() {
    const auto all = static_cast<int64_t>(output_.samples.size());
    const int64_t telling = output_.CountTelling();
    if (telling == 0 || telling == all) return;
    verdict_.text += fmt::format("; {} without values, or with 0 alone in both models, not counted",
                                 Counted(all - telling, "sample"));
  }

  void WorstSample() {
    const std::optional<size_t> worst = output_.WorstSample();
    // Of one sample it is the number over all, said already.
    if (!worst || output_.CountTelling() < 2) return;
    const double noise = output_.SampleNoise(*worst);
    const std::string name = *worst < names_.size() ? EscapeForTerminal(names_[*worst])
                                                    : fmt::format("number {}", *worst);
    Number(noise, gate_.min_sample_sqnr_db,
           fmt::format("worst sample {:.1f} dB ({})", SqnrOfNoise(noise), name));
  }

  void WorstGroup() {
    const std::optional<ChannelGroup> worst = FindWorstGroup(output_);
    // Channels on one scale: the number over all says it.
    if (!worst) return;
    Number(worst->noise(), gate_.min_group_sqnr_db,
           fmt::format("worst channel group {:.1f} dB ({})", SqnrOfNoise(worst->noise()),
                       worst->Name()));
  }

  void Flips() {
    const DecisionSums& decisions = output_.decisions;
    if (decisions.decided == 0) return;
    std::string text = fmt::format("{} of {} flipped", decisions.flips,
                                   Counted(decisions.decided, "decided position"));
    if (const std::optional<double> bound = output_.FlipRateAtMost())
      text += fmt::format(" (at most {:.1f} %, 95 %)", 100 * *bound);
    if (decisions.rate() <= gate_.max_flips) return Pass(text);
    Fail(fmt::format("{}, expected at most {:.3g} %", text, 100 * gate_.max_flips));
    verdict_.noise = std::max(verdict_.noise, NoiseOfFlips(decisions, gate_));
  }

  // `if_passed`: follows the text of a number that is high enough.
  void Number(double noise, double min_db, const std::string& text,
              const std::string& if_passed = "") {
    Excess(noise / NoiseOfSqnr(min_db));
    // In dB, as it is told: rounding must not turn an equal value into a failure.
    if (SqnrOfNoise(noise) >= min_db) return Pass(text + if_passed);
    Fail(fmt::format("{}, expected at least {:.1f}", text, min_db));
  }

  // `ratio`: noise over what is allowed.
  // All gates in the unit of one, so that numbers of different kinds compare.
  void Excess(double ratio) {
    verdict_.noise = std::max(verdict_.noise, ratio * NoiseOfSqnr(gate_.min_sqnr_db));
  }

  void Pass(std::string text) { passed_.push_back(std::move(text)); }
  void Fail(std::string text) { failed_.push_back(std::move(text)); }

  void Finish() {
    if (failed_.empty()) {
      verdict_.text = fmt::format("passes: {}", fmt::join(passed_, ", "));
    } else {
      verdict_.result = Result::kFailed;
      verdict_.text = fmt::format("fails: {}; {}", fmt::join(failed_, "; "), kAdvice);
    }
    if (output_.float_non_finite > 0) {
      verdict_.text += fmt::format("; not compared: {} that the float model makes NaN or infinite",
                                   Counted(output_.float_non_finite, "value"));
    }
    if (output_.sums.count > 0 && output_.sums.float_power == 0)
      verdict_.text += "; the float model gives nothing but 0";
    Silent();
    if (!output_.value.stands_for.empty())
      verdict_.text += fmt::format(" (in the place of {})", Names(output_.value.stands_for));
  }

  const OutputComparison& output_;
  const Gate& gate_;
  std::span<const std::string> names_;
  OutputVerdict verdict_;
  std::vector<std::string> passed_;
  std::vector<std::string> failed_;
};

}  // namespace

Gate Gate::AtSqnr(double min_sqnr_db) {
  Gate gate;
  // Taken before the member changes.
  const double change = min_sqnr_db - gate.min_sqnr_db;
  gate.min_sqnr_db += change;
  gate.min_sample_sqnr_db += change;
  gate.min_group_sqnr_db += change;
  return gate;
}

Gate Gate::AtCosine(double min_cosine) {
  constexpr double kMostNoise = 10;  // cosine 0.3; below, only the cosine itself asks for anything
  const double squared = min_cosine * min_cosine;
  // The square of a tiny cosine may be 0.
  const double noise = min_cosine > 0 && squared > 0 ? 1 / squared - 1 : kMostNoise;
  Gate gate = AtSqnr(SqnrOfNoise(std::clamp(noise, 0.0, kMostNoise)));
  gate.min_cosine = min_cosine;
  return gate;
}

Gate Gate::Of(std::optional<double> min_sqnr_db, std::optional<double> min_cosine) {
  Gate gate = min_sqnr_db ? AtSqnr(*min_sqnr_db) : min_cosine ? AtCosine(*min_cosine) : Gate{};
  gate.min_cosine = min_cosine;
  return gate;
}

double NoiseOfFlips(const DecisionSums& decisions, const Gate& gate) {
  if (decisions.rate() <= gate.max_flips) return 0;
  // A rate is a share of positions, noise a power: twice the rate counts as 6 dB. Just above the
  // gate it is no less than failing.
  const double ratio = decisions.rate() / std::max(gate.max_flips, kLeastRate);
  return std::max(ratio * ratio, kJustFailing) * NoiseOfSqnr(gate.min_sqnr_db);
}

bool Verdict::CanImprove() const {
  return std::any_of(outputs.begin(), outputs.end(), [](const OutputVerdict& output) {
    return output.result == Result::kFailed && output.noise > 0;
  });
}

const OutputVerdict* Verdict::Worst() const {
  const auto rank = [](const OutputVerdict& output) {
    return std::pair(output.result == Result::kFailed, output.noise);
  };
  const auto worst = std::max_element(
      outputs.begin(), outputs.end(),
      [&](const OutputVerdict& a, const OutputVerdict& b) { return rank(a) < rank(b); });
  return worst == outputs.end() ? nullptr : &*worst;
}

Verdict JudgeOutputs(std::span<const OutputComparison> outputs, const Gate& gate,
                     std::span<const std::string> sample_names) {
  Verdict verdict;
  for (const OutputComparison& output : outputs) {
    verdict.outputs.push_back(Judge(output, gate, sample_names).Run());
    verdict.passed &= verdict.outputs.back().result != Result::kFailed;
    verdict.noise = std::max(verdict.noise, verdict.outputs.back().noise);
  }
  return verdict;
}

double NoiseOfGroups(const OutputComparison& output, const Gate& gate) {
  const std::optional<ChannelGroup> worst = FindWorstGroup(output);
  if (!worst) return 0;
  return worst->noise() * NoiseOfSqnr(gate.min_sqnr_db) / NoiseOfSqnr(gate.min_group_sqnr_db);
}

double WorstNoise(std::span<const OutputComparison> outputs) {
  double worst = 0;
  for (const OutputComparison& output : outputs) {
    if (!IsFloatingPoint(output.type) || output.value.is_random) continue;
    const bool is_broken = output.mismatched_shapes > 0;
    if (is_broken && output.value.has_stand_in) continue;
    // Infinity stays: no output behind it brings the maximum down.
    worst = is_broken || output.non_finite > 0 ? INFINITY : std::max(worst, output.sums.noise());
  }
  return worst;
}

double TypicalNoise(std::span<const OutputComparison> outputs) {
  double worst = 0;
  for (const OutputComparison& output : outputs) {
    if (!IsFloatingPoint(output.type) || output.value.is_random || output.samples.empty()) continue;
    if (output.mismatched_shapes > 0 && output.value.has_stand_in) continue;
    if (output.mismatched_shapes > 0 || output.non_finite > 0) return INFINITY;
    worst = std::max({worst, kNone, TypicalNoise(output)});
  }
  return worst;
}

double HiddenNoise(std::span<const OutputComparison> outputs, const Gate& gate) {
  double noise = 0;
  for (const OutputComparison& output : outputs) {
    if (output.value.is_random) continue;
    noise = std::max({noise, NoiseOfGroups(output, gate), NoiseOfFlips(output.decisions, gate)});
  }
  return noise;
}

}  // namespace qconvert
