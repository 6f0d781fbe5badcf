// The command line: options -> ConvertOptions and what concerns the terminal.
#ifndef QCONVERT_TOOLS_QCONVERT_OPTIONS_H_
#define QCONVERT_TOOLS_QCONVERT_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/calibration/input_feeder.h"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace qconvert {

// How samples are run; 0: not said.
struct RunOptions {
  std::vector<std::string> states;  // --state INPUT[=OUTPUT]
  int workers = 0;
  int max_samples = 0;
  int batch_size = 0;
  uint64_t memory_limit = 0;  // bytes
};

// Exactly what was written on the command line; no file has been looked at.
struct CommandLine {
  std::string model;
  std::vector<std::string> configs;  // files, or names of shipped presets
  std::string calibration_folder;
  std::string validation_folder;
  std::string output;
  std::string table;
  std::vector<std::string> overrides;  // --set
  bool print_config = false;
  std::string scheme;  // empty: as the config says
  std::string objective;
  std::string json;  // file, "-" for stdout, empty for none
  RunOptions run;
  std::optional<double> min_sqnr;
  std::optional<double> min_cosine;
  double max_flips = 1;  // percent
  bool no_guard = false;
  bool guard_reports = false;
  bool must_pass = false;
  bool float_only = false;
  bool external_data = false;
  bool verbose = false;
  bool quiet = false;
};

inline constexpr int kMaxWorkers = 1024;
inline constexpr int kMaxSamples = 1'000'000'000;

// --state, --workers, --max-samples, --calib-batch and --memory-limit.
void DefineRunOptions(CLI::App& app, RunOptions& run);

// "INPUT[=OUTPUT]" texts.
std::vector<StateInput> ParseStates(const std::vector<std::string>& texts);

// A wrong command line as Error(kUsage) in one line.
[[noreturn]] void ThrowUsage(const CLI::App& app, const CLI::ParseError& error);

// Parses. Returns nothing when help or version was asked for (it has been printed). Throws
// Error(kUsage).
std::optional<CommandLine> ParseCommandLine(int argc, char** argv);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_OPTIONS_H_
