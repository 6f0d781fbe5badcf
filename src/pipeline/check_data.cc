#include "check_data.h"

#include <fmt/format.h>

#include "check_pixels.h"
#include "qconvert/base/error.h"

namespace qconvert {

std::vector<std::string> CheckData(const DataToCheck& data, bool is_strict) {
  const std::vector<size_t>& order = data.digest.by_content;
  std::vector<std::string> oddities =
      CheckSamples(data.samples, data.feeder, order, data.first, data.model_file);
  for (std::string& oddity :
       CheckPixels(data.config, data.inputs, data.samples, order, data.folded))
    oddities.push_back(std::move(oddity));
  if (is_strict && !oddities.empty()) {
    throw Error(ExitCode::kData, "", fmt::format("--strict-data: {}", fmt::join(oddities, "; ")));
  }
  return oddities;
}

}  // namespace qconvert
