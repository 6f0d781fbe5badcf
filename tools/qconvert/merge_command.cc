// qconvert merge: the table of all shards.
#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "command.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "shared_options.h"
#include "table_result.h"

namespace qconvert {

int RunMerge(int argc, char** argv, VerdictFile& verdict) {
  std::vector<std::string> tables;
  std::string output;
  std::string json;
  Verbosity verbosity;
  CLI::App app(
      "Makes one calibration table of those of all shards: the very bytes of one run over "
      "everything.",
      "qconvert merge");
  app.add_option("TABLE", tables, "tables of all shards, in any order")->required();
  app.add_option("-o,--output", output, "the table to write")->type_name("FILE")->required();
  AddJson(app, json);
  AddVerbosity(app, verbosity);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(verbosity);
  verdict.Open(json, "", {tables.begin(), tables.end()});
  TellTable(MergeCalibrationTables({tables.begin(), tables.end()}, output, {verdict.file()}),
            output, verbosity, verdict);
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace qconvert
