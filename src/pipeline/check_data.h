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
#include "qconvert/pipeline/sample_data.h"

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

// The same of samples that `models` are run on, of a few of them and as far as they are read
// wrongly: CheckScaling by the first of the models that has such layers, and CheckPixels of float
// inputs that `data` describes. One line per oddity.
std::vector<std::string> CheckRunData(const SampleData& data, const std::vector<Value>& inputs,
                                      const SampleSource& samples,
                                      const std::vector<const Model*>& models);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CHECK_DATA_H_
