#include "qconvert/calibration/tensorrt_cache.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr std::string_view kFirstWord = "TRT-";
constexpr float kMostCode = 127;
constexpr int kHexadecimal = 16;
constexpr size_t kMostDigits = 8;

// The float with these bits, where it is a step of a grid.
std::optional<float> FindStep(std::string_view digits) {
  uint32_t bits = 0;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, bits, kHexadecimal);
  if (digits.empty() || digits.size() > kMostDigits || read.ec != std::errc() || read.ptr != end)
    return std::nullopt;
  const auto step = std::bit_cast<float>(bits);
  // The range has to be finite as well.
  if (std::signbit(step) || !std::isfinite(step * kMostCode)) return std::nullopt;
  return step;
}

TensorStatistics RangeOfStep(float step) {
  TensorStatistics out;
  out.min = -kMostCode * step;
  out.max = kMostCode * step;
  out.count = 1;  // seen
  return out;
}

}  // namespace

bool IsTensorRtCache(std::string_view text) { return text.starts_with(kFirstWord); }

CalibrationTable ParseTensorRtCache(std::string_view text, const std::string& place) {
  CalibrationTable table;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || number == 1) continue;
    const auto refuse = [&](const std::string& what) {
      throw Error(ExitCode::kData, fmt::format("{}:{}", place, number), what);
    };
    const size_t colon = line.rfind(": ");  // names may have colons, too
    const auto step =
        colon == std::string_view::npos ? std::nullopt : FindStep(line.substr(colon + 2));
    if (!step) {
      refuse(
          fmt::format("is '{}', expected a name and the hexadecimal bits of a step, "
                      "'input: 3c010a14'",
                      EscapeForTerminal(std::string(line))));
    }
    const std::string name(line.substr(0, colon));
    if (!table.values.emplace(name, RangeOfStep(*step)).second)
      refuse(fmt::format("has '{}' a second time", EscapeForTerminal(name)));
  }
  return table;
}

}  // namespace qconvert
