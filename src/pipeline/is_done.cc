#include "qconvert/pipeline/is_done.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "convert_data.h"
#include "fold_inputs.h"
#include "layer_files.h"
#include "model_pair.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/sha256.h"
#include "qconvert/calibration/table_file.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/report/quant_info.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

bool Exists(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(file, ignored);
}

std::string DataHash(const ConvertOptions& options, LoadedModel loaded) {
  if (!options.table.empty())
    return ParseTable(ReadFile(options.table, kMaxTableBytes), options.table.string()).data_sha256;
  UndeclareInitializers(loaded.model);
  // Samples are hashed as the model gets them, so without what it does itself.
  SettingProblems problems;
  const std::string place = options.model.string();
  const CalibrationData data =
      DataOf(options, CutAndFold({options.config.deployment, options.effective_config, place},
                                 loaded.model, problems));
  problems.ThrowIfAny();
  const SampleSource samples = OpenCalibrationData(data, loaded.model.graph, place);
  return samples.Digest(WorkerCount(data)).sha256;
}

// Whether this conversion would say the same of itself.
bool IsOf(const ConvertOptions& options, const Provenance& made) {
  LoadedModel loaded = LoadOnnx(options.model);
  const Provenance own{.tool = ToolName(),
                       .engine = EngineName(),
                       .model_sha256 = loaded.sha256,
                       .config_sha256 = options.config_sha256,
                       .data_sha256 = made.data_sha256};
  // The samples last: they may be gigabytes.
  return own == made && DataHash(options, std::move(loaded)) == made.data_sha256;
}

bool BelongTogether(const Model& model, const PlanFile& plan) {
  const std::string seal = Sha256Hex(plan.text);
  return std::any_of(model.metadata.begin(), model.metadata.end(), [&](const auto& entry) {
    return entry.first == kQuantInfoSeal && entry.second == seal;
  });
}

}  // namespace

bool IsDone(const ConvertOptions& options) {
  const std::filesystem::path output = OutputPath(options);
  const std::filesystem::path info = QuantInfoPath(output);
  // No receipt names samples beside a table, nor what "host" was.
  const bool has_both = !options.table.empty() && !options.calibration_folder.empty();
  const bool is_knowable = options.validation_folder.empty() && options.plan == nullptr &&
                           options.seen == nullptr && !options.float_only && !has_both &&
                           options.config.processor != Processor::kHost;
  const std::vector<std::filesystem::path> asked = LayerFilePaths(options);
  const bool has_extras = std::all_of(asked.begin(), asked.end(), Exists) &&
                          (options.first_picture.empty() || Exists(options.first_picture));
  if (!is_knowable || !has_extras || !Exists(output) || !Exists(info)) return false;
  try {
    const PlanFile plan = ReadPlanFile(info);
    return IsOf(options, HistoryOf(plan).provenance) &&
           BelongTogether(LoadOnnx(output).model, plan);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace qconvert
