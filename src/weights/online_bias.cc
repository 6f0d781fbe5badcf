#include "qconvert/weights/online_bias.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

constexpr double kRate = 0.05;
constexpr double kSlowFrom = 4.0;
constexpr double kEnough = 4.3;
constexpr double kSteady = 0.05;
constexpr double kKept = 4.0 / 5;  // of a running mean

}  // namespace

void OnlineBias::Step(const Tensor& exact, const Tensor& quantized) {
  if (has_stopped_) return;
  const Tensor with_bias = AddToChannels(quantized, axis_, shift_);
  const std::vector<float> f = ToFloats(exact);
  const std::vector<float> q = ToFloats(with_bias);
  QCONVERT_CHECK(f.size() == q.size());
  double power = 0;
  double noise = 0;
  for (size_t i = 0; i < f.size(); ++i) {
    const double difference = static_cast<double>(q[i]) - static_cast<double>(f[i]);
    power += static_cast<double>(f[i]) * static_cast<double>(f[i]);
    noise += difference * difference;
  }
  has_stopped_ = noise == 0 || power == 0;
  if (has_stopped_) return;
  const double e = 1.25 * std::log10(power / noise);
  const double d = std::fabs(e - level_);
  level_ = kKept * level_ + (1 - kKept) * e;
  change_ = kKept * change_ + (1 - kKept) * d;
  // In this order: a change of 0 would be divided by last.
  has_stopped_ = level_ > kEnough || change_ / level_ < kSteady || d == 0 ||
                 std::fabs(d - change_ / d) < kSteady;
  if (has_stopped_) return;
  const double rate = level_ > kSlowFrom ? kRate / 2 : kRate;
  std::vector<double> error = ChannelMeans(with_bias, axis_);
  const std::vector<double> means = ChannelMeans(exact, axis_);
  for (size_t c = 0; c < error.size(); ++c) error[c] -= means[c];
  if (exact.dims.size() == 3 && axis_ == ChannelAxis::kSecond) {
    const double all = std::accumulate(error.begin(), error.end(), 0.0);
    std::fill(error.begin(), error.end(), all / static_cast<double>(error.size()));
  }
  for (size_t c = 0; c < error.size(); ++c) shift_[c] -= static_cast<float>(rate * error[c]);
}

}  // namespace qconvert
