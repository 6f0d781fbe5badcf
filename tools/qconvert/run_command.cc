// qconvert run MODEL.onnx
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <map>
#include <string>
#include <vector>

#include "command.h"
#include "progress.h"
#include "qconvert/base/error.h"
#include "qconvert/pipeline/run_model.h"
#include "shared_options.h"

namespace qconvert {
namespace {

struct RunLine {
  std::string model;
  std::vector<std::string> inputs;
  SampleOptions samples;
  std::string output;
  std::string json;
  Verbosity verbosity;
};

void Define(CLI::App& app, RunLine& line) {
  app.add_option("MODEL", line.model, "an ONNX model of any stage")->required();
  auto* inputs = app.add_option("--input", line.inputs,
                                "the values of one input: .npy, or headerless elements in a file "
                                "of any other name; repeatable");
  inputs->type_name("NAME=FILE")->allow_extra_args(false);
  AddDataOptions(app, "--calib", line.samples);
  AddDataConfig(app, line.samples);
  inputs->excludes(app.get_option("--calib"));
  app.add_option("-o,--output", line.output,
                 "write the outputs to DIR/OUTPUT.npy, those of samples to DIR/OUTPUT/SAMPLE.npy")
      ->type_name("DIR");
  AddJson(app, line.json);
  AddVerbosity(app, line.verbosity);
}

std::map<std::string, std::filesystem::path> FilesOf(const RunLine& line) {
  std::map<std::string, std::filesystem::path> files;
  for (const std::string& text : line.inputs) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
      throw Error(ExitCode::kUsage, "",
                  fmt::format("--input is '{}', expected NAME=FILE", EscapeForTerminal(text)));
    const std::string name = text.substr(0, equals);
    if (!files.emplace(name, text.substr(equals + 1)).second)
      throw Error(ExitCode::kUsage, "",
                  fmt::format("--input: '{}' is given twice", EscapeForTerminal(name)));
  }
  return files;
}

}  // namespace

int RunRun(int argc, char** argv, VerdictFile& verdict) {
  RunLine line;
  CLI::App app(
      "Runs a model of any stage on one set of inputs or on a folder of samples, and tells or "
      "writes what it gives.",
      "qconvert run");
  app.footer(
      "Examples:\n"
      "  qconvert run model.onnx --input image=cat.npy -o outputs/\n"
      "  qconvert run camera_quantized.onnx --input image_y=y.bin \\\n"
      "      --input image_uv=uv.bin\n"
      "  qconvert run model_quantized.onnx --calib samples/ -o outputs/");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  ApplyVerbosity(line.verbosity);
  RunModelOptions options{.model = line.model,
                          .files = FilesOf(line),
                          .data = DataOf(line.samples),
                          .folder = line.output};
  std::vector<std::filesystem::path> inputs;
  for (const auto& [name, file] : options.files) inputs.push_back(file);
  inputs.emplace_back(line.samples.config);
  verdict.Open(line.json, line.model, inputs);
  options.outputs = {verdict.file()};
  Progress progress("running");
  options.progress = progress.Callback(line.verbosity.quiet);
  const RunReport report = RunModel(options);
  verdict.Write(RunJson(report, std::string(ExitCodeName(ExitCode::kSuccess))));
  PrintResult(FormatRun(report), {}, line.verbosity, verdict);
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace qconvert
