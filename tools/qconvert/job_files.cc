#include "job_files.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <system_error>

#include "convert_options.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {
namespace {

using Paths = std::vector<std::filesystem::path>;

// Those that name what is written; what all others name is read. A test holds them against --help.
constexpr std::array<std::string_view, 7> kWriting = {
    "-o",           "--output", "--report", "--node-data", "--first-picture", "--export-config",
    "--dump-passes"};

bool IsModelOption(std::string_view option) { return option == "-o" || option == "--output"; }

// `argument` is "--option=value" or a value that an option before it takes.
struct Argument {
  std::string_view option;  // "" when it belongs to none
  std::string_view value;
};

std::vector<Argument> Split(const std::vector<std::string>& words) {
  std::vector<Argument> arguments;
  std::string_view option;
  for (const std::string_view word : words) {
    const size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    if (equals != std::string_view::npos) {
      arguments.push_back({word.substr(0, equals), word.substr(equals + 1)});
    } else if (!word.starts_with('-')) {
      arguments.push_back({option, word});
    } else if (word.size() > 2 && !word.starts_with("--")) {
      arguments.push_back({word.substr(0, 2), word.substr(2)});  // -oFILE
    }
    option = word.starts_with('-') && equals == std::string_view::npos ? word : "";
  }
  return arguments;
}

bool IsWritten(const Argument& argument) {
  return std::find(kWriting.begin(), kWriting.end(), argument.option) != kWriting.end();
}

bool HasFlag(const Job& job, const std::string& flag) {
  return std::any_of(job.arguments.begin(), job.arguments.end(), [&](const std::string& word) {
    return word == flag || word.starts_with(flag + "=");
  });
}

void AddModel(const std::filesystem::path& output, Paths& outputs) {
  outputs.push_back(output);
  outputs.push_back(QuantInfoPath(output));
}

// Where nothing says where: beside the model, one for each of several configs.
Paths DefaultModels(const Job& job, const std::vector<Argument>& arguments) {
  if (HasFlag(job, "--print-config")) return {};
  Paths configs;
  for (const Argument& one : arguments)
    if (one.option == "-c" || one.option == "--config") configs.emplace_back(one.value);
  ConvertOptions options;
  options.model = job.model;
  options.float_only = HasFlag(job, "--float-only");
  if (configs.size() < 2) return {OutputPath(options)};
  Paths models;
  for (const auto& config : configs) models.push_back(OutputOfConfig(job.model, config));
  return models;
}

// What is no model: a file, or for the folder of --dump-passes one in it, as folders are no files.
std::filesystem::path Companion(const Argument& argument) {
  std::error_code ignored;
  const std::filesystem::path path = argument.value;
  return std::filesystem::is_directory(path, ignored) ? path / "passes" : path;
}

void AddFiles(const std::filesystem::path& path, Paths& inputs) {
  // Errors end the walk: what cannot be read the job itself will tell.
  std::error_code error;
  inputs.push_back(path);  // what is not there stands for nothing
  for (std::filesystem::recursive_directory_iterator it(path, error), end; !error && it != end;
       it.increment(error)) {
    inputs.push_back(it->path());
  }
}

}  // namespace

std::vector<std::filesystem::path> OutputsOf(const std::vector<Job>& jobs) {
  Paths outputs;
  for (const Job& job : jobs) {
    const std::vector<Argument> arguments = Split(job.arguments);
    Paths models;
    for (const Argument& argument : arguments) {
      if (!IsWritten(argument)) continue;
      if (IsModelOption(argument.option))
        models.emplace_back(argument.value);
      else
        outputs.push_back(Companion(argument));
    }
    if (models.empty()) models = DefaultModels(job, arguments);
    for (const auto& model : models) {
      AddModel(model, outputs);
      if (HasFlag(job, "--auto"))
        outputs.push_back(std::filesystem::path(model).replace_extension(".yaml"));
    }
  }
  return outputs;
}

std::vector<std::filesystem::path> InputsOf(const std::vector<Job>& jobs) {
  Paths inputs;
  for (const Job& job : jobs) {
    inputs.push_back(job.model);
    for (const Argument& argument : Split(job.arguments)) {
      if (!IsWritten(argument)) AddFiles(argument.value, inputs);
    }
  }
  return inputs;
}

}  // namespace qconvert
