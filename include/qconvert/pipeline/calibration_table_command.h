// Calibration tables on their own: made from samples, merged from shards.
#ifndef QCONVERT_PIPELINE_CALIBRATION_TABLE_COMMAND_H_
#define QCONVERT_PIPELINE_CALIBRATION_TABLE_COMMAND_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "qconvert/calibration/input_feeder.h"
#include "qconvert/calibration/table_file.h"
#include "qconvert/pipeline/prepare_model.h"

namespace qconvert {

struct CalibrateOptions {
  std::filesystem::path model;
  std::filesystem::path output;  // the table
  // What the caller read and what it will write, for overwrite checks.
  std::vector<std::filesystem::path> config_files;
  std::vector<std::filesystem::path> other_outputs;
  std::filesystem::path calibration_folder;
  std::vector<StateInput> states;
  int workers = 0;           // 0: one per processor
  int64_t max_samples = 0;   // 0: all
  bool stacked = false;      // axis 0 of files stacks samples; false: as the configs say
  int64_t memory_limit = 0;  // bytes; 0: as the configs say
  bool strict_data = false;  // throws Error(kData) where samples are odd
  bool strip = false;        // see ConvertOptions
  // Models are going to be made from the table with these: their calibration section holds, which
  // must be the same in all, and the ranges of batches that they go by come into the table.
  std::vector<ModelConfig> configs;
  Shard shard;
  // A checkpoint is written beside the table (CheckpointPath) after about so many seconds, and a
  // run for the same table goes on from there; it goes when the table is written. The bytes of the
  // table do not depend on interruptions. Models with fed-back states have none.
  double checkpoint_seconds = 60;
  std::function<void(size_t done, size_t total)> progress;
};

// Observes every value that any plan for this model can quantize, over all samples of the shard.
// With an empty `output` there are no checkpoints. The result does not depend on workers or
// interruptions.
StoredTable MakeCalibrationTable(const CalibrateOptions& options);

// The same as a file. On success signals are left held, see CommitTogether. Returns how many
// samples and values are in it. Throws Error; then an earlier table is untouched.
struct CalibrateReport {
  size_t samples = 0;
  size_t values = 0;
  std::vector<std::string> oddities;  // see calibration/diagnose.h
};
CalibrateReport WriteCalibrationTable(const CalibrateOptions& options);
CalibrateReport WriteTable(const StoredTable& table, const std::filesystem::path& output);

// "table.json" -> "table.json.checkpoint".
std::filesystem::path CheckpointPath(const std::filesystem::path& table);

// Writes the whole from all shards; the bytes are those of one run over everything.
CalibrateReport MergeCalibrationTables(
    const std::vector<std::filesystem::path>& shards, const std::filesystem::path& output,
    const std::vector<std::filesystem::path>& other_outputs = {});

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_CALIBRATION_TABLE_COMMAND_H_
