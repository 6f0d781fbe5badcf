// Runs a model of any stage on samples.
#ifndef QCONVERT_PIPELINE_RUN_MODEL_H_
#define QCONVERT_PIPELINE_RUN_MODEL_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "qconvert/pipeline/sample_data.h"
#include "qconvert/report/run_report.h"

namespace qconvert {

struct RunModelOptions {
  std::filesystem::path model;
  // Input name -> file of its values: .npy, or headerless whatever its extension. Instead of
  // `data.folder`.
  std::map<std::string, std::filesystem::path> files;
  SampleData data;
  std::filesystem::path folder;                // for the outputs; empty: only looked at
  std::vector<std::filesystem::path> outputs;  // that the caller writes, for overwrite checks
  std::function<void(size_t done, size_t total)> progress;
};

// Runs the file as it is on every sample, which is read and fed as in a conversion. Outputs are
// written as .npy, as --data takes them for a model whose inputs they are:
//
//   DIR/OUTPUT.npy         one sample out of `files`
//   DIR/OUTPUT/SAMPLE.npy  else; SAMPLE is the file of the sample's first input
//
// Names are PlainNames: nothing is written outside of DIR. A sample that fails ends the run; what
// was written for those before it stays. Throws Error: kUsage for an input that the model does not
// have, or when DIR is where samples are read from, kData for an output that .npy cannot hold.
RunReport RunModel(const RunModelOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_RUN_MODEL_H_
