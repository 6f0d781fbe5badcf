// What computes here: figures of speed say little without it, and float kernels of different
// instruction sets round differently.
#ifndef QCONVERT_BASE_PROCESSOR_INFO_H_
#define QCONVERT_BASE_PROCESSOR_INFO_H_

#include <string>
#include <string_view>

namespace qconvert {

struct ProcessorInfo {
  std::string name;          // "AMD EPYC 9B14"; the architecture where nothing is known
  std::string architecture;  // "x86_64", "aarch64"
  // Those that choose the engine's kernels, in order of age: "avx2 avx512f avx512_vnni".
  std::string instruction_sets;

  // The kind without the name: "x86_64 avx2 avx512f". Equal ones take the same kernels.
  std::string Kind() const;
};

// From the text of Linux's /proc/cpuinfo, of the first processor in it.
ProcessorInfo ParseProcessor(std::string_view cpuinfo, const std::string& architecture);

// Of this machine.
ProcessorInfo ThisProcessor();

}  // namespace qconvert

#endif  // QCONVERT_BASE_PROCESSOR_INFO_H_
