// Options that several commands share, and how every command line is parsed.
#ifndef QCONVERT_TOOLS_QCONVERT_SHARED_OPTIONS_H_
#define QCONVERT_TOOLS_QCONVERT_SHARED_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/calibration/input_feeder.h"
#include "qconvert/pipeline/sample_data.h"
#include "verdict_file.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace qconvert {

// Where samples are and how they are run; 0: not said.
struct SampleOptions {
  std::string folder;               // --calib, --data
  std::string config;               // of --data: a settings file
  std::vector<std::string> states;  // --state INPUT[=OUTPUT]
  int workers = 0;
  int max_samples = 0;
  bool stacked = false;
  bool strict_data = false;
  int batch_size = 0;
  int64_t memory_limit = 0;  // bytes
  int64_t time_limit = 0;    // seconds
};

// How much is said on stderr and stdout.
struct Verbosity {
  bool verbose = false;
  bool quiet = false;
};

inline constexpr int kMaxWorkers = 1024;
inline constexpr int kMaxSamples = 1'000'000'000;

void AddStateOption(CLI::App& app, SampleOptions& samples);
// Where samples are, under the name `folder`, and how many of them are run at a time.
void AddDataOptions(CLI::App& app, const std::string& folder, SampleOptions& samples);
// --config of commands that have no settings but those of their samples.
void AddDataConfig(CLI::App& app, SampleOptions& samples);
// The same as --calib, with what counts in calibration only.
void AddSampleOptions(CLI::App& app, SampleOptions& samples);
// What the command line says of samples, for the library. Throws Error(kUsage) for a bad --state,
// and what ReadConfig throws.
SampleData DataOf(const SampleOptions& samples);
void AddConfigOption(CLI::App& app, std::vector<std::string>& configs, const std::string& help);
void AddAlsoOption(CLI::App& app, std::vector<std::string>& layers);
void AddSetOption(CLI::App& app, std::vector<std::string>& overrides, const std::string& help);
// --memory-limit: "2GiB" becomes a number of bytes, 1 to 8 EiB.
void AddMemoryLimit(CLI::App& app, int64_t& bytes, const std::string& help);
void AddVerbosity(CLI::App& app, Verbosity& verbosity);
void AddReport(CLI::App& app, std::string& report);
void AddNodeData(CLI::App& app, std::string& node_data);
void AddJson(CLI::App& app, std::string& json);

// The option takes a number between the two; not NaN.
void CheckNumber(CLI::Option& option, double min, double max, const std::string& unit);

// Of percent, where it was given.
std::optional<double> ShareOf(const std::optional<double>& percent);

// Parses what follows argv[0]. Returns false when help or the version was asked for (it has been
// printed). Throws Error(kUsage) in one line.
bool Parse(CLI::App& app, int argc, char** argv);

// "INPUT[=OUTPUT]" texts. Throws Error(kUsage).
std::vector<StateInput> ParseStates(const std::vector<std::string>& texts);

void ApplyVerbosity(const Verbosity& verbosity);

// A table for people, on stdout: lines that fit a terminal. The first one may hold paths and stays
// whole. Nothing where errors alone are to be printed, or a verdict goes to stdout. Throws
// Error(kFile).
void PrintTable(const std::string& table, const Verbosity& verbosity, const VerdictFile& verdict);

// The same, and behind it what was written: `files`, those that are empty left out, and the file of
// the verdict.
void PrintResult(const std::string& table, std::vector<std::string> files,
                 const Verbosity& verbosity, const VerdictFile& verdict);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_SHARED_OPTIONS_H_
