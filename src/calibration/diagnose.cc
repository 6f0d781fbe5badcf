#include "qconvert/calibration/diagnose.h"

#include <fmt/format.h>

#include <cstddef>

namespace qconvert {
namespace {

constexpr size_t kNamed = 3;

// `1 value is 0 in every sample: "a"`, `5 values are 0 in every sample: "a", "b", "c" and 2 more`.
void Tell(const std::vector<std::string>& names, const char* singular, const char* plural,
          std::vector<std::string>& lines) {
  if (names.empty()) return;
  std::vector<std::string> quoted;
  for (const std::string& name : names) {
    if (quoted.size() < kNamed) quoted.push_back(fmt::format("\"{}\"", name));
  }
  std::string line = fmt::format("{} {}: {}", names.size(), names.size() == 1 ? singular : plural,
                                 fmt::join(quoted, ", "));
  if (names.size() > kNamed) line += fmt::format(" and {} more", names.size() - kNamed);
  lines.push_back(std::move(line));
}

}  // namespace

std::vector<std::string> Diagnose(const CalibrationTable& table,
                                  const std::vector<std::string>& values) {
  std::vector<std::string> lines;
  std::vector<std::string> empty;
  std::vector<std::string> zero;
  std::vector<std::string> constant;
  for (const std::string& name : values) {
    const auto found = table.values.find(name);
    if (found == table.values.end()) continue;
    const TensorStatistics& seen = found->second;
    const auto infinite = table.infinite.find(name);
    // Before the test for no elements: where all values are infinite, no finite one was counted.
    if (seen.inf_count > 0) {
      lines.push_back(fmt::format(
          "\"{}\" holds {} infinities{} and cannot be quantized", name, seen.inf_count,
          infinite == table.infinite.end() ? "" : ", the first in " + infinite->second.name));
    } else if (seen.count == 0) {
      empty.push_back(name);
    } else if (seen.min == 0 && seen.max == 0) {
      zero.push_back(name);
    } else if (seen.min == seen.max && seen.count > 1) {
      // A single element is always one and the same number, and says nothing.
      constant.push_back(name);
    }
  }
  Tell(empty, "value has no elements in any sample", "values have no elements in any sample",
       lines);
  Tell(zero, "value is 0 in every sample", "values are 0 in every sample", lines);
  Tell(constant, "value is one and the same number in every sample",
       "values are one and the same number in every sample", lines);
  return lines;
}

}  // namespace qconvert
