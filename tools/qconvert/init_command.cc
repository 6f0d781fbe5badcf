// qconvert init MODEL.onnx
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "command.h"
#include "configs.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/pipeline/inspect_model.h"
#include "shared_options.h"

namespace qconvert {
namespace {

struct InitLine {
  std::string model;
  std::string config;
  std::string output;
};

void Define(CLI::App& app, InitLine& line) {
  app.add_option("MODEL", line.model, "the float ONNX model")->required();
  app.add_option("-c,--config", line.config,
                 "the preset, or file, to start from (default: cpu_int8)")
      ->type_name("FILE");
  app.add_option("-o,--output", line.output,
                 "the settings to write (default: MODEL's stem + .yaml, in this folder)")
      ->type_name("FILE");
}

// What a comment can hold: one line.
std::string Comment(const std::string& text) { return "# " + EscapeForTerminal(text) + "\n"; }

// A name between double quotes in YAML.
std::string Quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : EscapeWhole(name)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// A model that does not fit the settings yet: they are to be edited anyway. What is missing is told
// without the place, which is a line of the preset.
struct Start {
  Inspection seen;
  std::vector<std::string> missing;
};

Start InspectFor(const std::string& model, const std::filesystem::path& file,
                 const LoadedConfig& loaded) {
  const auto inspect = [&](const std::filesystem::path& settings, const LoadedConfig& read) {
    return InspectModel({model, {read.config, read.effective, settings}});
  };
  try {
    return {inspect(file, loaded), {}};
  } catch (const ConfigError& e) {
    const std::filesystem::path usual = FindConfig("");
    Start start{inspect(usual, ReadConfig(usual, {})), e.problems()};
    for (std::string& problem : start.missing) problem.erase(0, problem.find(": ") + 2);
    return start;
  }
}

std::string Header(const Inspection& seen, const std::string& output) {
  std::string out = Comment(fmt::format("Settings for {}:", seen.model));
  out += Comment(fmt::format("  qconvert {} --config {} --calib DIR", seen.model, output));
  for (const Inspection::Border& input : seen.inputs)
    out += Comment(fmt::format("DIR holds samples of {} {}", input.name, input.type));
  out += Comment(fmt::format("Expected, before anything is measured: {}, since {}", seen.scheme,
                             seen.scheme_reason));
  return out + "\n";
}

// Nodes that stay float as they are, as an example of settings of nodes.
std::string Footer(const Inspection& seen) {
  std::string out =
      "\n# Nodes may have settings of their own, by name (/head/*, re:.*stage[23].*) or type:\n";
  if (seen.operators.empty()) return out;
  out += "# layer_quantize_config:\n";
  for (const auto& [type, count] : seen.operators) {
    if (type.find(':') != std::string::npos || type == "Constant") continue;
    fmt::format_to(std::back_inserter(out),
                   "#   - layer_type: {}  # {} of them\n"
                   "#     overall_quantize_config: {{datatype: float32}}\n",
                   EscapeForTerminal(type), count);
  }
  for (const auto& [key, nodes] : seen.float_reasons) {
    out += Comment(fmt::format("{} {}, the first {}: {}", nodes.size(), key.first, Quoted(nodes[0]),
                               key.second));
  }
  return out;
}

}  // namespace

int RunInit(int argc, char** argv, VerdictFile& /*verdict*/) {
  InitLine line;
  CLI::App app(
      "Writes settings to start from for a model, with comments: those of a preset, the model's "
      "inputs, what stays float and why.",
      "qconvert init");
  app.footer(
      "Examples:\n"
      "  qconvert init model.onnx\n"
      "  qconvert init model.onnx --config vitis_int8_cpu -o settings.yaml");
  Define(app, line);
  if (!Parse(app, argc, argv)) return static_cast<int>(ExitCode::kSuccess);
  const std::filesystem::path output =
      line.output.empty() ? std::filesystem::path(line.model).stem().string() + ".yaml"
                          : line.output;
  if (output.extension() == ".json")
    throw Error(ExitCode::kUsage, output.string(),
                "settings with comments are YAML, expected a name that ends in .yaml");
  const std::filesystem::path file = FindConfig(line.config);
  RefuseOverwriting({output}, {line.model, file});
  std::error_code error;
  if (std::filesystem::exists(output, error))
    throw Error(ExitCode::kFile, output.string(), "is there already, expected a new file (-o)");
  CheckWritable(output);
  const LoadedConfig loaded = ReadConfig(file, {});
  const auto [seen, missing] = InspectFor(line.model, file, loaded);
  std::string text = Header(seen, output.string());
  for (const std::string& problem : missing) text += Comment("To be settled first: " + problem);
  text += ReadFile(file);
  // Nodes are listed in the keys of Vitis, which a Horizon file does not have.
  if (loaded.effective.Find("tensor_quantize_config") != nullptr) text += Footer(seen);
  WriteFile(output, text);
  WriteStdout(fmt::format("{}: settings of {}, to be edited\n", EscapeForTerminal(output.string()),
                          file.stem().string()));
  for (const std::string& problem : missing) LogWarning("to be settled first: " + problem);
  return static_cast<int>(ExitCode::kSuccess);
}

}  // namespace qconvert
