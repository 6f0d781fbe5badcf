#include "sample_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "qconvert/base/sha256.h"

namespace qconvert {
namespace {

// Large samples are many numbers each: a few of them tell as much.
constexpr size_t kMostNumbers = size_t{1} << 25;
constexpr size_t kFewestSamples = 4;

std::vector<NumbersSeen> LookAt(const Tensor& tensor, size_t axis) {
  const bool has_channels = axis < tensor.dims.size() && tensor.dims[axis] > 0;
  const size_t channels = has_channels ? static_cast<size_t>(tensor.dims[axis]) : 1;
  size_t inner = 1;  // elements from one channel to the next
  for (size_t d = axis + 1; has_channels && d < tensor.dims.size(); ++d)
    inner *= static_cast<size_t>(tensor.dims[d]);
  std::vector<NumbersSeen> seen(channels);
  const std::vector<float> values = ToFloats(tensor);
  // Channels in turn, `inner` numbers of each.
  for (size_t i = 0; i < values.size();) {
    for (NumbersSeen& channel : seen)
      for (size_t k = 0; k < inner; ++k) channel.Add(static_cast<double>(values[i++]));
  }
  return seen;
}

}  // namespace

void NumbersSeen::Add(double value) {
  least = std::min(least, value);
  most = std::max(most, value);
  sum += value;
  ++count;
}

void NumbersSeen::Add(const NumbersSeen& other) {
  least = std::min(least, other.least);
  most = std::max(most, other.most);
  sum += other.sum;
  count += other.count;
}

std::vector<SampleSeen> LookAtSamples(const SampleSource& samples, std::span<const size_t> order,
                                      const std::map<std::string, size_t>& channel_axes) {
  std::vector<SampleSeen> all;
  size_t numbers = 0;
  for (const size_t index : order) {
    if (all.size() >= kFewestSamples && numbers > kMostNumbers) break;
    const Sample sample = samples.Read(index);
    SampleSeen& seen = all.emplace_back();
    seen.name = sample.name;
    Sha256 hash;
    for (const Tensor& tensor : sample.inputs) {
      hash.Update(fmt::format("{} {} [{}]\n", tensor.name, DataTypeName(tensor.type),
                              fmt::join(tensor.dims, ",")));
      if (tensor.bytes != nullptr) hash.Update(*tensor.bytes);
      numbers += static_cast<size_t>(tensor.element_count());
      if (!IsFloatingPoint(tensor.type) || tensor.element_count() == 0) continue;
      const auto axis = channel_axes.find(tensor.name);
      const size_t none = tensor.dims.size();
      seen.inputs[tensor.name] = LookAt(tensor, axis == channel_axes.end() ? none : axis->second);
    }
    seen.sha256 = hash.HexDigest();
  }
  return all;
}

}  // namespace qconvert
