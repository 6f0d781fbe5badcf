#include "fold_inputs.h"

#include "other_passes.h"
#include "qconvert/transform/fold_normalization.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {

FoldedInputs FoldInputs(const DeploymentConfig& deployment, const std::string& place, Model& model,
                        const PassOptions& passes) {
  FoldedInputs folded;
  if (!deployment.fold_normalization) return folded;
  Normalize(model);
  PassRunner runner = RunnerOfOthers("inputs", passes, place, model);
  for (const InputSettings& input : deployment.inputs) {
    if (!input.normalizes()) continue;
    FoldedNormalization one;
    runner.Run("fold_normalization", [&] {
      one = FoldNormalization(input, place, model.graph);
      return size_t{1};
    });
    const size_t axis = input.layout_train == InputLayout::kNhwc ? 3 : 1;
    folded[one.input] = {std::move(one.mean), std::move(one.scale), axis};
  }
  return folded;
}

DeploymentConfig AfterFolding(DeploymentConfig deployment, const FoldedInputs& folded) {
  for (InputSettings& input : deployment.inputs) {
    for (const auto& [name, scaling] : folded) {
      if (!input.normalizes() || (!input.name.empty() && input.name != name)) continue;
      std::vector<double> left;
      for (size_t c = 0; c < scaling.mean.size(); ++c)
        left.push_back(input.MeanOf(c) - scaling.mean[c]);
      input.mean = std::move(left);
      input.scale.clear();
    }
  }
  return deployment;
}

void TakeNormalized(const FoldedInputs& folded, Graph& graph) {
  for (const auto& [input, scaling] : folded)
    TakeNormalized(FoldedNormalization{input, scaling.mean, scaling.scale}, scaling.channel_axis,
                   graph);
}

}  // namespace qconvert
