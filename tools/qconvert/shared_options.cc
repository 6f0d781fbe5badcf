#include "shared_options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <system_error>
#include <utility>

#include "configs.h"
#include "help_form.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/suggest.h"
#include "qconvert/base/wrap.h"
#include "qconvert/config/read_config.h"
#include "qconvert/report/files_line.h"

namespace qconvert {
namespace {

constexpr int64_t kMostSeconds = int64_t{366} * 24 * 3600;

// Puts the text of an option on a line of its own where one blank alone would part it from the
// name: further lines stand under what follows two.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string text = CLI::Formatter::make_option(option, is_positional);
    const std::string name =
        "  " + make_option_name(option, is_positional) + make_option_opts(option);
    const size_t column = get_column_width();
    if (name.size() + 1 == column) text.insert(name.size(), "\n" + std::string(column - 1, ' '));
    return text;
  }
};

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// An empty text means "not said" further on, and was said here.
void RefuseEmpty(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& value : option->results()) {
      if (value.empty())
        throw Error(ExitCode::kUsage, "", fmt::format("{} is empty", option->get_name()));
    }
  }
}

// The model, the table, the page: none can go to stdout.
void RefuseDash(const CLI::App& app) {
  for (const char* name : {"--output", "--report", "--node-data"}) {
    const CLI::Option* output = app.get_option_no_throw(name);
    if (output == nullptr || output->count() == 0 || output->results()[0] != "-") continue;
    throw Error(ExitCode::kUsage, "",
                fmt::format("{} is '-', expected a file: it cannot go to stdout", name));
  }
}

// CLI11's messages name the culprit but come in several lines and cases.
[[noreturn]] void ThrowUsage(const CLI::App& app, const CLI::ParseError& e) {
  std::string message = e.what();
  const auto extras = app.remaining(true);
  if (!extras.empty()) {
    message = fmt::format("unexpected argument '{}'{}", extras[0],
                          DidYouMean(extras[0], OptionNames(app)));
  }
  std::replace(message.begin(), message.end(), '\n', ' ');
  throw Error(ExitCode::kUsage, "", fmt::format("{}, see {} --help", message, app.get_name()));
}

// "2GiB" to bytes.
std::string ParseSize(std::string& text) {
  const std::string out_of_range = fmt::format("Value {} not in range 1 to 8EiB", text);
  if (text.starts_with('-')) return out_of_range;
  try {
    const std::string problem = CLI::AsSizeValue(false)(text);
    if (!problem.empty()) return problem;
    // Not CLI::Range: it takes what passes 64 bits for the largest number.
    int64_t bytes = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (error != std::errc() || bytes < 1) return out_of_range;
  } catch (const CLI::Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

void AddMemoryLimit(CLI::App& app, int64_t& bytes, const std::string& help) {
  app.add_option("--memory-limit", bytes, help)
      ->type_name("SIZE")
      ->transform(CLI::Validator(ParseSize, "SIZE [b, kb(=1024b), ...]"));
}

void AddStateOption(CLI::App& app, SampleOptions& samples) {
  app.add_option(
         "--state", samples.states,
         "an input without data: zeros at first, then fed back from OUTPUT if given; repeatable")
      ->type_name("INPUT[=OUTPUT]")
      ->allow_extra_args(false);
}

void AddDataOptions(CLI::App& app, const std::string& folder, SampleOptions& samples) {
  app.add_option(folder, samples.folder,
                 "folder of .npy, .bin, .jpg or .png samples, or one sub-folder per input")
      ->type_name("DIR");
  AddStateOption(app, samples);
  app.add_option("--workers", samples.workers,
                 "samples run at the same time (default: one per processor)")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxWorkers));
  app.add_option("--max-samples", samples.max_samples, "use at most N samples, spread evenly")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxSamples));
  app.add_flag(
      "--stacked", samples.stacked,
      "axis 0 of a file stacks samples; else a file is one sample where the model's axis 0 "
      "is free");
}

void AddSampleOptions(CLI::App& app, SampleOptions& samples) {
  AddDataOptions(app, "--calib", samples);
  app.add_option("--calib-batch", samples.batch_size,
                 "samples per batch, for calib_statistic_method (default: 1)")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxSamples));
  app.add_flag(
      "--strict-data", samples.strict_data,
      "exit 5 where samples are odd: raw, normalized twice, swapped colors, constant, equal; "
      "else a warning");
  AddMemoryLimit(app, samples.memory_limit,
                 "memory that a run may take, for example 2GiB: as many samples run at the same "
                 "time as fit");
  app.add_option("--time-limit", samples.time_limit, "seconds that a run may take")
      ->type_name("SECONDS")
      ->check(CLI::Range(int64_t{1}, kMostSeconds));
}

void AddDataConfig(CLI::App& app, SampleOptions& samples) {
  app.add_option("-c,--config", samples.config,
                 "settings that say how files become samples: calib_transforms, inputs of a camera "
                 "file")
      ->type_name("FILE");
}

SampleData DataOf(const SampleOptions& samples) {
  SampleData data{.folder = samples.folder,
                  .states = ParseStates(samples.states),
                  .workers = samples.workers,
                  .max_samples = samples.max_samples,
                  .stacked = samples.stacked};
  if (samples.config.empty()) return data;
  QuantConfig config = ReadConfig(FindConfig(samples.config), {}).config;
  data.settings = std::move(config.calibration);
  data.deployment = std::move(config.deployment);
  return data;
}

void AddConfigOption(CLI::App& app, std::vector<std::string>& configs, const std::string& help) {
  app.add_option("-c,--config", configs, help)->type_name("FILE")->allow_extra_args(false);
}

void AddAlsoOption(CLI::App& app, std::vector<std::string>& layers) {
  app.add_option("--also", layers,
                 "settings on top of those of --config, file or preset: what it says holds, all "
                 "else stays; repeatable")
      ->type_name("FILE")
      ->allow_extra_args(false);
}

void AddSetOption(CLI::App& app, std::vector<std::string>& overrides, const std::string& help) {
  app.add_option("--set", overrides, help)->type_name("KEY=VALUE")->allow_extra_args(false);
}

void AddVerbosity(CLI::App& app, Verbosity& verbosity) {
  auto* verbose = app.add_flag("-v,--verbose", verbosity.verbose, "say what each pass does");
  app.add_flag("-q,--quiet", verbosity.quiet, "print errors only")->excludes(verbose);
}

void AddJson(CLI::App& app, std::string& json) {
  app.add_option("--json", json, "write the verdict for scripts to FILE, or to stdout with -")
      ->type_name("FILE");
}

void AddReport(CLI::App& app, std::string& report) {
  app.add_option("--report", report,
                 "write a page for a browser, with the error of every node and where it comes from")
      ->type_name("FILE.html");
}

void AddNodeData(CLI::App& app, std::string& node_data) {
  app.add_option("--node-data", node_data,
                 "write the nodes coloured by their error for Google's Model Explorer: node data "
                 "by the names of what they write")
      ->type_name("FILE.json");
}

void CheckNumber(CLI::Option& option, double min, double max, const std::string& unit) {
  // A range lets NaN through, which is not below and not above.
  const auto not_nan = [min, max](const std::string& text) {
    double number = 0;
    // What is no number at all the range refuses.
    return CLI::detail::lexical_cast(text, number) && std::isnan(number)
               ? fmt::format("Value {} not in range {} to {}", text, min, max)
               : "";
  };
  option.type_name(unit)->check(CLI::Range(min, max))->check(CLI::Validator(not_nan, ""));
}

bool Parse(CLI::App& app, int argc, char** argv) {
  app.formatter(std::make_shared<HelpFormatter>());
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    if (!HelpCapture::Take(app)) WriteStdout(WrapLines(app.help(), /*unindented=*/true));
    return false;
  } catch (const CLI::CallForVersion& e) {
    WriteStdout(std::string(e.what()) + "\n");
    return false;
  } catch (const CLI::ParseError& e) {
    ThrowUsage(app, e);
  }
  RefuseEmpty(app);
  RefuseDash(app);
  return true;
}

std::vector<StateInput> ParseStates(const std::vector<std::string>& texts) {
  std::vector<StateInput> states;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    const bool feeds_back = equals != std::string::npos;
    const StateInput state{text.substr(0, equals), feeds_back ? text.substr(equals + 1) : ""};
    if (state.input.empty() || (feeds_back && state.output.empty())) {
      throw Error(ExitCode::kUsage, "",
                  fmt::format("--state is '{}', expected INPUT or INPUT=OUTPUT", text));
    }
    for (const StateInput& other : states) {
      if (other.input == state.input)
        throw Error(ExitCode::kUsage, "", fmt::format("--state: '{}' is given twice", state.input));
    }
    states.push_back(state);
  }
  return states;
}

std::optional<double> ShareOf(const std::optional<double>& percent) {
  return percent ? std::optional(*percent / 100) : std::nullopt;
}

void ApplyVerbosity(const Verbosity& verbosity) {
  if (verbosity.verbose) SetLogLevel(LogLevel::kVerbose);
  if (verbosity.quiet) SetLogLevel(LogLevel::kQuiet);
}

void PrintTable(const std::string& table, const Verbosity& verbosity, const VerdictFile& verdict) {
  if (!verbosity.quiet && !verdict.is_stdout()) WriteStdout(WrapLines(table, /*unindented=*/false));
}

void PrintResult(const std::string& table, std::vector<std::string> files,
                 const Verbosity& verbosity, const VerdictFile& verdict) {
  files.push_back(verdict.file().string());
  std::erase(files, "");
  PrintTable(table + FilesLine(files), verbosity, verdict);
}

}  // namespace qconvert
