#include "job_files.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <system_error>

#include "qconvert/pipeline/convert.h"

namespace qconvert {
namespace {

using Paths = std::vector<std::filesystem::path>;

constexpr std::array<std::string_view, 4> kWriting = {"-o", "--output", "--report",
                                                      "--first-picture"};

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
    }
    option = word.starts_with('-') && equals == std::string_view::npos ? word : "";
  }
  return arguments;
}

bool IsWritten(const Argument& argument) {
  return std::find(kWriting.begin(), kWriting.end(), argument.option) != kWriting.end();
}

// Several configs make models of other names, and some options make none or no quantized one.
bool MakesDefault(const Job& job, const std::vector<Argument>& arguments) {
  const auto is_config = [](const Argument& one) {
    return one.option == "-c" || one.option == "--config";
  };
  const auto is_other = [](const std::string& word) {
    return word == "--float-only" || word == "--print-config" || word == "--stop-after";
  };
  return std::count_if(arguments.begin(), arguments.end(), is_config) < 2 &&
         std::none_of(job.arguments.begin(), job.arguments.end(), is_other);
}

void AddModel(const std::filesystem::path& output, Paths& outputs) {
  outputs.push_back(output);
  outputs.push_back(QuantInfoPath(output));
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
    bool has_output = false;
    for (const Argument& argument : arguments) {
      if (!IsWritten(argument)) continue;
      if (!IsModelOption(argument.option)) {
        outputs.emplace_back(argument.value);
        continue;
      }
      AddModel(argument.value, outputs);
      has_output = true;
    }
    ConvertOptions options;
    options.model = job.model;
    if (!has_output && MakesDefault(job, arguments)) AddModel(OutputPath(options), outputs);
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
