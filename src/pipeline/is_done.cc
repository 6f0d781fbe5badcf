#include "qconvert/pipeline/is_done.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "convert_data.h"
#include "fold_inputs.h"
#include "layer_files.h"
#include "model_pair.h"
#include "output_files.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/base/sha256.h"
#include "qconvert/calibration/table_file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/report/quant_info.h"
#include "qconvert/runtime/ort_session.h"
#include "stage_models.h"

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
  RefuseOverwriting(OutputsOf(options), samples.files());
  return samples.Digest(WorkerCount(data)).sha256;
}

// Whether this conversion would say the same of itself. Throws where it would refuse its outputs:
// a verdict is written beside what is done already, too.
bool IsOf(const ConvertOptions& options, const Provenance& made) {
  LoadedModel loaded = LoadOnnx(options.model);
  RefuseOverwriting(OutputsOf(options), loaded.files);
  const Provenance own{.tool = ToolName(),
                       .engine = EngineName(),
                       .model_sha256 = loaded.sha256,
                       .config_sha256 = options.config_sha256,
                       .data_sha256 = made.data_sha256,
                       .processor_kind = made.processor_kind};
  // The samples last: they may be gigabytes.
  const std::vector<std::filesystem::path> stages =
      FitsStages(options, loaded) ? StagePaths(options) : std::vector<std::filesystem::path>{};
  if (!std::all_of(stages.begin(), stages.end(), Exists)) return false;
  return own == made && DataHash(options, std::move(loaded)) == made.data_sha256;
}

bool BelongTogether(const Model& model, const PlanFile& plan) {
  const std::string seal = Sha256Hex(plan.text);
  return std::any_of(model.metadata.begin(), model.metadata.end(), [&](const auto& entry) {
    return entry.first == kQuantInfoSeal && entry.second == seal;
  });
}

// No receipt names samples beside a table, what "host" was, what a page was held against, or what
// odd samples and the engine's fusions would have ended.
bool IsKnowable(const ConvertOptions& options) {
  const bool has_both = !options.table.empty() && !options.calibration_folder.empty();
  return options.validation_folder.empty() && options.plan == nullptr && options.seen == nullptr &&
         !options.float_only && !has_both && options.config.processor != Processor::kHost &&
         options.against.empty() && options.passes.dump_folder.empty() && !options.strict_data &&
         !options.strict_fusion;
}

// What --must-pass would say of it, by the verdict that was kept: RefuseFailed.
bool HasPassed(const ConvertOptions& options, const PlanFile& plan) {
  const bool is_integer = std::any_of(plan.nodes.begin(), plan.nodes.end(),
                                      [](const FileNode& n) { return n.way == NodeWay::kInteger; });
  const bool is_empty =
      options.config.scheme == Scheme::kStatic && !is_integer && !plan.guard.kept_float.empty();
  return plan.guard.ran && plan.guard.passed && !is_empty;
}

// Whether the weights are where a conversion would write them, beside the model or in it.
bool IsLaidOut(const ConvertOptions& options, const LoadedModel& made) {
  const bool has_data = made.files.size() > 1;
  if (!std::all_of(made.files.begin() + 1, made.files.end(), HoldsItsHash)) return false;
  return has_data ? options.external_data || made.file_bytes > kExternalDataThreshold
                  : !options.external_data;
}

}  // namespace

bool IsDone(const ConvertOptions& options) {
  const std::filesystem::path output = OutputPath(options);
  const std::filesystem::path info = QuantInfoPath(output);
  const std::vector<std::filesystem::path> asked = LayerFilePaths(options);
  const bool has_extras = std::all_of(asked.begin(), asked.end(), Exists) &&
                          (options.first_picture.empty() || Exists(options.first_picture));
  if (!IsKnowable(options) || !has_extras || !Exists(output) || !Exists(info)) return false;
  try {
    const PlanFile plan = ReadPlanFile(info);
    if (options.must_pass && !HasPassed(options, plan)) return false;
    const LoadedModel made = LoadOnnx(output);
    return BelongTogether(made.model, plan) && IsLaidOut(options, made) &&
           IsOf(options, HistoryOf(plan).provenance);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace qconvert
