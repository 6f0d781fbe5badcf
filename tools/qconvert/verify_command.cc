// qconvert verify OUT.onnx --model MODEL.onnx
#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include "command.h"
#include "conversion_progress.h"
#include "convert_line.h"
#include "convert_options.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/pipeline/verify_model.h"
#include "shared_options.h"

namespace qconvert {
namespace {

constexpr size_t kShown = 20;

struct VerifyLine {
  std::string out;
  std::string quant_info;
  ConvertLine convert;  // how it was made
  std::string json;
};

void Define(CLI::App& app, VerifyLine& line) {
  app.add_option("OUT", line.out, "the quantized model")->required();
  app.add_option("--model", line.convert.model, "the float model that it was made of")
      ->type_name("MODEL.onnx")
      ->required();
  app.add_option("--quant-info", line.quant_info, "its quant_info (default: beside it)")
      ->type_name("FILE");
  DefineDecisions(app, line.convert);
  AddJson(app, line.json);
  AddVerbosity(app, line.convert.verbosity);
}

VerifyOptions OptionsOf(const VerifyLine& line, const VerdictFile& verdict) {
  VerifyOptions options{
      .out = line.out, .quant_info = line.quant_info, .convert = {}, .outputs = {verdict.file()}};
  // Nothing to calibrate by: the scales are those of the quant_info.
  if (line.convert.samples.folder.empty() && line.convert.table.empty()) {
    options.convert.model = line.convert.model;
    options.convert.strip = line.convert.strip;
    return options;
  }
  if (line.convert.configs.size() > 1)
    throw Error(ExitCode::kUsage, "", "several --config made several models, expected that of OUT");
  options.convert =
      MakeConvertOptions(line.convert, line.convert.configs.empty() ? "" : line.convert.configs[0]);
  return options;
}

}  // namespace

int RunVerify(int argc, char** argv, VerdictFile& verdict) {
  VerifyLine line;
  CLI::App app(
      "Makes a quantized model again and says whether it is the same, byte by byte, or where not.\n"
      "Without samples or a table from the scales in its quant_info; with them, and the settings "
      "of then, every scale too.",
      "qconvert verify");
  app.footer(
      "Examples:\n"
      "  qconvert verify model_quantized.onnx --model model.onnx\n"
      "  qconvert verify model_quantized.onnx --model model.onnx --calib samples/ \\\n"
      "      --config settings.yaml");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.convert.verbosity);
  std::vector<std::filesystem::path> inputs = NamedInputs(line.convert);
  inputs.insert(inputs.end(), {line.out, line.quant_info, PlanFileOf(line.out)});
  verdict.Open(line.json, line.convert.model, inputs);
  VerifyOptions options = OptionsOf(line, verdict);
  ShareCeilingsOf(line.convert, {options.convert});
  const ConversionProgress progress(line.convert.verbosity.quiet, options.convert);
  const Verification result = VerifyModel(options);
  progress.Clear();
  const ExitCode code = result.is_equal() ? ExitCode::kSuccess : ExitCode::kNumeric;
  verdict.Write(VerificationJson(result, std::string(ExitCodeName(code))));
  PrintResult(FormatVerification(result, kShown), {}, line.convert.verbosity, verdict);
  if (!result.is_equal()) LogError(Error(code, line.out, result.differences[0].Line()).what());
  return static_cast<int>(code);
}

}  // namespace qconvert
