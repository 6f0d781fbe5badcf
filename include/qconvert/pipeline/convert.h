// The main job: all stages in order. The only place that knows the order.
#ifndef QCONVERT_PIPELINE_CONVERT_H_
#define QCONVERT_PIPELINE_CONVERT_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "qconvert/calibration/input_feeder.h"
#include "qconvert/calibration/table_file.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/config/read_config.h"
#include "qconvert/pipeline/pass_runner.h"
#include "qconvert/report/conversion_report.h"
#include "qconvert/report/layer_report.h"
#include "qconvert/targets/cost_table.h"

namespace qconvert {

class ResultCache;

// What happens when an output of the quantized model does not pass the gate against the float one.
enum class GuardMode {
  kOff,      // nobody looks
  kReport,   // a warning
  kCorrect,  // nodes whose errors do it go back to float; a warning when even that does not help
};

struct ConvertOptions {
  std::filesystem::path model;
  std::filesystem::path output;     // empty: <stem>_quantized.onnx beside the model
  bool make_output_folder = false;  // else it must be there
  bool write_stages = false;        // also the models between, named after the output
  // May be empty where nothing needs samples; then nothing is compared with the float model.
  std::filesystem::path calibration_folder;
  // Samples to judge on; empty: some that are kept out of calibration (held_out.h).
  std::filesystem::path validation_folder;
  // A calibration table to go by instead of a pass over the samples; without samples besides,
  // nothing is compared with the float model.
  std::filesystem::path table;
  const StoredTable* seen = nullptr;  // such a table in memory
  std::optional<CostTable> costs;     // measured times to go by instead of the built-in ones
  // A plan to go by instead of choosing one; `config` and `effective_config` are the file's own.
  // Samples are only compared on.
  const PlanFile* plan = nullptr;
  std::filesystem::path page;       // report_page.h; empty: none
  std::filesystem::path node_data;  // NodeDataJson; empty: none
  std::filesystem::path against;    // an earlier result, for the page
  // Where the first sample goes as a PNG to look at, besides the model; empty: nowhere.
  std::filesystem::path first_picture;
  std::filesystem::path config_file;                 // for overwrite checks only; may be empty
  std::vector<std::filesystem::path> other_outputs;  // that the caller writes: for these checks too
  std::vector<std::filesystem::path> other_inputs;   // that the caller has read: the same
  std::string config_sha256;                         // provenance
  QuantConfig config;
  ConfigNode effective_config;     // where settings were written, for messages
  std::vector<StateInput> states;  // inputs without data
  int workers = 0;                 // 0: one per processor
  int64_t max_samples = 0;         // 0: all
  bool stacked = false;            // axis 0 of files stacks samples; false: as the config says
  int64_t memory_limit = 0;        // bytes resident during calibration; 0: as the config says
  bool float_only = false;         // write the loaded model back, unquantized
  bool strip = false;              // take out the quantization that the model has (strip_pairs.h)
  bool external_data = false;      // weights in a data file beside the model, also below 2 GB
  PassOptions passes;              // of the float passes, for looking at them
  GuardMode guard = GuardMode::kCorrect;
  Gate gate;
  // Signal to noise to go for beyond the gate where a decibel costs little time; 0: none. Not
  // given: 26 with scheme auto.
  std::optional<double> aim_sqnr_db;
  bool strict_data = false;  // throws Error(kData) where samples are odd
  bool must_pass = false;    // throws Error(kNumeric) when an output fails or none was compared
  // Throws Error(kNumeric) when the engine computes a node in float that is planned on integers.
  bool strict_fusion = false;
  std::function<void(size_t done, size_t total)> progress;  // of calibration
  // While plans are compared with the float model: how many were, and what that can come to. The
  // latter falls where a part of the choice turns out not to be needed.
  std::function<void(size_t done, size_t most)> measuring;
  std::function<void(size_t percent)> learning;  // while weights are learned
  // Of the nodes that are measured for the page, one by one, and how many that can come to.
  std::function<void(size_t done, size_t most)> measuring_layers;
  // Where measurements and what was learned are kept from run to run; null: nowhere.
  std::shared_ptr<ResultCache> cache;
  bool writes_model = true;  // else the page alone; see debug_model.h
  // Told what was measured of the nodes, which then are looked at even without a page.
  std::function<void(const LayerReport&)> on_layers;
  std::vector<Trial> trials;  // what was tried before, for the report
  // Settings that repeat this, written with the model; no path: none.
  std::filesystem::path settings_file;
  std::string settings_text;

  // Whether the nodes are looked at one by one.
  bool looks_at_layers() const { return !page.empty() || !node_data.empty() || on_layers; }
};

// Converts and writes <output>, <stem>_quant_info.json beside it, and the page, all or none. Throws
// Error; then earlier outputs are untouched. On success terminating signals are left held
// (CommitTogether): who goes on with more work calls ReleaseSignals.
ConversionReport Convert(const ConvertOptions& options);

// Where Convert writes.
std::filesystem::path OutputPath(const ConvertOptions& options);
std::filesystem::path QuantInfoPath(const std::filesystem::path& output);
// The plan of a result that a user names: the quant_info beside a model, or that file itself.
std::filesystem::path PlanFileOf(const std::filesystem::path& result);

// The tool's version, "0.1.0".
std::string Version();
// What made a file, as files say it: "qconvert 0.1.0".
std::string ToolName();

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_CONVERT_H_
