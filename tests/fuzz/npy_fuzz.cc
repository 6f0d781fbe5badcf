// Any bytes are either refused as an npy file, or give a tensor of the shape that the header says.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "qconvert/base/error.h"
#include "qconvert/dataset/npy_reader.h"

namespace {

using qconvert::NpyHeader;
using qconvert::Tensor;

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void CheckWhole(const qconvert::ByteSource& source, const NpyHeader& header) {
  const Tensor all = qconvert::ReadNpy(source, header);
  if (all.dims != header.shape) Fail("another shape than the header says");
  if (all.byte_size() != header.data_bytes) Fail("another size than the header says");
}

// The rows one after the other are the whole.
void CheckRows(const qconvert::ByteSource& source, const NpyHeader& header) {
  if (header.shape.empty() || header.shape[0] == 0 || header.shape[0] > 64) return;
  std::string rows;
  for (int64_t row = 0; row < header.shape[0]; ++row)
    rows += *qconvert::ReadNpy(source, header, row, 1).bytes;
  if (rows != *qconvert::ReadNpy(source, header).bytes) Fail("rows are not the whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const qconvert::ByteSource source(
      "fuzz.npy", static_cast<int64_t>(size), [&](int64_t offset, int64_t count, char* out) {
        if (offset < 0 || count < 0 || offset + count > static_cast<int64_t>(size))
          Fail("reads beyond the end");
        if (count > 0) std::memcpy(out, data + offset, static_cast<size_t>(count));
      });
  try {
    const NpyHeader header = qconvert::ReadNpyHeader(source);
    CheckWhole(source, header);
    CheckRows(source, header);
  } catch (const qconvert::Error&) {
  }
  return 0;
}
