// debug_mode dump_calibration_data: the samples as the float model takes them, for its debugger.
#ifndef QCONVERT_SRC_PIPELINE_DUMP_SAMPLES_H_
#define QCONVERT_SRC_PIPELINE_DUMP_SAMPLES_H_

#include <filesystem>
#include <vector>

#include "qconvert/base/provisional.h"
#include "qconvert/dataset/sample_source.h"

namespace qconvert {

// Throws Error(kFile) unless `folder` is empty, or not there.
void RequireEmptyFolder(const std::filesystem::path& folder);

// What the folders of a sample's inputs are called, each its own: PlainNames (plain_name.h).
std::vector<std::string> FoldersOfInputs(const std::vector<Tensor>& inputs);

// The files of a dump. They go again unless kept.
class SampleDump {
 public:
  // Writes every sample to `folder/<input>/<k>.npy`, k = 0, 1, ... in the order of their names,
  // inputs by FoldersOfInputs. Throws Error.
  SampleDump(const SampleSource& samples, const std::filesystem::path& folder);
  void Keep();

 private:
  // Innermost last, and so they go, also when the constructor throws.
  struct Made {
    std::vector<Provisional> list;
    Made() = default;
    Made(const Made&) = delete;
    Made& operator=(const Made&) = delete;
    ~Made() {
      while (!list.empty()) list.pop_back();
    }
  };

  void Prepare(const std::filesystem::path& folder);

  Made made_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_DUMP_SAMPLES_H_
