// All that can be said against samples before they are used.
#ifndef QCONVERT_SRC_PIPELINE_CHECK_DATA_H_
#define QCONVERT_SRC_PIPELINE_CHECK_DATA_H_

#include <filesystem>
#include <string>
#include <vector>

#include "check_samples.h"
#include "picture_format.h"
#include "qconvert/calibration/input_feeder.h"
#include "qconvert/config/quant_config.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

struct DataToCheck {
  const QuantConfig& config;
  const std::vector<Value>& inputs;
  const SampleSource& samples;
  const InputFeeder& feeder;
  const DataDigest& digest;
  const FirstLayers& first;
  const std::filesystem::path& model_file;
  const FoldedInputs& folded;
};

// What CheckSamples and CheckPixels say. Throws Error(kData) with it when `is_strict` and they say
// anything.
std::vector<std::string> CheckData(const DataToCheck& data, bool is_strict);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHECK_DATA_H_
