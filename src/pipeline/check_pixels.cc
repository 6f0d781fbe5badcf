#include "check_pixels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace qconvert {
namespace {

constexpr size_t kLookedAt = 4;
// Unclipped color conversion gives levels of -180 to 480; raw pixels undone with the usual scales
// of 1/58 to 1/255 thousands.
constexpr double kLeastLevel = -512;
constexpr double kMostLevel = 1024;
// Normalized data reach about -3 to 3; the darkest picture with anything in it more.
constexpr double kFlat = 8;

struct Range {
  double least = INFINITY;
  double most = -INFINITY;

  void Add(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

struct Seen {
  std::string input;  // settings may leave out the name of an only one
  Range values;       // as the float model takes them
  Range levels;       // with mean and scale undone
  std::vector<std::string> constant;
};

void Look(const InputSettings& input, const Sample& sample, const Tensor& tensor, Seen& seen) {
  seen.input = tensor.name;
  const size_t axis = input.layout_train == InputLayout::kNhwc ? 3 : 1;
  if (axis >= tensor.dims.size()) return;
  const auto channels = static_cast<size_t>(tensor.dims[axis]);
  size_t inner = 1;
  for (size_t d = axis + 1; d < tensor.dims.size(); ++d)
    inner *= static_cast<size_t>(tensor.dims[d]);
  std::vector<Range> of_channel(channels);
  const std::vector<float> values = ToFloats(tensor);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t channel = i / inner % channels;
    const auto value = static_cast<double>(values[i]);
    of_channel[channel].Add(value);
    seen.values.Add(value);
    seen.levels.Add(value / input.ScaleOf(channel) + input.MeanOf(channel));
  }
  if (std::all_of(of_channel.begin(), of_channel.end(),
                  [](const Range& range) { return range.least == range.most; })) {
    seen.constant.push_back(sample.name);
  }
}

std::string DomainOddity(const Seen& seen, bool is_raw_domain) {
  const auto& [least, most] = seen.levels;
  if (is_raw_domain && most - least < kFlat && seen.constant.empty()) {
    return fmt::format(
        "samples of input \"{}\" hold {:.4g} to {:.4g}, pixels of 0 to 255 are expected (J5 rule): "
        "were they normalized already?",
        seen.input, least, most);
  }
  if (!is_raw_domain && (least < kLeastLevel || most > kMostLevel)) {
    return fmt::format(
        "samples of input \"{}\" hold {:.4g} to {:.4g}, which mean and scale make of levels {:.4g} "
        "to {:.4g}, normalized pixels are expected (J6 rule): are they raw?",
        seen.input, seen.values.least, seen.values.most, least, most);
  }
  return {};
}

}  // namespace

std::vector<std::string> CheckPixels(const DeploymentConfig& deployment,
                                     const SampleSource& samples, std::span<const size_t> order) {
  const auto is_normalized = [](const InputSettings& input) {
    return input.kind_train != InputKind::kFeaturemap && input.normalizes();
  };
  if (std::none_of(deployment.inputs.begin(), deployment.inputs.end(), is_normalized)) return {};
  std::vector<Seen> seen(deployment.inputs.size());
  for (const size_t index : order.first(std::min(order.size(), kLookedAt))) {
    const Sample sample = samples.Read(index);
    for (size_t i = 0; i < seen.size(); ++i) {
      const InputSettings& input = deployment.inputs[i];
      for (const Tensor& tensor : sample.inputs) {
        const bool is_it = input.name.empty() || tensor.name == input.name;
        if (is_it && is_normalized(input)) Look(input, sample, tensor, seen[i]);
      }
    }
  }
  const bool is_raw_domain = deployment.calibration_domain == CalibrationDomain::kRaw;
  std::vector<std::string> oddities;
  for (size_t i = 0; i < seen.size(); ++i) {
    if (seen[i].values.least > seen[i].values.most) continue;  // nothing looked at
    std::string oddity = DomainOddity(seen[i], is_raw_domain);
    if (!oddity.empty()) oddities.push_back(std::move(oddity));
    if (!seen[i].constant.empty()) {
      oddities.push_back(fmt::format("samples of input \"{}\" with one color alone: {}",
                                     seen[i].input, fmt::join(seen[i].constant, ", ")));
    }
  }
  return oddities;
}

}  // namespace qconvert
