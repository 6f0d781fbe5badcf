#include "apply_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "qconvert/config/any_settings.h"
#include "qconvert/config/setting_position.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/transform/convert_opset.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

constexpr int64_t kOpsetWithBlocks = 21;
constexpr int64_t kTypedOpset = 19;  // Q and DQ of float16

// What the forms that the settings ask for need.
int64_t LeastOpset(const QuantConfig& config) {
  const bool in_blocks =
      AnySettings(config, [](const NodeSettings& of) { return of.weights.block_size > 0; });
  const bool dequantized = !TargetOf(config.target_device).stores_weights || config.matmul_nbits;
  return in_blocks && dequantized ? kOpsetWithBlocks : kQuantizedOpset;
}

std::string PlaceOfOpset(const ModelConfig& config) {
  const ConfigNode* setting = config.effective.Find("onnx_opset_version");
  return setting == nullptr ? config.file.string() : setting->place.Text();
}

// The node that computes what a graph output is, before it is moved about.
const Node* FindComputing(const Topology& topology, const std::string& output) {
  const Node* node = topology.Producer(output);
  while (node != nullptr && FindOpRule(*node).kind == OpKind::kMovement && !node->inputs.empty())
    node = topology.Producer(node->inputs[0]);
  return node;
}

// set_model_output_int8, _int16: what the outputs are computed by has 8 or 16 bits, whatever other
// entries say.
void SetOutputTypes(const Graph& graph, ModelSettings& settings) {
  const std::string type = settings.config.deployment.model_output_type;
  if (!AsksForCodedOutputs(settings.config)) return;
  const Topology topology(graph);
  for (const Value& output : graph.outputs) {
    const Node* node = FindComputing(topology, output.name);
    if (node == nullptr) continue;
    LayerSettings layer{.match = {}, .tensors = settings.Of(*node)};
    layer.match.kind = LayerMatch::Kind::kNode;
    layer.match.pattern = node->name;
    layer.match.place = "model output " + type;
    layer.tensors.activation.datatype = Datatype::kInt;
    layer.tensors.activation.bit_width = type == "int8" ? 8 : 16;
    // Over the entry that the node may have had.
    settings.layer_of[node->name] = settings.config.layers.size();
    settings.config.layers.push_back(std::move(layer));
  }
}

// calibration_type load: the thresholds are where training left them.
void CheckThresholds(const Graph& graph, const ModelConfig& config) {
  if (!config.config.deployment.load_thresholds) return;
  if (std::any_of(graph.nodes.begin(), graph.nodes.end(),
                  [](const Node& node) { return node.Is("QuantizeLinear"); }))
    return;
  throw ConfigError({fmt::format(
      "{}: calibration_type load takes the thresholds of a model from quantization-aware training, "
      "found no QuantizeLinear in the model, expected one, or another calibration_type",
      PositionOf(config.effective, {"calibration_parameters", "calibration_type"}).Text())});
}

}  // namespace

void FreezeShapes(const std::vector<InputSettings>& inputs, Graph& graph) {
  for (const InputSettings& settings : inputs) {
    for (Value& input : graph.inputs) {
      if (settings.shape.empty() || (!settings.name.empty() && settings.name != input.name))
        continue;
      input.type.shape.emplace();
      for (const int64_t dim : settings.shape) input.type.shape->push_back({dim, {}});
    }
  }
}

ModelSettings ApplySettings(const ModelConfig& config, Model& model, std::vector<size_t>& late,
                            std::vector<std::string>& warnings, SettingProblems& problems) {
  // Entries match names, and it names every node.
  Normalize(model);
  problems.Collect([&] { CheckThresholds(model.graph, config); });
  ModelSettings settings(config.config);
  const bool is_horizon = config.config.deployment.generation != Generation::kNone;
  problems.Collect([&] {
    settings.layer_of =
        MatchLayers(model.graph, config.config, warnings, is_horizon ? &late : nullptr);
  });
  SetOutputTypes(model.graph, settings);
  std::vector<InputSignature> inputs;
  for (const Value& input : model.graph.inputs) {
    InputSignature signature{input.name, input.type.shape.has_value(), {}};
    if (signature.has_shape) {
      for (const Dim& dim : *input.type.shape)
        signature.dims.push_back(dim.known() ? dim.value : -1);
    }
    inputs.push_back(std::move(signature));
  }
  problems.Collect([&] {
    CheckInputs(config.config, config.effective, inputs);
    FreezeShapes(config.config.deployment.inputs, model.graph);
  });
  return settings;
}

void MatchLate(const std::vector<size_t>& late, const Graph& graph, ModelSettings& settings,
               std::vector<std::string>& warnings) {
  if (late.empty()) return;
  QuantConfig config = settings.config;
  config.layers.clear();
  for (const size_t i : late) config.layers.push_back(settings.config.layers[i]);
  // Places among the late ones become places among all.
  for (const auto& [name, k] : MatchLayers(graph, config, warnings))
    settings.layer_of[name] = late[k];
}

int64_t ExportedOpset(const ModelConfig& config, const Model& model) {
  const int64_t asked = config.config.onnx_opset_version;
  const int64_t least = LeastOpset(config.config);
  const bool is_typed = config.config.target_device == TargetDevice::kGpu;
  if (asked < 0) return is_typed ? std::max(least, kTypedOpset) : least;
  const int64_t has = model.opset();
  if (asked < least) {
    throw ConfigError(
        {fmt::format("{}: onnx_opset_version is {}, expected {} or newer: "
                     "DequantizeLinear has blocks from there on",
                     PlaceOfOpset(config), asked, least)});
  }
  if (asked == has || (asked > has && asked <= kNewestConvertedOpset)) return asked;
  const std::string what =
      asked < has ? fmt::format("the model has opset {} and cannot be lowered", has)
                  : fmt::format("expected at most {}, the newest that models are raised to",
                                kNewestConvertedOpset);
  throw ConfigError(
      {fmt::format("{}: onnx_opset_version is {}, {}", PlaceOfOpset(config), asked, what)});
}

EqualizeOptions EqualizeOptionsOf(const QuantConfig& config) {
  // The vendor's quantizer equalizes in a way of its own.
  return {.bounds_by_channel = config.equalize_clips,
          .single_pass = config.tensors.weights.compat == Compat::kVitis};
}

bool EvensProducts(const QuantConfig& config) {
  return config.scheme == Scheme::kStatic && config.effort != Effort::kFast &&
         config.layers.empty() && TargetOf(config.target_device).suits_engine &&
         config.tensors.weights.compat != Compat::kVitis;
}

PrepareOptions PassesOf(const ModelConfig& config, int64_t opset) {
  // Scales per channel do what equalization is for; where outputs decide, they have.
  const Correction wanted = config.config.equalization;
  const bool is_asked = wanted == Correction::kOn ||
                        (wanted == Correction::kAuto && !config.config.tensors.weights.per_channel);
  std::optional<EqualizeOptions> equalize;
  if (is_asked) equalize = EqualizeOptionsOf(config.config);
  return {.opset = opset,
          .relu6_to_relu = config.config.convert_relu6_to_relu,
          .silu_to_hard_swish = config.config.convert_silu_to_hswish,
          .dpu_forms = config.config.dpu_forms,
          .equalize = equalize,
          .suit_engine = TargetOf(config.config.target_device).suits_engine};
}

void InheritLayers(const Graph& graph, ModelSettings& settings) {
  for (const Node& node : graph.nodes) {
    if (node.origin.empty()) continue;
    const auto whole = settings.layer_of.find(node.origin);
    // Unless an entry names the new node itself.
    if (whole != settings.layer_of.end()) settings.layer_of.emplace(node.name, whole->second);
  }
}

}  // namespace qconvert
