// Whether the quantized model is near enough to the float one, output by output, in words.
#ifndef QCONVERT_REPORT_VERDICT_H_
#define QCONVERT_REPORT_VERDICT_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "qconvert/report/comparison.h"

namespace qconvert {

// What every floating-point output must reach.
struct Gate {
  double min_sqnr_db = 17;         // over all samples; what cosine 0.99 leaves of unrelated noise
  double min_sample_sqnr_db = 10;  // of every sample
  double min_group_sqnr_db = 14;   // of every group of channels (channel_groups.h)
  double max_flips = 0.01;         // share of decided positions (decisions.h) with another class
  std::optional<double> min_cosine;

  // The gate with this SQNR over all samples; samples and groups keep their distance to it.
  static Gate AtSqnr(double min_sqnr_db);
  // The gate that asks for this cosine and for the SQNR that goes with it: unrelated noise n (error
  // power / signal power) leaves cosine 1 / sqrt(1 + n).
  static Gate AtCosine(double min_cosine);
  // What is given, the defaults where nothing is; the cosine besides the SQNR where both are.
  static Gate Of(std::optional<double> min_sqnr_db, std::optional<double> min_cosine);
};

struct OutputVerdict {
  enum class Result {
    kPassed,
    kFailed,
    kNotJudged,  // integers, random values, outputs without values that others stand for
  };
  std::string name;
  Result result = Result::kPassed;
  // Error power over signal power at this value's worst number, each divided by what the gate
  // allows for it and multiplied by what it allows over all samples: at most NoiseOfSqnr(
  // min_sqnr_db) exactly when the output passes. Infinite for shapes that differ and values that
  // are no longer finite; 0 where no change of the quantized model would help.
  double noise = 0;
  // "passes: 33.1 dB over 16 samples, ..." or "fails: ..., what to do next".
  std::string text;
};

struct Verdict {
  std::vector<OutputVerdict> outputs;  // as compared
  bool passed = true;                  // no output failed
  double noise = 0;                    // greatest of all outputs

  // False when what failed would fail with any plan: the float model itself gives no numbers.
  bool CanImprove() const;
  // The failed output of most noise, else the output of most noise; null without outputs.
  const OutputVerdict* Worst() const;
};

// Judges what was compared. `sample_names`: of the samples in the order compared, for the texts;
// may be shorter.
//   - NaN and infinities that the float model does not have are failures. So are shapes that differ
//     and nothing compared, unless other values are judged in the place of this one.
//   - Integers, booleans and strings are told, not judged; so is what is random.
Verdict JudgeOutputs(std::span<const OutputComparison> outputs, const Gate& gate,
                     std::span<const std::string> sample_names = {});

// The noise that flips count as: 0 up to the share that the gate allows, and above it the noise
// that the gate allows times the square of how many times too many they are. Where noise is small
// beside the distance to a boundary, the share of positions that cross it grows with its amplitude.
double NoiseOfFlips(const DecisionSums& decisions, const Gate& gate);

// The noise that the worst group of channels counts as: that of the group divided by what the gate
// allows of a group, times what it allows over all samples. 0 where there are no groups.
double NoiseOfGroups(const OutputComparison& output, const Gate& gate);

// Error power over signal power of the worst output over all samples; infinite when one gets NaN,
// infinities or other shapes that nothing stands for. What is not judged is left out.
double WorstNoise(std::span<const OutputComparison> outputs);

// The same of a typical sample: the geometric mean over samples of their noise, at the worst
// output. The noise over all samples is that of the few furthest off, where chance decides: of two
// models compared on 12 samples it named the one that was better on 64 in 61 to 93 % of draws, this
// in 94 to 100 %. Where probabilities are compared it is the noise of the logits behind them over
// all samples (DecisionSums::logit_error), since a sample counts there by how unsure it is: of nine
// pairs of models with and without corrected biases, compared on 12 of 300 samples, the noise of
// probabilities named the one of less divergence (KL on all) in 34 to 96 % of draws, that of logits
// in 64 to 98 %.
double TypicalNoise(std::span<const OutputComparison> outputs);

// What the noise of whole outputs hides, boxes beside scores: the greater of NoiseOfGroups and
// NoiseOfFlips at the worst output.
double HiddenNoise(std::span<const OutputComparison> outputs, const Gate& gate);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_VERDICT_H_
