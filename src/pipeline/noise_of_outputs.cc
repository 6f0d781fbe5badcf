#include "noise_of_outputs.h"

#include <algorithm>

namespace qconvert {

std::vector<double> JudgedNoises(const Measured& measured, size_t outputs) {
  // A plan that does not run is as bad as noise can be.
  std::vector<double> noise(std::max<size_t>(outputs, 1), kMostNoise);
  if (!measured.failure.empty()) return noise;
  // The whole plan has not run: nobody knows how many there are.
  if (outputs == 0) return {std::min(measured.judged_noise(), kMostNoise)};
  for (size_t o = 0; o < outputs; ++o)
    noise[o] = std::min(measured.verdict.outputs[o].noise, kMostNoise);
  return noise;
}

std::vector<double> TypicalNoises(const Measured& measured, size_t outputs, const Gate& gate) {
  std::vector<double> noise = JudgedNoises(measured, outputs);
  if (!measured.failure.empty() || outputs == 0) return noise;
  for (size_t o = 0; o < outputs; ++o) {
    const OutputComparison& output = measured.outputs[o];
    if (output.samples.empty() || noise[o] == 0) continue;
    noise[o] =
        std::min(std::max(TypicalNoise({&output, 1}), HiddenNoise({&output, 1}, gate)), kMostNoise);
  }
  return noise;
}

double TypicalNoiseOf(std::span<const OutputComparison> outputs,
                      const std::vector<size_t>& samples) {
  if (samples.empty()) return TypicalNoise(outputs);
  std::vector<OutputComparison> some;
  for (const OutputComparison& output : outputs) {
    OutputComparison& of = some.emplace_back();
    of.value = output.value;
    of.type = output.type;
    of.sums.count = output.sums.count;
    for (const size_t k : samples) {
      if (k >= output.samples.size()) continue;
      const SampleError& sample = output.samples[k];
      of.samples.push_back(sample);
      of.sums.float_power += sample.float_power;
      of.sums.error_power += sample.error_power;
      of.decisions.Merge(sample.decisions);
    }
  }
  return TypicalNoise(some);
}

}  // namespace qconvert
