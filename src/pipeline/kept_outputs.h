// What a model gave for samples, kept for every model that is compared with it.
#ifndef QCONVERT_SRC_PIPELINE_KEPT_OUTPUTS_H_
#define QCONVERT_SRC_PIPELINE_KEPT_OUTPUTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "qconvert/base/file.h"
#include "qconvert/ir/tensor.h"

namespace qconvert {

// The first ones stay in memory, the others go to a file without a name below the system's folder
// for temporary files, from where one sample's are read at a time: memory does not grow with the
// number of samples.
class KeptOutputs {
 public:
  // At most so many bytes: in memory, and there and in the file together.
  KeptOutputs(size_t samples, int64_t memory_bytes, int64_t all_bytes);

  // False where they do not fit, or the file cannot be made or written.
  bool Keep(size_t sample, std::vector<Tensor> outputs);
  bool Has(size_t sample) const { return kept_[sample].has_value(); }
  // As they were kept; by several threads at a time. Throws Error(kFile) where they cannot be read.
  std::vector<Tensor> Get(size_t sample) const;
  void Clear();

 private:
  struct Kept {
    std::vector<Tensor> outputs;
    std::vector<int64_t> offsets;  // of their bytes in the file, which are null here; none: here
    std::vector<int64_t> sizes;    // of their bytes
  };

  bool Park(Kept& kept);

  std::vector<std::optional<Kept>> kept_;
  const int64_t most_in_memory_;
  const int64_t most_;
  int64_t in_memory_ = 0;
  int64_t in_file_ = 0;
  std::optional<InputFile> file_;
  int descriptor_ = -1;  // the file's own, which closes it
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_KEPT_OUTPUTS_H_
