// What the commands that write a calibration table say at their end.
#ifndef QCONVERT_TOOLS_QCONVERT_TABLE_RESULT_H_
#define QCONVERT_TOOLS_QCONVERT_TABLE_RESULT_H_

#include <string>

#include "qconvert/pipeline/calibration_table_command.h"
#include "shared_options.h"
#include "verdict_file.h"

namespace qconvert {

// Warnings, the verdict, and a line on stdout.
void TellTable(const CalibrateReport& report, const std::string& output, const Verbosity& verbosity,
               VerdictFile& verdict);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_TABLE_RESULT_H_
