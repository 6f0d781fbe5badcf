// What samples hold, in numbers.
#ifndef QCONVERT_SRC_PIPELINE_SAMPLE_STATISTICS_H_
#define QCONVERT_SRC_PIPELINE_SAMPLE_STATISTICS_H_

#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "qconvert/dataset/sample_source.h"

namespace qconvert {

// Numbers of one channel of one tensor, or of a whole one.
struct NumbersSeen {
  double least = INFINITY;
  double most = -INFINITY;
  double sum = 0;
  size_t count = 0;

  void Add(double value);
  void Add(const NumbersSeen& other);
  double mean() const { return sum / static_cast<double>(count); }
  bool is_constant() const { return count > 0 && least == most; }
};

struct SampleSeen {
  std::string name;
  std::string sha256;  // of all inputs' types, shapes and numbers
  // By input, of floating-point type only: the numbers of each channel; one entry where nobody says
  // what channels are.
  std::map<std::string, std::vector<NumbersSeen>> inputs;
};

// The samples at `order`, read one at a time; behind the fourth none once 32 Mi numbers were seen.
// `channel_axes`: by input.
std::vector<SampleSeen> LookAtSamples(const SampleSource& samples, std::span<const size_t> order,
                                      const std::map<std::string, size_t>& channel_axes);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SAMPLE_STATISTICS_H_
