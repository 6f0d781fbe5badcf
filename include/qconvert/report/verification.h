// Whether a quantized model is what its receipt says: what qconvert verify tells.
#ifndef QCONVERT_REPORT_VERIFICATION_H_
#define QCONVERT_REPORT_VERIFICATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/report/model_difference.h"

namespace qconvert {

struct Verification {
  std::string out;  // as the user named them
  std::string model;
  // Ranges and choices were made again from samples or a table; else scales are those of
  // quant_info, and only what follows from them was.
  bool from_the_start = false;
  int64_t bytes = 0;  // that were compared
  std::vector<Difference> differences;

  bool is_equal() const { return differences.empty(); }
};

// For people; at most `shown` differences.
std::string FormatVerification(const Verification& verification, size_t shown);
std::string VerificationJson(const Verification& verification, const std::string& exit_class);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_VERIFICATION_H_
