// Runs a fuzz target over stored inputs: arguments are folders.
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "qconvert/base/file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& file : qconvert::ListFolder(argv[i])) {
      const std::string bytes = qconvert::ReadFile(file);
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      ++count;
    }
  }
  std::printf("%d inputs\n", count);
  return count > 0 ? 0 : 1;
}
