#include "random_sample.h"

#include <fmt/format.h>

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "convert_type.h"
#include "normalize_pixels.h"
#include "qconvert/base/checked.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr int64_t kMostElements = int64_t{1} << 29;  // 2 GiB of floats
constexpr double kWhite = 255;

std::vector<int64_t> DimsOf(const Value& input) {
  if (!input.type.shape) {
    throw Error(ExitCode::kData, "",
                fmt::format("input \"{}\" has no shape, random samples need one", input.name));
  }
  std::vector<int64_t> dims;
  for (const Dim& dim : *input.type.shape) dims.push_back(dim.known() ? dim.value : 1);
  // A product that overflows counts as too large.
  if (ElementCount(dims).value_or(kMostElements) >= kMostElements) {
    throw Error(ExitCode::kResource, "",
                fmt::format("input \"{}\" is larger than 2 GiB", input.name));
  }
  return dims;
}

// In 0..1; the engine is the same everywhere, its distributions are not.
// 53 bits: as many as doubles in [0, 1) tell apart.
double Uniform(std::mt19937_64& engine) { return static_cast<double>(engine() >> 11) * 0x1p-53; }

}  // namespace

Tensor RandomTensor(const Value& input, const InputFormat& format, uint64_t seed) {
  const std::vector<int64_t> dims = DimsOf(input);
  const auto count = static_cast<size_t>(ElementCount(dims).value_or(0));
  if (!IsFloatingPoint(input.type.element)) {
    const std::vector<uint8_t> zeros(count);
    Tensor tensor = MakeTensor<uint8_t>(input.name, DataType::kUint8, dims, zeros);
    return ConvertSample(std::move(tensor), input.type.element, input.name);
  }
  std::mt19937_64 engine(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    // Below 1: times 256 and cut it is a level of 0 to 255.
    const double share = Uniform(engine);
    value =
        static_cast<float>(format.holds_pixels ? std::floor(share * (kWhite + 1)) : 2 * share - 1);
  }
  Tensor tensor = MakeFloatTensor(input.name, dims, values);
  return ConvertSample(NormalizePixels(std::move(tensor), format.scaling, input.name),
                       input.type.element, input.name);
}

}  // namespace qconvert
