#include "qconvert/pipeline/calibration_table_command.h"

#include <fmt/format.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "calibrate_model.h"
#include "calibration_data.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/quantization/plan.h"
#include "refuse_overwriting.h"

namespace qconvert {
namespace {

void Write(const StoredTable& stored, const std::filesystem::path& output) {
  AtomicFile file(output);
  file.Write(FormatTable(stored));
  file.Commit();
}

CalibrateReport ReportOf(const StoredTable& stored) {
  return {stored.table.samples, stored.table.values.size()};
}

// Takes over what an interrupted run of the same model, data and shard has seen. Anything else at
// its place is left alone and will be replaced.
void Resume(const std::filesystem::path& checkpoint, StoredTable& stored) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(checkpoint, error)) return;
  try {
    StoredTable seen = ParseTable(ReadFile(checkpoint, kMaxTableBytes), checkpoint.string());
    if (seen.model_sha256 != stored.model_sha256 || seen.data_sha256 != stored.data_sha256 ||
        !(seen.shard == stored.shard) || seen.sizes != stored.sizes || seen.is_complete) {
      return;
    }
    LogInfo(fmt::format("goes on after {} samples of {}", seen.table.samples,
                        EscapeForTerminal(checkpoint.string())));
    stored.table = std::move(seen.table);
  } catch (const Error& e) {
    LogWarning(fmt::format("{}, starts anew", e.what()));
  }
}

// Goes on from a checkpoint, in chunks of samples, each about as long as a checkpoint's interval,
// until the shard is done.
void CalibrateInChunks(const Session& session, const InputFeeder& feeder,
                       const std::vector<std::string>& values, const CalibrateOptions& options,
                       int workers, StoredTable& stored) {
  const std::filesystem::path checkpoint = CheckpointPath(options.output);
  const size_t total = ShardSize(feeder.size(), options.shard.index, options.shard.count);
  const bool in_chunks = !feeder.has_feedback() && !options.output.empty();
  if (in_chunks) Resume(checkpoint, stored);
  size_t chunk = in_chunks ? static_cast<size_t>(workers) : total;
  while (stored.table.samples < total || stored.table.values.empty()) {
    const auto start = std::chrono::steady_clock::now();
    AddTable(Calibrate(session, feeder, values,
                       {.workers = workers,
                        .shard = options.shard.index,
                        .shards = options.shard.count,
                        .first = stored.table.samples,
                        .count = chunk,
                        .progress = options.progress}),
             stored.table);
    if (stored.table.samples >= total) break;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (seconds.count() >= options.checkpoint_seconds / 2) {
      stored.is_complete = false;
      Write(stored, checkpoint);
      stored.is_complete = true;
    } else {
      chunk *= 2;
    }
  }
}

}  // namespace

StoredTable MakeCalibrationTable(const CalibrateOptions& options) {
  const std::string place = options.model.string();
  LoadedModel loaded = LoadOnnx(options.model);
  RefuseOverwriting(options.output, loaded.files);
  Model model = std::move(loaded.model);
  PrepareModel(model, place);
  CheckWeightsFinite(model.graph, place);
  const CalibrationData data{.folder = options.calibration_folder,
                             .states = options.states,
                             .max_samples = options.max_samples,
                             .workers = options.workers};
  const SampleSource samples = OpenCalibrationData(data, model.graph, place);
  RefuseOverwriting(options.output, samples.files());
  const InputFeeder feeder(samples, model.graph.inputs, options.states);
  if (!options.shard.is_whole() && feeder.has_feedback())
    throw Error(ExitCode::kUsage, "", "--shard: the model feeds states from sample to sample");
  const Placement placement = PlaceNodes(model.graph, {.place_by = PlaceBy::kKernels});
  const std::vector<std::string> values = placement.Observed();
  StoredTable stored{.model_sha256 = loaded.sha256,
                     .data_sha256 = samples.Sha256Digest(),
                     .shard = options.shard,
                     .sizes = MeasureSizes(model, feeder, place)};
  CalibrateInChunks(*OpenObserved(model, values, place), feeder, values, options, WorkerCount(data),
                    stored);
  return stored;
}

CalibrateReport WriteCalibrationTable(const CalibrateOptions& options) {
  CheckWritable(options.output);
  const StoredTable stored = MakeCalibrationTable(options);
  Write(stored, options.output);
  std::error_code ignored;
  std::filesystem::remove(CheckpointPath(options.output), ignored);
  return ReportOf(stored);
}

std::filesystem::path CheckpointPath(const std::filesystem::path& table) {
  std::filesystem::path path = table;
  return path += ".checkpoint";
}

CalibrateReport MergeCalibrationTables(const std::vector<std::filesystem::path>& shards,
                                       const std::filesystem::path& output) {
  CheckWritable(output);
  RefuseOverwriting(output, shards);
  std::vector<StoredTable> tables;
  std::vector<std::string> places;
  for (const auto& shard : shards) {
    places.push_back(shard.string());
    tables.push_back(ParseTable(ReadFile(shard, kMaxTableBytes), places.back()));
  }
  const StoredTable merged = MergeTables(tables, places);
  Write(merged, output);
  return ReportOf(merged);
}

}  // namespace qconvert
