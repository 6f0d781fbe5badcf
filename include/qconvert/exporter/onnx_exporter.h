// Model -> ONNX bytes or file.
#ifndef QCONVERT_EXPORTER_ONNX_EXPORTER_H_
#define QCONVERT_EXPORTER_ONNX_EXPORTER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "qconvert/base/file.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// A single ONNX file cannot pass 2 GiB; above this many bytes of tensors the weights go to a data
// file.
inline constexpr int64_t kExternalDataThreshold = int64_t{1900} << 20;

// The whole model as one message. Throws Error(kResource) above 2 GiB.
std::string SerializeModel(const Model& model);

// A model for the engine: large initializers stand beside the message, which the engine would parse
// into one copy more, and which must stay below 2 GiB.
inline constexpr int64_t kEngineExternalThreshold = int64_t{1} << 20;
struct EngineModel {
  std::string bytes;
  std::vector<Tensor> external;  // empty below `threshold` bytes of tensors
  std::vector<Tensor> fed;       // see SerializeForFewRuns
};
EngineModel SerializeForEngine(const Model& model, int64_t threshold = kEngineExternalThreshold);

// The same for a few runs. From `large` bytes of tensors on, weights of matrix products, Conv and
// tables stand as inputs: whatever way initializers come in, the engine copies them, and its
// kernels pack a second copy, which costs more time than it saves, and twice the memory.
//
//   x, W (initializer) -> MatMul      becomes      x, W (input) -> MatMul
inline constexpr int64_t kLargeWeights = int64_t{256} << 20;
EngineModel SerializeForFewRuns(const Model& model, int64_t large = kLargeWeights);

struct ExportOptions {
  bool external_data = false;  // also below the threshold
  // Called with the path of the complete temporary model file before it gets its final name, and
  // with the bytes of model and data file together; throws to refuse it.
  std::function<void(const std::filesystem::path&, int64_t bytes)> verify;
  // Get their names together with the model, or not at all.
  std::vector<AtomicFile*> companions;
  std::vector<std::filesystem::path> inputs;  // never removed
};

struct ExportedFiles {
  int64_t bytes = 0;                // model and data file together
  std::filesystem::path data_file;  // empty without external data
  // All that the model `target` consists of.
  std::vector<std::string> Names(const std::filesystem::path& target) const {
    std::vector<std::string> names{target.string()};
    if (!data_file.empty()) names.push_back(data_file.string());
    return names;
  }
};

// Writes all or nothing. External data goes to `<stem>.<content hash>.data` beside the model:
// initializers of 1 KiB and more, each aligned to 64 bytes. The commit of the model and its
// companions is the one commit point (CommitTogether); then the data file of the model that was
// there before goes. Throws Error(kFile) for disk failures and whatever `verify` throws; then
// `target` is what it was before.
ExportedFiles ExportOnnx(const Model& model, const std::filesystem::path& target,
                         const ExportOptions& options);

// Whether a data file of ExportOnnx has the bytes that its name tells of; of a file of another name
// nothing is known: true. Throws Error where it cannot be read.
bool HoldsItsHash(const std::filesystem::path& data_file);

}  // namespace qconvert

#endif  // QCONVERT_EXPORTER_ONNX_EXPORTER_H_
