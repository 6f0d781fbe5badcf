// What was seen in a model, of all samples.
#ifndef QCONVERT_CALIBRATION_CALIBRATION_TABLE_H_
#define QCONVERT_CALIBRATION_CALIBRATION_TABLE_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "qconvert/calibration/range.h"
#include "qconvert/calibration/tensor_statistics.h"

namespace qconvert {

// A sample, by its place in the data set.
struct SampleAt {
  size_t index = 0;
  std::string name;

  bool operator==(const SampleAt&) const = default;
};

// By value name. Plain data: printed, saved and loaded without a model.
struct CalibrationTable {
  std::map<std::string, TensorStatistics> values;
  // value -> question (BatchQuestion::key) -> the answer for every batch, in the order of samples.
  std::map<std::string, std::map<std::string, std::vector<Range>>> batches;
  std::map<std::string, SampleAt> infinite;  // value -> the first sample in which it is infinite
  size_t samples = 0;
  size_t batch_size = 1;

  bool operator==(const CalibrationTable&) const = default;
};

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_CALIBRATION_TABLE_H_
