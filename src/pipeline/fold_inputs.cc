#include "fold_inputs.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "cut_to_outputs.h"
#include "infer_folded_types.h"
#include "other_passes.h"
#include "qconvert/config/setting_position.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/fold_normalization.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

constexpr std::array<size_t, 2> kConstantSlots = {1, 2};  // of Conv: weights and biases

bool HasComputedWeights(const Graph& graph, const Node& node) {
  return node.Is("Conv") &&
         std::any_of(kConstantSlots.begin(), kConstantSlots.end(), [&](size_t slot) {
           return !node.input(slot).empty() && graph.FindInitializer(node.input(slot)) == nullptr;
         });
}

// init a -> Identity, Mul, ... -> w -> Conv     becomes     init w' -> Conv
// The rest of the model stays as it came: settings may name its nodes.
size_t SettleWeights(const std::string& place, Model& model) {
  Model folded = model;  // shares the bytes of tensors
  EliminateIdentity(folded.graph);
  FoldConstants(folded, place);
  std::map<std::string, const Node*> by_name;
  for (const Node& node : folded.graph.nodes) by_name.emplace(node.name, &node);
  NameMaker names(model.graph);
  size_t settled = 0;
  for (Node& node : model.graph.nodes) {
    if (!HasComputedWeights(model.graph, node)) continue;
    for (const size_t slot : kConstantSlots) {
      const auto it = by_name.find(node.name);
      const std::string value = it == by_name.end() ? "" : it->second->input(slot);
      const Tensor* tensor = folded.graph.FindInitializer(value);
      if (tensor == nullptr || model.graph.FindInitializer(node.input(slot)) != nullptr) continue;
      Tensor own = *tensor;
      // The model as it came may have the name for something else.
      own.name = node.inputs[slot] = names.Make(value);
      model.graph.initializers.emplace(own.name, std::move(own));
      ++settled;
    }
  }
  return settled;
}

bool HasInput(const Graph& graph, const std::string& name) {
  return std::any_of(graph.inputs.begin(), graph.inputs.end(),
                     [&](const Value& one) { return name.empty() || one.name == name; });
}

// Throws ConfigError with all that cannot be folded.
FoldedInputs FoldInputs(const InterfaceSettings& settings, Model& model,
                        const PassOptions& passes) {
  FoldedInputs folded;
  if (!settings.deployment.fold_normalization) return folded;
  Normalize(model);
  const ConfigPlace written =
      PositionOf(settings.effective, {"input_parameters", "fold_normalization"});
  const std::string position = written.is_default() ? settings.place : written.Text();
  PassRunner runner = RunnerOfOthers("inputs", passes, settings.place, model);
  const std::vector<Node>& nodes = model.graph.nodes;
  if (std::any_of(nodes.begin(), nodes.end(),
                  [&](const Node& node) { return HasComputedWeights(model.graph, node); })) {
    runner.Run("settle_weights", [&] { return SettleWeights(settings.place, model); });
  }
  SettingProblems problems;
  for (const InputSettings& input : settings.deployment.inputs) {
    if (!input.normalizes() || !HasInput(model.graph, input.name)) continue;
    problems.Collect([&] {
      FoldedNormalization one;
      runner.Run("fold_normalization", [&] {
        one = FoldNormalization(input, position, model.graph);
        return size_t{1};
      });
      const size_t axis = input.layout_train == InputLayout::kNhwc ? 3 : 1;
      folded[one.input] = {std::move(one.mean), std::move(one.scale), axis};
    });
  }
  problems.ThrowIfAny();
  return folded;
}

}  // namespace

FoldedInputs CutAndFold(const InterfaceSettings& settings, Model& model, SettingProblems& problems,
                        const PassOptions& passes, std::optional<Model>* cut) {
  problems.Collect([&] {
    CutToOutputs(settings.deployment.output_nodes,
                 PositionOf(settings.effective, {"model_parameters", "output_nodes"}),
                 settings.place, model, passes);
  });
  if (cut != nullptr) *cut = model;
  FoldedInputs folded;
  problems.Collect([&] { folded = FoldInputs(settings, model, passes); });
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
