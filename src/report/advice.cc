#include "qconvert/report/advice.h"

#include <fmt/format.h>

#include <vector>

namespace qconvert {

std::string AdviceOf(bool has_integers, const std::string& equalize_option) {
  std::vector<std::string> advice;
  if (has_integers) advice.emplace_back("more samples");  // have no part in stored weights
  if (!equalize_option.empty()) advice.push_back(equalize_option);
  advice.emplace_back(has_integers ? "--scheme weight-only"
                                   : "floats for the nodes that qconvert debug names");
  return fmt::format("try {} or a lower --min-sqnr", fmt::join(advice, ", "));
}

void SetAdvice(const std::string& advice, Verdict& verdict) {
  for (OutputVerdict& output : verdict.outputs) {
    // Texts of outputs that pass, or that no plan could help, have no advice in them.
    const size_t at = output.text.find(kAdvice);
    if (at != std::string::npos) output.text.replace(at, kAdvice.size(), advice);
  }
}

}  // namespace qconvert
