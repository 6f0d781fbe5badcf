// The loader reads files: bytes in a file of memory.
#ifndef QCONVERT_TESTS_FUZZ_MODEL_FILE_H_
#define QCONVERT_TESTS_FUZZ_MODEL_FILE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "qconvert/base/file.h"
#include "qconvert/loader/onnx_loader.h"

namespace qconvert {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(memfd_create("model", MFD_CLOEXEC)) {
    if (descriptor_ < 0) std::abort();
    WriteAll(descriptor_, "memory", bytes);
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

// Throws Error as LoadOnnx does.
inline Model LoadModelBytes(std::string_view bytes) {
  const MemoryFile file(bytes);
  return LoadOnnx(file.path()).model;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_FUZZ_MODEL_FILE_H_
