// The conversions of one batch.
#ifndef QCONVERT_CONFIG_JOB_LIST_H_
#define QCONVERT_CONFIG_JOB_LIST_H_

#include <filesystem>
#include <string>
#include <vector>

namespace qconvert {

struct Job {
  std::string name;  // no other job's
  std::filesystem::path model;
  std::vector<std::string> arguments;  // of qconvert, behind the model
};

// A file lists them; JSON or YAML:
//
//   defaults: {config: cpu_int8, args: [--min-sqnr, "20"]}    optional, for what a job leaves out
//   jobs:
//     - model: a.onnx            required; all others are optional
//       name: first              else the model's stem
//       calib: samples/a         and validate, table, output: the options of these names
//       config: fast.yaml        a file, or a preset
//       args: [--scheme, static] further arguments, as on the command line
//
// Paths are relative to the list. A folder is a list of its own: every .onnx file in it, with the
// samples in the sub-folder of the model's stem; without one weights alone are quantized, which
// takes no samples. Throws ConfigError with all problems, Error(kFile) for what cannot be read.
std::vector<Job> ReadJobList(const std::filesystem::path& list);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_JOB_LIST_H_
