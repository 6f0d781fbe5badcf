// Where in a model the noise at its outputs comes from.
#ifndef QCONVERT_SRC_PIPELINE_NOISE_MAP_H_
#define QCONVERT_SRC_PIPELINE_NOISE_MAP_H_

#include <cstddef>
#include <functional>
#include <set>
#include <vector>

namespace qconvert {

// Units that lie together.
struct NoisyPart {
  std::set<size_t> units;
  std::vector<double> noise;  // at each output, with these alone on integers: error / signal power
  double saved = 0;           // by integers here, of the float time
};

// At each output, of all parts together: small errors add up.
std::vector<double> TotalNoise(const std::vector<NoisyPart>& parts, size_t outputs);

struct NoiseMapOptions {
  std::set<size_t> units;
  // Of each of these: with it alone on integers. None depends on another one.
  std::function<std::vector<std::vector<double>>(const std::vector<std::set<size_t>>&)> noise;
  // What taking these off integers costs.
  std::function<double(const std::set<size_t>& units)> saved;
  int budget = 20;  // measurements
};

// Measures eight stretches, each alone. What carries most of the noise and of the time saved is
// halved again and again: one half is measured, the other has the rest of the noise (small errors
// add up), where errors are so large that they do not it is measured too, and so is a single unit
// that would be left with a great share: errors that are large together only would be taken for
// its own.
std::vector<NoisyPart> MapNoise(const NoiseMapOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_NOISE_MAP_H_
