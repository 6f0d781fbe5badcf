#include "stage_models.h"

#include <string_view>
#include <utility>

#include "apply_settings.h"
#include "deploy_model.h"
#include "fold_inputs.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/rewrite/apply_plan.h"
#include "qconvert/rewrite/parts_of_plan.h"
#include "qconvert/rewrite/store_weights.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

// What a stage does to the inputs: J5 alone shows pixels before deployment.
DeploymentConfig OfStage(const DeploymentConfig& whole) {
  DeploymentConfig stage;
  stage.generation = whole.generation;
  if (whole.generation != Generation::kJ5) return stage;
  stage.inputs = whole.inputs;
  for (InputSettings& input : stage.inputs) {
    input.separate_batch = false;
    input.layout_rt = InputLayout::kNone;
  }
  return stage;
}

Tensor FloatBias(const Tensor& codes, const std::vector<float>& scales) {
  const std::vector<int64_t> whole = ToInt64s(codes);
  std::vector<float> values(whole.size());
  for (size_t k = 0; k < values.size(); ++k)
    values[k] = static_cast<float>(whole[k]) * scales[scales.size() == 1 ? 0 : k];
  return MakeFloatTensor(codes.name, codes.dims, values);
}

}  // namespace

bool FitsStages(const ConvertOptions& options, const LoadedModel& loaded) {
  return loaded.file_bytes <= kExternalDataThreshold && !options.external_data;
}

std::vector<std::filesystem::path> StagePaths(const ConvertOptions& options) {
  if (!options.write_stages) return {};
  const std::filesystem::path output = OutputPath(options);
  constexpr std::string_view kSuffix = "_quantized_model";
  std::string prefix = output.stem().string();
  if (prefix.ends_with(kSuffix)) prefix.resize(prefix.size() - kSuffix.size());
  std::vector<std::filesystem::path> paths;
  for (const char* stage : {"original_float", "optimized_float", "calibrated", "ptq"}) {
    std::filesystem::path path = output;
    paths.push_back(path.replace_filename(prefix + "_" + stage + "_model.onnx"));
  }
  return paths;
}

Model FakeQuantized(const Model& optimized, const QuantizationPlan& plan, int workers) {
  Model model = optimized;
  RoundIntegerWeights(model.graph, plan);
  QuantizationPlan floats = plan;
  for (auto& [n, node] : floats.integer_nodes) {
    // They are rounded already, as floats, and the bias becomes what its codes stand for.
    node.weight.reset();
    if (node.bias && !node.bias_scales.empty()) {
      node.bias = FloatBias(*node.bias, node.bias_scales);
      node.bias_scales.clear();
    }
  }
  floats.stored.clear();
  ApplyPlan(model, floats);
  FloatCache cache(workers);
  ExpandWeights(model, plan.stored, cache);
  return model;
}

std::vector<StageModel> MakeStages(const ConvertOptions& options, const StageParts& parts) {
  const std::vector<std::filesystem::path> paths = StagePaths(options);
  if (paths.empty()) return {};
  const std::string place = options.model.string();
  std::vector<StageModel> stages = {
      {paths[0], parts.original},
      {paths[1], parts.optimized},
      {paths[2], FakeQuantized(parts.optimized, parts.plan, parts.workers)},
      {paths[3], parts.quantized}};
  const DeploymentConfig whole = OfStage(options.config.deployment);
  const DeploymentConfig left = OfStage(parts.left);
  FreezeShapes(options.config.deployment.inputs, stages[0].model.graph);
  if (!whole.inputs.empty()) Normalize(stages[0].model);
  DropInferredTypes(stages[1].model.graph);
  for (StageModel& stage : stages) {
    const bool is_original = &stage == &stages[0];
    // Pixels meet what is left of the normalization; what is normalized is not.
    if (whole.generation == Generation::kJ6 && !is_original)
      TakeNormalized(parts.folded, stage.model.graph);
    DeployModel(is_original ? whole : left, {}, place, stage.model);
  }
  return stages;
}

}  // namespace qconvert
