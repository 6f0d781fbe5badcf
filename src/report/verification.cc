#include "qconvert/report/verification.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "json_text.h"
#include "qconvert/base/counted.h"

namespace qconvert {

std::string FormatVerification(const Verification& verification, size_t shown) {
  std::string out = Text(verification.out);
  auto sink = std::back_inserter(out);
  const char* what = verification.from_the_start ? "every scale and byte follows again from"
                                                 : "every byte follows again from quant_info and";
  if (verification.is_equal()) {
    fmt::format_to(sink, ": equal\n  {} {}\n  {} bytes compared\n", what, Text(verification.model),
                   verification.bytes);
    return out;
  }
  const size_t count = verification.differences.size();
  fmt::format_to(sink, ": not what {} gives, {}\n", Text(verification.model),
                 Counted(count, "difference"));
  for (size_t k = 0; k < std::min(shown, count); ++k)
    fmt::format_to(sink, "  {}\n", verification.differences[k].Line());
  if (count > shown) fmt::format_to(sink, "  and {} more\n", count - shown);
  return out;
}

std::string VerificationJson(const Verification& verification, const std::string& exit_class) {
  Json differences = Json::array();
  for (const Difference& difference : verification.differences)
    differences.push_back({{"where", difference.where},
                           {"found", difference.found},
                           {"expected", difference.expected}});
  return Json{{"exit", exit_class},
              {"output", Text(verification.out)},
              {"model", Text(verification.model)},
              {"from_the_start", verification.from_the_start},
              {"equal", verification.is_equal()},
              {"differences", std::move(differences)}}
             .dump(2) +
         "\n";
}

}  // namespace qconvert
