// qconvert debug MODEL.onnx --calib DIR
#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "command.h"
#include "convert_line.h"
#include "convert_options.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/pipeline/debug_model.h"
#include "qconvert/report/report_page.h"
#include "shared_options.h"

namespace qconvert {
namespace {

constexpr int kMostSamples = 64;
constexpr int kMostBudget = 100'000;

struct DebugLine {
  ConvertLine convert;
  std::optional<double> target;
  int samples = 0;
  int budget = 0;
};

void Define(CLI::App& app, DebugLine& line) {
  app.add_option("MODEL", line.convert.model,
                 "the float ONNX model (a Horizon config names one itself)");
  DefineSettings(app, line.convert);
  AddReport(app, line.convert.report);
  AddNodeData(app, line.convert.node_data);
  AddJson(app, line.convert.json);
  CheckNumber(*app.add_option("--target", line.target,
                              "signal to noise that the outputs are to have with few nodes float "
                              "(default: 10 more than with none, at least 17)"),
              -10.0, 200.0, "DB");
  app.add_option("--samples", line.samples,
                 "how many samples everything is measured on (default: 2, of more than 32 nodes 1)")
      ->type_name("N")
      ->check(CLI::Range(1, kMostSamples));
  app.add_option("--budget", line.budget,
                 "sets of nodes to measure while the guilty are looked for (default: 300, of "
                 "networks with billions of multiply-adds fewer)")
      ->type_name("N")
      ->check(CLI::Range(1, kMostBudget));
  AddVerbosity(app, line.convert.verbosity);
}

}  // namespace

int RunDebug(int argc, char** argv, VerdictFile& verdict) {
  DebugLine line;
  CLI::App app(
      "Measures every node, its weights and its activations quantized alone, names the smallest "
      "set of nodes that must stay float, and says what causes their error. Writes no model.",
      "qconvert debug");
  app.footer(
      "Examples:\n"
      "  qconvert debug model.onnx --calib samples/\n"
      "  qconvert debug model.onnx --config settings.yaml --calib samples/ \\\n"
      "      --target 40 --report why.html");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.convert.verbosity);
  if (line.convert.configs.size() > 1)
    throw Error(ExitCode::kUsage, "", "several --config given, expected one");
  if (line.convert.model.empty() && line.convert.configs.empty())
    throw Error(ExitCode::kUsage, "", "no model given, see qconvert debug --help");
  const std::string config = line.convert.configs.empty() ? "" : line.convert.configs[0];
  verdict.Open(line.convert.json, line.convert.model, NamedInputs(line.convert));
  DebugOptions options{.convert = MakeConvertOptions(line.convert, config),
                       .target_sqnr_db = line.target,
                       .samples = static_cast<size_t>(line.samples),
                       .budget = line.budget};
  ShareCeilingsOf(line.convert, {options.convert});
  options.convert.other_outputs = {verdict.file()};
  Progress calibrating("calibrating");
  options.convert.progress = calibrating.Callback(line.convert.verbosity.quiet);
  Progress progress("measuring");
  options.progress = progress.Callback(line.convert.verbosity.quiet);
  DebugReport report = DebugModel(options);
  for (const std::string& warning : report.conversion.warnings)
    LogWarning(EscapeForTerminal(warning));
  if (!verdict.file().empty()) report.conversion.files.push_back(verdict.file().string());
  verdict.Write(
      LayersJson(report.conversion, std::string(ExitCodeName(ExitCode::kSuccess)), report.layers));
  PrintTable(FormatDebug(report), line.convert.verbosity, verdict);
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace qconvert
