// qconvert bench FLOAT.onnx [QUANT.onnx...]
#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "command.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/pipeline/bench_models.h"
#include "shared_options.h"

namespace qconvert {
namespace {

constexpr double kLongest = 86400;  // seconds
constexpr int kMostRows = 1000;

struct BenchLine {
  std::vector<std::string> models;
  SampleOptions samples;
  int threads = 1;
  int rounds = 0;
  double seconds = 10;
  int top = 8;
  std::string json;
  Verbosity verbosity;
};

void Define(CLI::App& app, BenchLine& line) {
  app.add_option("MODEL", line.models, "ONNX models; the first is what the others are measured by")
      ->required();
  app.add_option("--data", line.samples.folder,
                 "folder of samples to run, as for --calib (default: random numbers)")
      ->type_name("DIR");
  AddDataConfig(app, line.samples);
  AddStateOption(app, line.samples);
  app.add_flag("--stacked", line.samples.stacked, "axis 0 of a file stacks samples");
  app.add_option("--threads", line.threads, "threads inside operators (default: 1)")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxWorkers));
  app.add_option("--rounds", line.rounds,
                 "runs of each model (default: as many as fit into --seconds, at least 11)")
      ->type_name("N")
      ->check(CLI::Range(1, kMostRounds));
  CheckNumber(*app.add_option("--seconds", line.seconds, "how long to measure (default: 10)"),
              0.001, kLongest, "SECONDS");
  app.add_option("--top", line.top, "operators shown of each profile; 0: none (default: 8)")
      ->type_name("N")
      ->check(CLI::Range(0, kMostRows));
  AddJson(app, line.json);
  AddVerbosity(app, line.verbosity);
}

}  // namespace

int RunBench(int argc, char** argv, VerdictFile& verdict) {
  BenchLine line;
  CLI::App app(
      "Times models in turns, and tells the median of each with its 95 % interval and which "
      "operators the time goes to.",
      "qconvert bench");
  app.footer(
      "Examples:\n"
      "  qconvert bench model.onnx model_quantized.onnx\n"
      "  qconvert bench model.onnx a.onnx b.onnx --data samples/ --threads 4 \\\n"
      "      --json times.json");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.verbosity);
  verdict.Open(line.json, line.models[0], {line.models.begin(), line.models.end()});
  Progress progress("timing");
  // Profiles go into the JSON, however few rows --top shows.
  const BenchModelsOptions options{.models = {line.models.begin(), line.models.end()},
                                   .data = DataOf(line.samples),
                                   .threads = line.threads,
                                   .rounds = line.rounds,
                                   .seconds = line.seconds,
                                   .profile = line.top > 0 || !line.json.empty(),
                                   .outputs = {verdict.file()},
                                   .progress = progress.Callback(line.verbosity.quiet)};
  const BenchReport report = BenchModels(options);
  verdict.Write(BenchJson(report, std::string(ExitCodeName(ExitCode::kSuccess))));
  PrintResult(FormatBench(report, static_cast<size_t>(line.top)), {}, line.verbosity, verdict);
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace qconvert
