#include "qconvert/weights/code_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "qconvert/base/check.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/numbers/quantize.h"

namespace qconvert {
namespace {

constexpr char kNoStep = '.';

char LetterOf(int32_t steps) {
  QCONVERT_CHECK(std::abs(steps) <= kMostCodeSteps);
  if (steps == 0) return kNoStep;
  return static_cast<char>(steps > 0 ? 'a' + steps - 1 : 'A' - steps - 1);
}

std::optional<int32_t> StepsOf(char letter) {
  if (letter == kNoStep) return 0;
  if (letter >= 'a' && letter <= 'z') return letter - 'a' + 1;
  if (letter >= 'A' && letter <= 'Z') return 'A' - letter - 1;
  return std::nullopt;
}

}  // namespace

std::string StepsBetween(const Tensor& nearest, const Tensor& codes) {
  const std::vector<int32_t> from = CodesOf(nearest);
  const std::vector<int32_t> to = CodesOf(codes);
  QCONVERT_CHECK(from.size() == to.size());
  std::string steps;
  for (size_t i = 0; i < from.size(); ++i) steps += LetterOf(to[i] - from[i]);
  // Codes that are the nearest need no letters in a file.
  return from == to ? "" : steps;
}

std::string AddSteps(const std::string& steps, FittedWeights& weights) {
  if (weights.weight.type != DataType::kInt8 && weights.weight.type != DataType::kInt16)
    return "needs weights of int8 or int16";
  std::vector<int32_t> codes = CodesOf(weights.weight);
  if (steps.size() != codes.size())
    return fmt::format("has {} letters, expected {}, one per weight", steps.size(), codes.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    const std::optional<int32_t> step = StepsOf(steps[i]);
    if (!step) return fmt::format("has a letter at {} that is none of '.', a-z, A-Z", i);
    codes[i] += *step;
    // A code above the format's would wrap around in its type.
    if (codes[i] < weights.format.qmin || codes[i] > weights.format.qmax) {
      return fmt::format("makes code {} at {}, expected {} to {}", codes[i], i, weights.format.qmin,
                         weights.format.qmax);
    }
  }
  weights.weight.bytes = std::make_shared<const std::string>(PackCodes(codes, weights.weight.type));
  return "";
}

std::vector<int32_t> CodesOfWeights(const FittedWeights& weights) {
  return CodesOf(weights.weight);
}

bool TakeCodes(const std::vector<int32_t>& codes, FittedWeights& weights) {
  if (static_cast<int64_t>(codes.size()) != weights.weight.element_count()) return false;
  weights.weight.bytes = std::make_shared<const std::string>(PackCodes(codes, weights.params.type));
  return true;
}

}  // namespace qconvert
