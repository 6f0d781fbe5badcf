// What was seen in a model, of all samples.
#ifndef QCONVERT_CALIBRATION_CALIBRATION_TABLE_H_
#define QCONVERT_CALIBRATION_CALIBRATION_TABLE_H_

#include <cstddef>
#include <cstdint>
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

// One observation of a value, whole.
struct CapturedValue {
  size_t sample = 0;  // its place in the data set
  std::vector<int64_t> dims;
  std::vector<float> values;

  bool operator==(const CapturedValue&) const = default;
};

// By value name. Plain data: printed, saved and loaded without a model.
struct CalibrationTable {
  std::map<std::string, TensorStatistics> values;
  // value -> question (BatchQuestion::key) -> the answer for every batch, in the order of samples.
  std::map<std::string, std::map<std::string, std::vector<Range>>> batches;
  std::map<std::string, SampleAt> infinite;  // value -> the first sample in which it is infinite
  // What was asked for beside, of the samples of one run; in no file.
  std::map<std::string, std::vector<double>> channel_means;
  std::map<std::string, std::vector<CapturedValue>> captured;
  size_t samples = 0;
  size_t batch_size = 1;

  bool operator==(const CalibrationTable&) const = default;
};

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_CALIBRATION_TABLE_H_
