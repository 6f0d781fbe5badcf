#include "normalize_pixels.h"

#include <fmt/format.h>

#include <span>
#include <vector>

#include "qconvert/base/error.h"

namespace qconvert {

Tensor NormalizePixels(Tensor values, const PixelScaling& scaling, const std::string& place) {
  if (scaling.mean.empty()) return values;
  const size_t axis = scaling.channel_axis;
  const size_t channels = scaling.mean.size();
  if (axis >= values.dims.size() || values.dims[axis] != static_cast<int64_t>(channels)) {
    throw Error(ExitCode::kData, place,
                fmt::format("has shape [{}], expected {} channels on axis {} for mean and scale",
                            fmt::join(values.dims, ","), channels, axis));
  }
  size_t inner = 1;  // elements from one channel to the next
  for (size_t d = axis + 1; d < values.dims.size(); ++d)
    inner *= static_cast<size_t>(values.dims[d]);
  const std::span<const float> from = values.values<float>();
  std::vector<float> to(from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    const size_t channel = i / inner % channels;
    to[i] = static_cast<float>((static_cast<double>(from[i]) - scaling.mean[channel]) *
                               scaling.scale[channel]);
  }
  return MakeFloatTensor(values.name, values.dims, to);
}

}  // namespace qconvert
