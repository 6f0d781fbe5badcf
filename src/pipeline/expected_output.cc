#include "expected_output.h"

#include <algorithm>
#include <cstddef>

#include "qconvert/base/parallel.h"
#include "qconvert/weights/clipped_sums.h"

namespace qconvert {
namespace {

bool HaveSameChannels(const std::vector<std::vector<double>>& means) {
  return std::all_of(means.begin(), means.end(), [&](const auto& of_sample) {
    return !of_sample.empty() && of_sample.size() == means[0].size();
  });
}

}  // namespace

ExpectedOutput SeeOutput(const std::vector<Tensor>& values, ChannelAxis axis,
                         const LayerActivation& activation, int workers) {
  ExpectedOutput seen;
  for (const Tensor& tensor : values) seen.dims.push_back(tensor.dims);
  seen.means.resize(values.size());
  ParallelFor(values.size(), workers, [&](size_t s, size_t /*worker*/) {
    if (values[s].dims.size() >= 2) seen.means[s] = ChannelMeans(values[s], axis);
  });
  if (HaveSameChannels(seen.means)) seen.sums = ClippedSums(values, axis, activation);
  return seen;
}

std::optional<std::vector<float>> FindShift(const ExpectedOutput& expected,
                                            const std::vector<Tensor>& actual, ChannelAxis axis,
                                            const LayerActivation& activation, int workers) {
  if (!HaveSameChannels(expected.means)) return std::nullopt;
  for (size_t s = 0; s < actual.size(); ++s)
    if (actual[s].dims != expected.dims[s]) return std::nullopt;
  std::vector<std::vector<double>> differences = expected.means;
  ParallelFor(actual.size(), workers, [&](size_t s, size_t /*worker*/) {
    const std::vector<double> means = ChannelMeans(actual[s], axis);
    for (size_t c = 0; c < means.size(); ++c) differences[s][c] -= means[c];
  });
  std::vector<float> shift = BiasShift(differences);
  LimitShift(expected.sums, actual, axis, activation, shift);
  return shift;
}

}  // namespace qconvert
