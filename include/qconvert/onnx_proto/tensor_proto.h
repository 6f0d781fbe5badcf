// ONNX TensorProto <-> Tensor. The only place that reads tensor bytes from a model, external files
// included.
#ifndef QCONVERT_ONNX_PROTO_TENSOR_PROTO_H_
#define QCONVERT_ONNX_PROTO_TENSOR_PROTO_H_

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "qconvert/base/file.h"
#include "qconvert/ir/tensor.h"

namespace onnx {
class TensorProto;
class SparseTensorProto;
}  // namespace onnx

namespace qconvert {

// Distinct regions of an external file may overlap; beyond this multiple of its size they would
// only fill the memory.
inline constexpr int64_t kMaxOverlap = 4;

// Reads tensors of one model. External data must lie inside the model's folder after every link is
// resolved, in regular files, and offset and length must fit the file and the shape; nothing is
// allocated before that is known.
class TensorReader {
 public:
  // `model_path` names the model in messages; external locations are relative to its (real) folder.
  explicit TensorReader(std::filesystem::path model_path);

  // Takes the payload out of `proto`. Throws Error(kModel) naming the tensor: unknown type, sizes
  // that do not fit, two payloads, unsorted or repeated indices, an external location that leaves
  // the folder or is no regular file; kFile when an external file is missing; kResource when the
  // regions read of an external file overlap to more than kMaxOverlap times its size.
  Tensor Read(onnx::TensorProto& proto);
  SparseTensor Read(onnx::SparseTensorProto& proto);

  // External files opened so far, for overwrite checks.
  const std::map<std::string, std::shared_ptr<InputFile>>& external_files() const { return files_; }

 private:
  void ReadExternal(const onnx::TensorProto& proto, Tensor& tensor, int64_t expected_bytes);
  void CheckSorted(const SparseTensor& sparse) const;
  const InputFile& OpenExternal(const std::string& location, const std::string& tensor_name);
  [[noreturn]] void Fail(const std::string& tensor_name, const std::string& message) const;

  std::filesystem::path model_path_;
  std::map<std::string, std::shared_ptr<InputFile>> files_;
  // Regions of external files read so far: tensors that name the same one share its bytes.
  std::map<std::tuple<std::string, int64_t, int64_t>, std::shared_ptr<const std::string>> regions_;
  std::map<std::string, int64_t> bytes_read_;  // of each external file
};

// Writes name, type, dims and payload (raw_data, or string_data).
void WriteTensor(const Tensor& tensor, onnx::TensorProto& proto);
void WriteSparseTensor(const SparseTensor& tensor, onnx::SparseTensorProto& proto);

}  // namespace qconvert

#endif  // QCONVERT_ONNX_PROTO_TENSOR_PROTO_H_
