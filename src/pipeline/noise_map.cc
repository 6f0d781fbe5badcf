#include "noise_map.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace qconvert {
namespace {

constexpr size_t kStretches = 8;
// Noise above this does not add up: outputs cannot get much further away than their own size.
constexpr double kLargeNoise = 0.1;
// Of a part's noise, what each half has at least: sums are not exact.
constexpr double kLeastRest = 0.02;
// A part with less than this share of the noise is not looked into.
constexpr double kSmallShare = 0.03;
// A single unit with more than this is measured itself.
constexpr double kGreatShare = 0.1;
// Shares of time are taken to be at least this: what saves nothing may stand beside what does.
constexpr double kLeastSaving = 1e-3;

class Mapper {
 public:
  explicit Mapper(const NoiseMapOptions& options) : options_(options), left_(options.budget) {}

  std::vector<NoisyPart> Run() {
    const size_t count = std::min(kStretches, options_.units.size());
    std::vector<std::set<size_t>> stretches;
    for (size_t k = 0; k < count; ++k) stretches.push_back(Slice(options_.units, k, count));
    std::vector<std::vector<double>> noise = Measure(stretches);
    for (size_t k = 0; k < count; ++k) Add(std::move(stretches[k]), std::move(noise[k]));
    while (left_ > 0) {
      const auto worst = FindWorst();
      if (worst == parts_.end()) break;
      const NoisyPart part = std::move(*worst);
      parts_.erase(worst);
      Halve(part);
    }
    std::sort(parts_.begin(), parts_.end(), [](const NoisyPart& a, const NoisyPart& b) {
      return *a.units.begin() < *b.units.begin();
    });
    return std::move(parts_);
  }

 private:
  static std::set<size_t> Slice(const std::set<size_t>& units, size_t k, size_t count) {
    const auto at = [&](size_t part) {
      return std::next(units.begin(), static_cast<ptrdiff_t>(part * units.size() / count));
    };
    return {at(k), at(k + 1)};
  }

  std::vector<std::vector<double>> Measure(const std::vector<std::set<size_t>>& parts) {
    left_ -= static_cast<int>(parts.size());
    return options_.noise(parts);
  }

  void Add(std::set<size_t> units, std::vector<double> noise) {
    const double saved = options_.saved(units);
    parts_.push_back({std::move(units), std::move(noise), saved});
  }

  // The greatest at any output.
  static double ShareOf(const std::vector<double>& noise, const std::vector<double>& total) {
    double share = 0;
    for (size_t o = 0; o < total.size(); ++o)
      if (total[o] > 0) share = std::max(share, noise[o] / total[o]);
    return share;
  }

  // The one of most noise and time saved that can be halved.
  std::vector<NoisyPart>::iterator FindWorst() {
    const std::vector<double> total = TotalNoise(parts_, parts_.front().noise.size());
    auto worst = parts_.end();
    double most = 0;
    for (auto part = parts_.begin(); part != parts_.end(); ++part) {
      const double share = ShareOf(part->noise, total);
      const double weight = share * std::max(part->saved, kLeastSaving);
      if (part->units.size() < 2 || share < kSmallShare || weight <= most) continue;
      worst = part;
      most = weight;
    }
    return worst;
  }

  void Halve(const NoisyPart& part) {
    std::set<size_t> first = Slice(part.units, 0, 2);
    std::set<size_t> second = Slice(part.units, 1, 2);
    const double worst = *std::max_element(part.noise.begin(), part.noise.end());
    std::vector<double> noise;
    std::vector<double> rest;
    if (worst > kLargeNoise) {
      std::vector<std::vector<double>> both = Measure({first, second});
      noise = std::move(both[0]);
      rest = std::move(both[1]);
    } else {
      noise = Measure({first})[0];
      for (size_t o = 0; o < noise.size(); ++o)
        rest.push_back(std::max(part.noise[o] - noise[o], kLeastRest * part.noise[o]));
      // What was left over again and again is as much what units do together as what the last one
      // does.
      if (second.size() == 1 && left_ > 0 && IsGreat(part, rest)) rest = Measure({second})[0];
    }
    Add(std::move(first), std::move(noise));
    Add(std::move(second), std::move(rest));
  }

  // `rest` is of `part`, which is not among the parts.
  bool IsGreat(const NoisyPart& part, const std::vector<double>& rest) const {
    std::vector<double> total = TotalNoise(parts_, part.noise.size());
    for (size_t o = 0; o < total.size(); ++o) total[o] += part.noise[o];
    return ShareOf(rest, total) > kGreatShare;
  }

  const NoiseMapOptions& options_;
  std::vector<NoisyPart> parts_;
  int left_;  // measurements
};

}  // namespace

std::vector<double> TotalNoise(const std::vector<NoisyPart>& parts, size_t outputs) {
  std::vector<double> total(outputs, 0);
  for (const NoisyPart& part : parts)
    for (size_t o = 0; o < outputs; ++o) total[o] += part.noise[o];
  return total;
}

std::vector<NoisyPart> MapNoise(const NoiseMapOptions& options) {
  return options.units.empty() ? std::vector<NoisyPart>{} : Mapper(options).Run();
}

}  // namespace qconvert
