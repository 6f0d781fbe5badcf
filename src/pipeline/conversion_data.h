// The samples of a conversion, and what of them calibrates.
#ifndef QCONVERT_SRC_PIPELINE_CONVERSION_DATA_H_
#define QCONVERT_SRC_PIPELINE_CONVERSION_DATA_H_

#include "calibration_data.h"
#include "held_out.h"
#include "qconvert/calibration/input_feeder.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {

// All samples, and those that calibrate; none where a table stands for them, or nothing needs
// them. Feeders read the sources beside them.
struct ConversionData {
  // Throws Error where the samples cannot be read, or are among the outputs.
  ConversionData(const ConvertOptions& options, const Graph& graph, const FoldedInputs& folded);
  ConversionData(const ConversionData&) = delete;
  ConversionData& operator=(const ConversionData&) = delete;

  const SampleSource samples;
  const InputFeeder feeder;
  const int workers;
  const DataDigest digest;
  const SampleSplit split;
  const SampleSource calibration;
  const InputFeeder observed;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_CONVERSION_DATA_H_
