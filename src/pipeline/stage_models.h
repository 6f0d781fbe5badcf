// The model files that Horizon's tools leave of a conversion besides the deployed one.
//
//   <prefix>_original_float_model.onnx    the model as it came
//   <prefix>_optimized_float_model.onnx   after the float passes; names of nodes go by it
//   <prefix>_calibrated_model.onnx        Q/DQ on values, weights rounded to their codes in float
//   <prefix>_ptq_model.onnx               Q/DQ on values, weights as integers
//
// J5: with the node that makes of pixels what the float model takes. J6: as the float model is fed,
// whatever was folded. Either at the batch of the float model, and with the nodes at the borders
// that <prefix>_quantized_model.onnx may be without. Source: the public documentation of hb_mapper
// and hb_compile.
#ifndef QCONVERT_SRC_PIPELINE_STAGE_MODELS_H_
#define QCONVERT_SRC_PIPELINE_STAGE_MODELS_H_

#include <filesystem>
#include <string>
#include <vector>

#include "picture_format.h"
#include "qconvert/ir/graph.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

struct StageModel {
  std::filesystem::path path;
  Model model;  // shares bytes of tensors with the models it was made of
};

// Whether each of the models would fit into one file.
bool FitsStages(const ConvertOptions& options, const LoadedModel& loaded);

// Beside the output, whose name gives the prefix; none where the options want none.
std::vector<std::filesystem::path> StagePaths(const ConvertOptions& options);

struct StageParts {
  const Model& original;   // before anything was done to it
  const Model& optimized;  // of `plan`
  const Model& quantized;  // what the plan made of it, not deployed yet
  const QuantizationPlan& plan;
  const DeploymentConfig& left;  // what is left to do to the inputs, see AfterFolding
  const FoldedInputs& folded;    // into `optimized`
  int workers = 1;
};

// In the order of StagePaths. Throws what DeployModel throws.
std::vector<StageModel> MakeStages(const ConvertOptions& options, const StageParts& parts);

// The plan applied with weights and biases in float, rounded to their codes.
Model FakeQuantized(const Model& optimized, const QuantizationPlan& plan, int workers);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_STAGE_MODELS_H_
