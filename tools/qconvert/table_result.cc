#include "table_result.h"

#include <fmt/format.h>

#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/report/table_report.h"

namespace qconvert {

void TellTable(const CalibrateReport& report, const std::string& output, const Verbosity& verbosity,
               VerdictFile& verdict) {
  for (const std::string& oddity : report.oddities) LogWarning(EscapeForTerminal(oddity));
  verdict.Write(TableVerdictJson(output, report.samples, report.values, report.oddities));
  PrintResult(fmt::format("{}: {} over {}\n", EscapeForTerminal(output),
                          Counted(static_cast<int64_t>(report.values), "value"),
                          Counted(static_cast<int64_t>(report.samples), "sample")),
              {}, verbosity, verdict);
}

}  // namespace qconvert
