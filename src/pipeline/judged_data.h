// The samples that a conversion is judged on.
#ifndef QCONVERT_SRC_PIPELINE_JUDGED_DATA_H_
#define QCONVERT_SRC_PIPELINE_JUDGED_DATA_H_

#include <cstddef>
#include <string>
#include <vector>

#include "held_out.h"
#include "picture_format.h"
#include "qconvert/calibration/input_feeder.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {

struct JudgedData {
  SampleSource samples;
  std::vector<size_t> order;  // those that are judged on
  std::string description;    // what they are called in reports
  std::string why_fitted;     // why they are ones that calibrate; empty: they do not
};

// Those of --validate, without what calibrates as far as some are left, or else those that `split`
// keeps out. Tells `warnings` of samples of --validate that calibrate. `feeder`, `digest`: of all
// samples of --calib.
JudgedData OpenJudged(const ConvertOptions& options, const Graph& graph, const FoldedInputs& folded,
                      const InputFeeder& feeder, const SampleSource& samples,
                      const DataDigest& digest, const SampleSplit& split,
                      std::vector<std::string>& warnings);

// What the report calls them; `is_corrected`: codes or biases were fitted to calibration samples.
std::string DescribeJudged(const JudgedData& judged, bool is_corrected);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_JUDGED_DATA_H_
