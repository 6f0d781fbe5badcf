#include "choose_method.h"

#include <algorithm>
#include <utility>

namespace qconvert {
namespace {

// A method has to be better than one before it by this factor: few samples tell no less.
constexpr double kBetter = 0.95;
// The same for what replaces the best of few samples.
constexpr double kClearlyBetter = 0.93;
// Methods within this factor of the best on few samples are measured on more: of two samples the
// better method of four was 1.5 dB behind on 96.
constexpr double kNearTheBest = 2;

using MethodNoises = std::vector<std::pair<CalibrationMethod, double>>;

// The first that none behind it beats by the factor.
std::pair<CalibrationMethod, double> BestOf(const MethodNoises& noises, double factor) {
  std::pair best = noises.front();
  for (const auto& one : noises)
    if (one.second < factor * best.second) best = one;
  return best;
}

}  // namespace

CalibrationMethod ChooseMethodByNoise(const std::vector<CalibrationMethod>& candidates,
                                      const std::vector<size_t>& few,
                                      const std::vector<size_t>& more,
                                      const MeasureMethods& measure) {
  MethodNoises noises;
  const std::vector<MethodNoise> of_few = measure(candidates, few);
  for (size_t k = 0; k < candidates.size(); ++k)
    noises.emplace_back(candidates[k], of_few[k].pooled);
  const auto [best, least] = BestOf(noises, kBetter);
  // Not where none runs: infinite noise is near to any other.
  std::erase_if(noises, [&, most = kNearTheBest * least](const auto& one) {
    return one.first != best && !(one.second <= most && one.second < 1);
  });
  if (more.empty() || noises.size() < 2) return best;
  // Others have to beat the best of few samples, which comes first.
  std::stable_partition(noises.begin(), noises.end(),
                        [&](const auto& one) { return one.first == best; });
  std::vector<CalibrationMethod> near;
  for (const auto& [method, noise] : noises) near.push_back(method);
  const std::vector<MethodNoise> of_more = measure(near, more);
  for (size_t k = 0; k < near.size(); ++k) noises[k].second = of_more[k].judged;
  return BestOf(noises, kClearlyBetter).first;
}

}  // namespace qconvert
