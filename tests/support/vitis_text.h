// Texts in the Vitis language.
#ifndef QCONVERT_TESTS_SUPPORT_VITIS_TEXT_H_
#define QCONVERT_TESTS_SUPPORT_VITIS_TEXT_H_

#include <string>

namespace qconvert {

// Float scales and rounding as a CPU takes them; the rest are the vendor's defaults.
inline constexpr const char* kOverall =
    "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: float, "
    "calib_statistic_method: max}\n";
inline constexpr const char* kCpu =
    "target_device: CPU\ninclude_cle: false\ninclude_bias_corr: false\n";

inline std::string Cpu(const std::string& more) { return std::string(kCpu) + kOverall + more; }

// Settings of one tensor type on top of kOverall.
inline std::string TensorOf(const std::string& type, const std::string& parameters) {
  return Cpu("tensor_quantize_config: {" + type + ": {" + parameters + "}}\n");
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_VITIS_TEXT_H_
