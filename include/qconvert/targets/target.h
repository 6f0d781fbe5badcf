// What differs between devices, as data.
#ifndef QCONVERT_TARGETS_TARGET_H_
#define QCONVERT_TARGETS_TARGET_H_

#include <cstdint>
#include <string_view>

namespace qconvert {

struct Target {
  std::string_view name;
  // Integers only where they are estimated to be faster; else wherever a kernel takes them.
  bool places_by_time = false;
  // What two neighbouring weights of one sign may sum to: kernels without int8 dot products add
  // products in pairs as 16-bit integers that saturate (vpmaddubsw), and 255 * 128 < 2^15. 0: any.
  int32_t pair_limit = 0;
  // Symmetric int8 activations are written as uint8 with zero point 128, the same numbers: the
  // engine's kernels for uint8 are faster, and some of int8 do not fuse (docs/op_rules.md).
  bool unsigned_activations = false;
};

// ONNX Runtime on x86 and ARM processors, measured on 1.28.0.
inline constexpr Target kCpuTarget{"CPU", true, 128, true};
// TensorRT demands int8 with zero point 0 (its developer guide, "Explicit Quantization").
inline constexpr Target kGpuTarget{"GPU"};
inline constexpr Target kDpuTarget{"DPU"};
inline constexpr Target kBpuTarget{"BPU"};

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_TARGET_H_
