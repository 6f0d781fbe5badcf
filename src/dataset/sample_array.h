// One input's array in one file of samples.
#ifndef QCONVERT_SRC_DATASET_SAMPLE_ARRAY_H_
#define QCONVERT_SRC_DATASET_SAMPLE_ARRAY_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "qconvert/dataset/npy_reader.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// Where the array is, and of which type and shape; headerless files have those of the input.
struct SampleArray {
  ByteSource bytes;
  NpyHeader header;
  bool has_rows = true;  // single rows can be read; not in a packed archive
};

// Opens the array of `input`. In an .npz that is the one called like the input, as it is or as a
// file name; or the only one, unless it has to be found `by_name`. Headerless files hold elements
// of `raw_type`; kUndefined: of the input's. Throws Error(kData) naming the file.
SampleArray OpenSampleArray(const std::filesystem::path& path, const Value& input,
                            DataType raw_type = DataType::kUndefined, bool by_name = false);

// How an array is cut into samples: rows along axis 0 per sample, or -1 for the whole array. Throws
// Error: kData when its shape or type does not fit the input, kResource when one sample would take
// more than 2 GiB.
int64_t RowsPerSample(const SampleArray& array, const Value& input, bool stacked);

// Throws Error(kData) naming `place` unless `dims` fit the input's shape.
void RequireShape(const std::vector<int64_t>& dims, const Value& input, const std::string& place);

// Reads rows [first, first + rows), or the whole array with rows < 0, as the input's type and rank.
Tensor ReadSampleArray(const SampleArray& array, const Value& input, int64_t first, int64_t rows);

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_SAMPLE_ARRAY_H_
