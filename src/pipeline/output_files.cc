#include "output_files.h"

#include <utility>

#include "convert_data.h"
#include "deploy_model.h"
#include "dump_samples.h"
#include "layer_files.h"
#include "qconvert/base/file.h"
#include "qconvert/base/refuse_overwriting.h"
#include "stage_models.h"
#include "write_quantized.h"

namespace qconvert {
namespace {

std::vector<std::filesystem::path> OwnOutputsOf(const ConvertOptions& options) {
  std::vector<std::filesystem::path> outputs;
  if (options.writes_model) outputs.push_back(OutputPath(options));
  if (options.writes_model && !options.float_only) outputs.push_back(QuantInfoPath(outputs[0]));
  for (std::filesystem::path& path : LayerFilePaths(options)) outputs.push_back(std::move(path));
  for (const auto& asked : {options.settings_file, options.first_picture})
    if (!asked.empty()) outputs.push_back(asked);
  if (options.writes_model && HasRemovals(options.config.deployment))
    outputs.push_back(DeletedNodesPath(options));
  if (options.writes_model)
    for (std::filesystem::path& stage : StagePaths(options)) outputs.push_back(std::move(stage));
  return outputs;
}

}  // namespace

std::vector<std::filesystem::path> OutputsOf(const ConvertOptions& options) {
  std::vector<std::filesystem::path> outputs = OwnOutputsOf(options);
  outputs.insert(outputs.end(), options.other_outputs.begin(), options.other_outputs.end());
  return outputs;
}

void CheckOutputs(const ConvertOptions& options,
                  const std::vector<std::filesystem::path>& model_files) {
  for (const std::filesystem::path& output : OwnOutputsOf(options)) CheckWritable(output);
  if (options.writes_model && options.config.deployment.dump_calibration_data)
    RequireEmptyFolder(DumpFolder(options));
  std::vector<std::filesystem::path> inputs = model_files;
  inputs.insert(inputs.end(), {options.config_file, options.table});
  inputs.insert(inputs.end(), options.other_inputs.begin(), options.other_inputs.end());
  // The plan beside a model is read in its place.
  if (!options.against.empty())
    inputs.insert(inputs.end(), {options.against, PlanFileOf(options.against)});
  RefuseOverwriting(OutputsOf(options), inputs);
}

}  // namespace qconvert
