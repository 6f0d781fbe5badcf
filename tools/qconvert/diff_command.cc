// qconvert diff A B, qconvert diff A --model MODEL.onnx --data DIR
#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "command.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/pipeline/diff_results.h"
#include "shared_options.h"

namespace qconvert {
namespace {

struct DiffLine {
  std::string a;
  std::string b;
  std::string model;
  SampleOptions samples;
  std::optional<double> max_clipped;
  std::optional<double> max_moved;
  int worst = 10;
  std::string json;
  Verbosity verbosity;
};

void Define(CLI::App& app, DiffLine& line) {
  app.add_option("A", line.a, "a quantized model with its quant_info beside it, or that file")
      ->required();
  auto* b = app.add_option("B", line.b, "the result to hold against it");
  auto* model =
      app.add_option("--model", line.model, "the float model, to run new samples through");
  model->type_name("MODEL.onnx")->excludes(b);
  AddDataOptions(app, "--data", line.samples);
  app.get_option("--data")->needs(model);
  CheckNumber(*app.add_option("--max-clipped", line.max_clipped,
                              "exit 8 when more percent of a tensor's values clip; of two results "
                              "percent of its range"),
              0.0, 100.0, "P");
  CheckNumber(
      *app.add_option("--max-moved", line.max_moved, "exit 8 when a scale moved by more percent"),
      0.0, 1e6, "P");
  app.add_option("--worst", line.worst, "rows of each kind that the table shows (default: 10)")
      ->type_name("N")
      ->check(CLI::Range(0, kMaxSamples));
  AddJson(app, line.json);
  AddVerbosity(app, line.verbosity);
}

void CheckTogether(const DiffLine& line) {
  if (line.b.empty() && (line.model.empty() || line.samples.folder.empty()))
    throw Error(ExitCode::kUsage, "",
                "nothing to hold against A: expected B, or --model with --data, see qconvert diff "
                "--help");
}

}  // namespace

int RunDiff(int argc, char** argv, VerdictFile& verdict) {
  DiffLine line;
  CLI::App app(
      "Tells what another conversion decided otherwise: parameters that moved, tensors that clip "
      "now, nodes computed otherwise and why; or which tensors clip on new samples.",
      "qconvert diff");
  app.footer(
      "Examples:\n"
      "  qconvert diff old_quantized.onnx new_quantized.onnx\n"
      "  qconvert diff model_quantized.onnx --model model.onnx --data new/ \\\n"
      "      --max-clipped 0.1");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.verbosity);
  CheckTogether(line);
  verdict.Open(line.json, line.a, {line.b, line.model});
  Progress progress("running samples");
  const DiffResultsOptions options{.a = line.a,
                                   .b = line.b,
                                   .model = line.model,
                                   .data = DataOf(line.samples),
                                   .outputs = {verdict.file()},
                                   .progress = progress.Callback(line.verbosity.quiet)};
  PlanDifference difference = DiffResults(options);
  difference.max_clipped = ShareOf(line.max_clipped);
  difference.max_moved = ShareOf(line.max_moved);
  const std::string missed = difference.Missed();
  const ExitCode code = missed.empty() ? ExitCode::kSuccess : ExitCode::kNumeric;
  verdict.Write(PlanDifferenceJson(difference, std::string(ExitCodeName(code))));
  PrintResult(FormatPlanDifference(difference, static_cast<size_t>(line.worst)), {}, line.verbosity,
              verdict);
  if (!missed.empty()) LogError(Error(code, difference.b, missed).what());
  return static_cast<int>(code);
}

}  // namespace qconvert
