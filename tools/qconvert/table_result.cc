#include "table_result.h"

#include <fmt/format.h>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/report/table_report.h"

namespace qconvert {

void TellTable(const CalibrateReport& report, const std::string& output, const Verbosity& verbosity,
               VerdictFile& verdict) {
  for (const std::string& oddity : report.oddities) LogWarning(EscapeForTerminal(oddity));
  verdict.Write(TableVerdictJson(output, report.samples, report.values, report.oddities));
  if (verbosity.quiet || verdict.is_stdout()) return;
  WriteStdout(fmt::format("{}: {} value{} over {} sample{}\n", EscapeForTerminal(output),
                          report.values, report.values == 1 ? "" : "s", report.samples,
                          report.samples == 1 ? "" : "s"));
}

}  // namespace qconvert
