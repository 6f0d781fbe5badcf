// Runs two models on a labelled or unlabelled set.
#ifndef QCONVERT_PIPELINE_EVALUATE_MODELS_H_
#define QCONVERT_PIPELINE_EVALUATE_MODELS_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/pipeline/sample_data.h"
#include "qconvert/report/evaluation.h"

namespace qconvert {

struct EvaluateOptions {
  std::filesystem::path a;  // the float model
  std::filesystem::path b;  // the quantized one
  SampleData data;
  // One class for every position of every sample, in the order of the file names: an .npy array of
  // integers, or a text of numbers. Empty: none.
  std::filesystem::path labels;
  std::string output;  // which one; empty: the first of scores, else the first of numbers
  // Empty: detection where two outputs of the first sample are recognized (RecognizeBoxes) and
  // neither labels nor an output are named, else classification where the output is scores or has
  // labels.
  std::optional<Task> task;
  std::string boxes;  // outputs of a detector; empty: recognized
  std::string scores;
  double min_score = 0.5;  // of boxes that count
  int k = 5;
  size_t worst = 5;
  std::filesystem::path save_worst;  // folder for the inputs of the worst samples; empty: none
  std::optional<double> max_drop;
  std::optional<double> min_agreement;
  std::vector<std::filesystem::path> outputs;  // that the caller writes, for overwrite checks
  std::function<void(size_t done, size_t total)> progress;
};

// Scores every sample in both models; what is held does not grow with the samples but for the
// numbers of each. Worst samples are written as --data takes them: DIR/01_NAME.npy, or
// DIR/INPUT/01_NAME.npy where there are several inputs. Throws Error: kData for labels that do not
// fit, kUsage for an unknown output or a detector that is none, and what LoadPair and the samples
// throw.
Evaluation EvaluateModels(const EvaluateOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_EVALUATE_MODELS_H_
