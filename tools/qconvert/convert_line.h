// The command line of the converter.
#ifndef QCONVERT_TOOLS_QCONVERT_CONVERT_LINE_H_
#define QCONVERT_TOOLS_QCONVERT_CONVERT_LINE_H_

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/pipeline/pass_runner.h"
#include "shared_options.h"

namespace CLI {
class App;
}  // namespace CLI

namespace qconvert {

// Exactly what was written; no file has been looked at.
struct ConvertLine {
  std::string model;
  std::vector<std::string> configs;  // files, or names of shipped presets
  std::vector<std::string> layers;   // --also, on top of each
  SampleOptions samples;
  std::string validation_folder;
  std::string output;
  std::string first_picture;
  std::string table;
  std::string quant_info;               // --quant-info
  std::vector<std::string> overrides;   // --set
  std::vector<std::string> keep_float;  // patterns of node names
  bool print_config = false;
  std::string export_config;  // file; empty for none
  std::string scheme;         // empty: as the config says
  std::string objective;
  std::string processor;
  std::string cost_table;
  std::string effort;
  std::string cache;   // folder; empty for none
  std::string report;  // the page; empty for none
  std::string node_data;
  std::string against;  // an earlier result, for the page
  std::string json;     // file, "-" for stdout, empty for none
  std::optional<double> min_sqnr;
  std::optional<double> min_cosine;
  double max_flips = 1;  // percent
  std::optional<double> aim;
  bool is_auto = false;
  std::optional<double> max_drop;  // percent
  std::optional<double> max_ms;
  std::optional<double> max_mb;
  bool no_guard = false;
  bool guard_reports = false;
  bool must_pass = false;
  bool strict_fusion = false;
  bool strip = false;
  bool float_only = false;
  bool skip_done = false;
  bool external_data = false;
  PassOptions passes;
  Verbosity verbosity;
};

// The files that it names to be read, besides the model and the samples.
std::vector<std::filesystem::path> NamedInputs(const ConvertLine& line);

// Settings, samples and what is measured of the processor.
void DefineSettings(CLI::App& app, ConvertLine& line);

// The options that decide what the model becomes: settings, samples, guard.
void DefineDecisions(CLI::App& app, ConvertLine& line);

// Parses. Returns nothing when help or version was asked for (it has been printed). Throws
// Error(kUsage).
std::optional<ConvertLine> ParseConvertLine(int argc, char** argv);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_CONVERT_LINE_H_
