#include "train_steps.h"

#include <algorithm>
#include <vector>

#include "fit_channel.h"
#include "qconvert/weights/output_positions.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

// Weights that rounding leaves with 36 dB take smaller steps.
constexpr float kFineNoise = 2.512e-4F;
constexpr float kFineRate = 0.1F;

}  // namespace

int64_t StepsOf(const LearningSettings& settings, int64_t batches) {
  return settings.epochs > 0 ? settings.epochs * batches : settings.iterations;
}

int64_t LooksOf(int64_t steps) { return 1 + (steps + kLookEvery - 1) / kLookEvery; }

float Uniform(uint64_t seed, uint64_t index) {
  uint64_t z = seed + index * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  // The upper 24 bits: a float holds no more.
  return static_cast<float>((z ^ (z >> 31)) >> 40) * 0x1p-24F;
}

float Beta(const LearningSettings& settings, int64_t step, int64_t steps) {
  const auto all = static_cast<double>(steps);
  const double begin = settings.warm_start * all;
  if (static_cast<double>(step) < begin) return 0;
  const double done = (static_cast<double>(step) - begin) / std::max(all - begin, 1.0);
  return static_cast<float>(settings.last_beta +
                            (settings.first_beta - settings.last_beta) * (1 - done));
}

FloatRow WeightRates(const LearningSettings& settings, const FloatMatrix& real,
                     const FloatMatrix& start, const FloatMatrix& scales) {
  const auto rate = static_cast<float>(settings.learning_rate);
  // Rates are of weights, steps of codes.
  if (!settings.rate_of_deviation) return rate / scales.colwise().maxCoeff().array();
  const FloatRow deviation = ((real.rowwise() - real.colwise().mean()).colwise().squaredNorm() /
                              static_cast<float>(std::max<Index>(real.rows(), 1)))
                                 .cwiseSqrt();
  const FloatRow noise = (start - real).colwise().squaredNorm();
  const FloatRow power = real.colwise().squaredNorm();
  return rate * (noise.array() < kFineNoise * power.array())
                    .select(kFineRate * deviation.array(), deviation.array());
}

CodedChannels GatherChannels(const WeightOrder& order, const Tensor& weight,
                             std::span<const int32_t> codes, const FittedWeights& grid,
                             int64_t first, int64_t count) {
  CodedChannels out{FloatMatrix(order.count, count), FloatMatrix(order.count, count),
                    FloatMatrix(order.count, count)};
  const auto values = weight.values<float>();
  const std::vector<float>& scales = grid.params.scales;
  for (int64_t o = 0; o < count; ++o) {
    for (int64_t k = 0; k < order.count; ++k) {
      const size_t at = PlaceOf(order, first + o, k);
      out.scales(k, o) = scales[ScaleOf(order, scales.size(), grid.block_size, first + o, k)];
      out.real(k, o) = values[at] / out.scales(k, o);
      out.codes(k, o) = static_cast<float>(codes[at]);
    }
  }
  return out;
}

void KeepPairs(const NumericFormat& format, int32_t pair_limit, FloatMatrix& codes) {
  if (pair_limit == 0) return;
  for (Index c = 0; c < codes.cols(); ++c) {
    // Codes are weights of scale 1: rounding changes those of large pairs only.
    const Eigen::VectorXf column = codes.col(c);
    const FittedChannel kept =
        RoundChannel({column.data(), static_cast<size_t>(column.size())}, 1.0F, format, pair_limit);
    for (Index k = 0; k < codes.rows(); ++k)
      codes(k, c) = static_cast<float>(kept.codes[static_cast<size_t>(k)]);
  }
}

}  // namespace qconvert
