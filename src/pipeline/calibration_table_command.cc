#include "qconvert/pipeline/calibration_table_command.h"

#include <fmt/format.h>

#include <utility>

#include "calibrate_model.h"
#include "calibration_data.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/quantization/plan.h"

namespace qconvert {
namespace {

void RefuseOverwriting(const std::filesystem::path& output,
                       const std::vector<std::filesystem::path>& inputs) {
  for (const auto& input : inputs) {
    if (SameFile(output, input))
      throw Error(ExitCode::kUsage, output.string(),
                  fmt::format("is an input ({}), will not overwrite it", input.string()));
  }
}

CalibrateReport Write(const StoredTable& stored, const std::filesystem::path& output) {
  AtomicFile file(output);
  file.Write(FormatTable(stored));
  file.Commit();
  return {stored.table.samples, stored.table.values.size()};
}

}  // namespace

CalibrateReport WriteCalibrationTable(const CalibrateOptions& options) {
  const std::string place = options.model.string();
  LoadedModel loaded = LoadOnnx(options.model);
  CheckWritable(options.output);
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
  StoredTable stored{loaded.sha256, samples.Sha256Digest(), options.shard,
                     MeasureSizes(model, feeder, place),
                     CalibrateModel(model, placement, {}, feeder,
                                    {.workers = WorkerCount(data),
                                     .shard = options.shard.index,
                                     .shards = options.shard.count,
                                     .progress = options.progress},
                                    place)};
  return Write(stored, options.output);
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
  return Write(MergeTables(tables, places), output);
}

}  // namespace qconvert
