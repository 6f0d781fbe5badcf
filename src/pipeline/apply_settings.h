// What the settings say about one model.
#ifndef QCONVERT_SRC_PIPELINE_APPLY_SETTINGS_H_
#define QCONVERT_SRC_PIPELINE_APPLY_SETTINGS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/plan/model_settings.h"
#include "setting_problems.h"

namespace qconvert {

// Normalizes the model as it came, so that every node has a name; finds the nodes of the layer
// entries, checks what is said about inputs and gives free dimensions their input_shape. `late`
// gets the entries of a Horizon file that name no node: its names may be those of the optimized
// model. What does not fit goes to `problems`.
ModelSettings ApplySettings(const ModelConfig& config, Model& model, std::vector<size_t>& late,
                            std::vector<std::string>& warnings, SettingProblems& problems);

// Finds the nodes of these entries after PrepareModel. Throws ConfigError when there are none.
void MatchLate(const std::vector<size_t>& late, const Graph& graph, ModelSettings& settings,
               std::vector<std::string>& warnings);

// input_shape takes the place of free dimensions; CheckInputs has compared the others.
void FreezeShapes(const std::vector<InputSettings>& inputs, Graph& graph);

// The opset that onnx_opset_version asks for. Throws ConfigError when this model cannot have it.
int64_t ExportedOpset(const ModelConfig& config, const Model& model);

// How the settings equalize where they do.
EqualizeOptions EqualizeOptionsOf(const QuantConfig& config);

// Whether equalization evens out what matrix products read too (transform/spread_channels.h), on
// integers or not: where all kernels are taken whatever their time, for the engine.
bool EvensProducts(const QuantConfig& config);

// The float passes that the settings ask for, for a file of `opset`. Equalization that is a
// language's default alone is not asked for: it can cost accuracy.
PrepareOptions PassesOf(const ModelConfig& config, int64_t opset);

// After PrepareModel: nodes made out of one that an entry names have its settings.
void InheritLayers(const Graph& graph, ModelSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_APPLY_SETTINGS_H_
