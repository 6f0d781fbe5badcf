// NumPy array files, formats 1.0, 2.0 and 3.0 (numpy.lib.format).
#ifndef QCONVERT_DATASET_NPY_READER_H_
#define QCONVERT_DATASET_NPY_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/base/file.h"
#include "qconvert/ir/tensor.h"

namespace qconvert {

// Bytes read by position: a file, or a member of an archive. May be used by one thread at a time.
struct ByteSource {
  ByteSource(std::string place_name, int64_t byte_count,
             std::function<void(int64_t offset, int64_t count, char* out)> reader);
  ByteSource(const InputFile& file);  // NOLINT: a file is one; it must outlive the source
  explicit ByteSource(const std::shared_ptr<const InputFile>& file);

  std::string place;  // in errors
  int64_t size = 0;
  // Reads exactly `count` bytes or throws.
  std::function<void(int64_t offset, int64_t count, char* out)> read_at;
};

struct NpyHeader {
  DataType type = DataType::kUndefined;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<int64_t> shape;
  int64_t data_offset = 0;
  int64_t data_bytes = 0;  // what shape and type need, and all that the file holds behind
};

// Reads and checks the header against the file's size: version, a dictionary of exactly descr,
// fortran_order and shape, a numeric dtype, a shape that fits. Nothing is allocated from numbers in
// the file before they are checked. Throws Error(kData) naming the place.
NpyHeader ReadNpyHeader(const ByteSource& source);

// Rows [first, first + count) along axis 0 (all of the data with count < 0 or rank 0), row-major,
// little endian.
Tensor ReadNpy(const ByteSource& source, const NpyHeader& header, int64_t first = 0,
               int64_t count = -1);

// Parses the header's dictionary text alone. Exposed for tests and fuzzing; `place` names the file.
NpyHeader ParseNpyDictionary(std::string_view text, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_DATASET_NPY_READER_H_
