#include "qconvert/pipeline/diff_results.h"

#include "qconvert/base/error.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "qconvert/pipeline/convert.h"
#include "take_plan.h"

namespace qconvert {
namespace {

// What the samples hold, of the model as it was prepared for the plan.
CalibrationTable SeeSamples(const DiffResultsOptions& options, const PlanFile& plan) {
  CheckPlanModel(plan, LoadOnnx(options.model).sha256, options.model.string());
  const CalibrateOptions calibrate{.model = options.model,
                                   .output = {},
                                   .config_files = {},
                                   .other_outputs = options.outputs,
                                   .calibration_folder = options.data.folder,
                                   .states = options.data.states,
                                   .workers = options.data.workers,
                                   .max_samples = options.data.max_samples,
                                   .stacked = options.data.stacked,
                                   .configs = {{plan.config, plan.effective, plan.file}},
                                   .shard = {},
                                   .progress = options.progress};
  return MakeCalibrationTable(calibrate).table;
}

}  // namespace

PlanDifference DiffResults(const DiffResultsOptions& options) {
  const std::filesystem::path file_a = PlanFileOf(options.a);
  const std::filesystem::path file_b = options.b.empty() ? "" : PlanFileOf(options.b);
  RefuseOverwriting(options.outputs, {options.a, options.b, file_a, file_b, options.model});
  const PlanFile a = ReadPlanFile(file_a);
  PlanDifference difference = options.b.empty() ? DiffSamples(a, SeeSamples(options, a))
                                                : DiffPlans(a, ReadPlanFile(file_b));
  difference.a = options.a.string();
  difference.b = options.b.empty() ? options.data.folder.string() : options.b.string();
  return difference;
}

}  // namespace qconvert
