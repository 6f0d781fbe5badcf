// qconvert compare A.onnx B.onnx --data DIR
#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "command.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/pipeline/compare_files.h"
#include "qconvert/report/report_page.h"
#include "shared_options.h"

namespace qconvert {
namespace {

constexpr int kShownInner = 10;

struct CompareLine {
  std::string a;
  std::string b;
  SampleOptions samples;
  std::optional<double> min_sqnr;
  std::optional<double> min_cosine;
  bool outputs_only = false;
  int worst = kShownInner;
  std::string report;
  std::string json;
  Verbosity verbosity;
};

void Define(CLI::App& app, CompareLine& line) {
  app.add_option("A", line.a, "the ONNX model that counts as right")->required();
  app.add_option("B", line.b, "the ONNX model to compare with it, of any tool")->required();
  AddDataOptions(app, "--data", line.samples);
  AddDataConfig(app, line.samples);
  CheckNumber(*app.add_option("--min-sqnr", line.min_sqnr,
                              "exit 8 when an output has less signal to noise, as in qconvert "
                              "convert"),
              -10.0, 200.0, "DB");
  CheckNumber(*app.add_option("--min-cosine", line.min_cosine,
                              "exit 8 when an output has a smaller cosine"),
              0.0, 1.0, "C");
  app.add_flag("--outputs-only", line.outputs_only, "do not look at values between");
  app.add_option("--worst", line.worst, "how many of the values between the table shows")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(0, kMaxSamples));
  AddReport(app, line.report);
  AddJson(app, line.json);
  AddVerbosity(app, line.verbosity);
}

CompareFilesOptions OptionsOf(const CompareLine& line, const VerdictFile& verdict) {
  CompareFilesOptions options;
  options.a = line.a;
  options.b = line.b;
  options.data = DataOf(line.samples);
  if (line.min_sqnr || line.min_cosine) options.budget = Gate::Of(line.min_sqnr, line.min_cosine);
  options.inner = !line.outputs_only;
  options.nodes = !line.report.empty();
  options.outputs = {verdict.file(), line.report};
  return options;
}

}  // namespace

int RunCompare(int argc, char** argv, VerdictFile& verdict) {
  CompareLine line;
  CLI::App app(
      "Runs two models on the same samples and tells how far B is from A, at the outputs and at "
      "every value of one name in both.",
      "qconvert compare");
  app.footer(
      "Examples:\n"
      "  qconvert compare model.onnx model_quantized.onnx --data samples/\n"
      "  qconvert compare old.onnx new.onnx --data samples/ --min-sqnr 30 \\\n"
      "      --json verdict.json\n"
      "  qconvert compare model.onnx model_quantized.onnx --data samples/ \\\n"
      "      --report page.html");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.verbosity);
  verdict.Open(line.json, line.a, {line.b, line.samples.config});
  // Before the samples run, not after.
  if (!line.report.empty()) CheckWritable(line.report);
  RefuseOverwriting({verdict.file(), line.report}, {line.samples.config});
  CompareFilesOptions options = OptionsOf(line, verdict);
  Progress progress("comparing");
  options.progress = progress.Callback(line.verbosity.quiet);
  const FileComparison comparison = CompareFiles(options);
  const ExitCode code = comparison.Passes() ? ExitCode::kSuccess : ExitCode::kNumeric;
  verdict.Write(FileComparisonJson(comparison, std::string(ExitCodeName(code))));
  if (!line.report.empty()) {
    WriteFile(line.report,
              ReportPage(ComparisonPageJson(comparison, std::string(ExitCodeName(code)))));
  }
  PrintResult(FormatFileComparison(comparison, static_cast<size_t>(line.worst)), {line.report},
              line.verbosity, verdict);
  if (code != ExitCode::kSuccess) {
    const Verdict judged =
        JudgeOutputs(comparison.outputs, comparison.gate, comparison.sample_names);
    LogError(Error(code, line.b, "output \"" + judged.Worst()->name + "\" " + judged.Worst()->text)
                 .what());
  }
  return static_cast<int>(code);
}

}  // namespace qconvert
