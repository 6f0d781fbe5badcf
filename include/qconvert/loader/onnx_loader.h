// ONNX file -> Model.
#ifndef QCONVERT_LOADER_ONNX_LOADER_H_
#define QCONVERT_LOADER_ONNX_LOADER_H_

#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

struct LoadedModel {
  Model model;
  // SHA-256 over the model file and then each external data file in the order of their locations.
  std::string sha256;
  int64_t file_bytes = 0;                    // model file and external data together
  std::vector<std::filesystem::path> files;  // the model file first, then external data
};

// Reads, parses and validates. Nothing outside the model's folder is opened.
// Throws Error: kFile when a file is missing or unreadable, kModel when it is no valid model,
// kResource when it is larger than the 2 GiB that a single ONNX file can have.
LoadedModel LoadOnnx(const std::filesystem::path& path);

}  // namespace qconvert

#endif  // QCONVERT_LOADER_ONNX_LOADER_H_
