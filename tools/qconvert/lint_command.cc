// qconvert lint FILE.onnx --target cpu
#include <CLI/CLI.hpp>

#include <string>

#include "command.h"
#include "qconvert/base/error.h"
#include "qconvert/pipeline/lint_file.h"
#include "shared_options.h"

namespace qconvert {
namespace {

struct LintLine {
  std::string model;
  std::string target = "cpu";
  std::string json;
  Verbosity verbosity;
};

void Define(CLI::App& app, LintLine& line) {
  app.add_option("MODEL", line.model, "a quantized ONNX model, of any tool")->required();
  app.add_option("--target", line.target, "whose rules hold")
      ->transform(CLI::IsMember(LintTargets(), CLI::ignore_case))
      ->type_name("NAME")
      ->capture_default_str();
  AddJson(app, line.json);
  AddVerbosity(app, line.verbosity);
}

}  // namespace

int RunLint(int argc, char** argv, VerdictFile& verdict) {
  LintLine line;
  CLI::App app(
      "Tells which operators of a quantized model run on integers, and of each that runs in float "
      "the first rule of the target that it breaks, and where.",
      "qconvert lint");
  app.footer(
      "Examples:\n"
      "  qconvert lint model_quantized.onnx\n"
      "  qconvert lint model_qdq.onnx --target tensorrt --json findings.json");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.verbosity);
  verdict.Open(line.json, line.model, {});
  const Lint lint = LintFile(line.model, line.target);
  verdict.Write(LintJson(lint, std::string(ExitCodeName(ExitCode::kSuccess))));
  PrintResult(FormatLint(lint), {}, line.verbosity, verdict);
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace qconvert
