// qconvert costs: a cost table of the processor at hand.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <string>

#include "command.h"
#include "progress.h"
#include "qconvert/base/file.h"
#include "qconvert/base/wrap.h"
#include "qconvert/pipeline/measure_costs.h"
#include "shared_options.h"

namespace qconvert {

int RunCosts(int argc, char** argv, VerdictFile& /*verdict*/) {
  std::string output;
  MeasureCostsOptions options;
  Verbosity verbosity;
  CLI::App app(
      "Times ONNX Runtime's float and integer kernels on this processor, one thread, for half a "
      "minute, and writes the table that --cost-table estimates by. Best on an idle machine.",
      "qconvert costs");
  app.footer(
      "Examples:\n"
      "  qconvert costs -o costs.json\n"
      "  qconvert model.onnx --calib samples/ --cost-table costs.json");
  app.add_option("-o,--output", output, "the table to write")->type_name("FILE")->required();
  app.add_option("--network-ms", options.milliseconds,
                 "time for each of about 600 networks (default: 60)")
      ->check(CLI::Range(0.0, 60'000.0))
      ->type_name("MS");
  AddVerbosity(app, verbosity);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(verbosity);
  // Before half a minute of timing, not after.
  CheckWritable(output);
  Progress progress("timing networks");
  options.progress = progress.Callback(verbosity.quiet);
  const MeasuredCosts costs = MeasureCosts(options);
  WriteFile(output, CostTableJson(costs.table));
  if (verbosity.quiet) return static_cast<int>(ExitCode::kSuccess);
  WriteStdout(WrapLine(fmt::format(
                  "{}: times of {} networks, which it estimates within {:.0f} % on average (the "
                  "built-in table of this kind of processor: {:.0f} %)",
                  EscapeForTerminal(output), costs.networks, 100 * costs.mean_error,
                  100 * costs.default_error)) +
              "\n");
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace qconvert
