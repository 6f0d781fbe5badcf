// What may be done about outputs that fail.
#ifndef QCONVERT_REPORT_ADVICE_H_
#define QCONVERT_REPORT_ADVICE_H_

#include <string>
#include <string_view>

#include "qconvert/report/verdict.h"

namespace qconvert {

// What JudgeOutputs says, which knows nothing of how a model was made.
inline constexpr std::string_view kAdvice =
    "try more samples, --scheme weight-only or a lower --min-sqnr";

// Nothing that was done already. `has_integers`: whether any node of the model computes on
// integers, else weights at most are rounded; `equalize_option`: "--set ..." that would even out
// channels, "" where none would.
std::string AdviceOf(bool has_integers, const std::string& equalize_option);

// `advice` in the place of kAdvice.
void SetAdvice(const std::string& advice, Verdict& verdict);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_ADVICE_H_
