#include "qconvert/report/quant_info.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>
#include <vector>

#include "json_text.h"
#include "node_way.h"
#include "qconvert/base/error.h"
#include "qconvert/config/dpu_form_names.h"
#include "qconvert/ir/body_graph.h"
#include "qconvert/plan/requantization.h"

namespace qconvert {
namespace {

Json Names(const std::vector<std::string>& names) {
  Json out = Json::array();
  // Whole, not shortened: names are read back.
  for (const std::string& name : names) out.push_back(EscapeWhole(name));
  return out;
}

void AddText(Json& json, const char* key, const std::string& text) {
  // A key that is not there says the same, in files of thousands of rows.
  if (!text.empty()) json[key] = EscapeWhole(text);
}

// One number for all where they are equal.
Json ZeroPoints(const std::vector<int32_t>& points) {
  const bool equal =
      std::all_of(points.begin(), points.end(), [&](int32_t point) { return point == points[0]; });
  return equal ? Json(points[0]) : Json(points);
}

void AddGrid(const QuantParams& params, const NumericFormat& format, Json& json) {
  json["type"] = DataTypeName(params.type);
  json["codes"] = {format.qmin, format.qmax};
  json["round"] = RoundModeName(format.round.mode());
  if (!params.per_tensor()) json["axis"] = params.axis;
  // A list of one scale stays a list where it stands for one channel: its axis is read back with
  // it.
  const bool one = params.per_tensor() && params.scales.size() == 1;
  json["scale"] = one ? Json(params.scales[0]) : Json(params.scales);
  json["zero_point"] = ZeroPoints(params.zero_points);
}

Json WeightJson(const ConstantCodes& weight) {
  Json json = {{"weight", EscapeWhole(weight.name)}};
  AddGrid(weight.params, weight.format, json);
  json["pair_limit"] = weight.pair_limit;
  if (!weight.steps.empty()) json["steps"] = weight.steps;
  return json;
}

Json BiasJson(const BiasGrid& grid, const std::vector<float>& shift) {
  Json json = {{"round", RoundModeName(grid.round.mode())}};
  if (!shift.empty()) json["shift"] = shift;
  // A bias without a grid of its own has that of its product.
  if (grid.scale == 0) return json;
  json["scale"] = grid.scale;
  json["codes"] = {grid.qmin, grid.qmax};
  return json;
}

Json OperandJson(size_t input, const ConstantCodes& operand) {
  Json json = {{"input", input}};
  AddGrid(operand.params, operand.format, json);
  return json;
}

void AddInteger(const IntegerNodePlan& integer, Json& json) {
  if (integer.weight) json["weights"].push_back(WeightJson(*integer.weight));
  if (integer.bias) json["bias"] = BiasJson(integer.bias_grid, integer.bias_shift);
  for (const auto& [input, operand] : integer.operands)
    json["operands"].push_back(OperandJson(input, operand));
  // A view in another type is written as an operand: no constant has an entry at that input.
  for (const auto& [input, grid] : integer.converted)
    json["operands"].push_back(OperandJson(input, {{}, {}, grid.params, grid.format}));
  // HardSigmoid reads one value: input 1 is free for its added constant.
  if (integer.hard_sigmoid) json["operands"].push_back(OperandJson(1, integer.hard_sigmoid->shift));
}

// One number for all channels where they are equal.
Json RequantizationJson(const Requantization& requantization) {
  Json multipliers = Json::array();
  Json shifts = Json::array();
  for (const FixedPoint& factor : requantization.factors) {
    multipliers.push_back(factor.multiplier);
    shifts.push_back(factor.shift);
  }
  const bool one = requantization.factors.size() == 1;
  Json json = {{"multiplier", one ? multipliers[0] : std::move(multipliers)},
               {"shift", one ? shifts[0] : std::move(shifts)},
               {"worst", requantization.worst}};
  if (requantization.of == Requantization::Of::kInputs) json["of"] = "inputs";
  if (requantization.of == Requantization::Of::kSigns) json["of"] = "signs";
  return json;
}

Json NoiseJson(const FileNoise& noise) {
  Json json = Json::object();
  if (noise.weights_db) json["weights_db"] = *noise.weights_db;
  if (noise.inputs_db) json["inputs_db"] = *noise.inputs_db;
  return json;
}

// `noise`: of the nodes in this order, where it was measured.
void AddNodes(const Graph& graph, const QuantizationPlan& plan, const std::string& scope,
              const std::vector<FileNoise>& noise, Json& nodes) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const NodePlacement& placed = plan.placement.nodes[n];
    // Shapes and indices: the same in both models.
    if (placed.domain == NodeDomain::kOther) continue;
    const auto dynamic = plan.dynamic_nodes.find(n);
    const auto integer = plan.integer_nodes.find(n);
    Json json = Json::object();
    AddText(json, "scope", scope);
    AddText(json, "name", node.name);
    json["op_type"] = EscapeWhole(node.op_type);
    json["computes"] = NodeWayName(WayOf(placed, dynamic != plan.dynamic_nodes.end()));
    AddText(json, "reason", placed.reason);
    if (integer != plan.integer_nodes.end()) AddInteger(integer->second, json);
    if (const auto requantization = FindRequantization(graph, plan, n))
      json["requantization"] = RequantizationJson(*requantization);
    if (dynamic != plan.dynamic_nodes.end()) {
      for (const ConstantCodes& weight : dynamic->second.weights)
        json["weights"].push_back(WeightJson(weight));
    }
    // Noise is carried by place: entries come in the order in which it was measured.
    const size_t entry = nodes.size();
    if (entry < noise.size() && noise[entry] != FileNoise{})
      json["noise"] = NoiseJson(noise[entry]);
    nodes.push_back(std::move(json));
  }
}

// Those of bodies behind those of the main graph.
Json NodesJson(const Graph& graph, const QuantizationPlan& plan,
               const std::vector<FileNoise>& noise) {
  Json nodes = Json::array();
  AddNodes(graph, plan, "", noise, nodes);
  ForEachBodyIn(plan.bodies, graph, [&](const BodyGraph& body, const QuantizationPlan& planned) {
    AddNodes(body.graph, planned, body.way, noise, nodes);
  });
  return nodes;
}

void AddValues(const QuantizationPlan& plan, const std::string& scope, Json& values) {
  for (const auto& [name, decided] : plan.values) {
    Json json = Json::object();
    AddText(json, "scope", scope);
    json["name"] = EscapeWhole(name);
    AddGrid(decided.params, decided.format, json);
    json["range"] = {decided.range.min, decided.range.max};
    AddText(json, "method", decided.method);
    if (decided.root != name) json["shares"] = EscapeWhole(decided.root);
    values.push_back(std::move(json));
  }
}

Json ValuesJson(const QuantizationPlan& plan) {
  Json values = Json::array();
  AddValues(plan, "", values);
  for (const auto& [way, body] : plan.bodies) AddValues(body, way, values);
  return values;
}

Json StoredJson(const QuantizationPlan& plan) {
  Json stored = Json::array();
  for (const auto& [way, weight] : plan.stored) {
    Json json = {{"weight", EscapeWhole(way)}};
    // Stored in 16-bit floats: there is no grid.
    if (weight.scales.empty()) {
      json["type"] = DataTypeName(weight.codes.type);
    } else {
      AddGrid({weight.codes.type, -1, weight.scales, {0}}, weight.format, json);
      if (weight.block_size > 0) json["block_size"] = weight.block_size;
      if (!weight.steps.empty()) json["steps"] = weight.steps;
    }
    stored.push_back(std::move(json));
  }
  return stored;
}

Json RoundedJson(const QuantizationPlan& plan) {
  Json rounded = Json::array();
  for (const auto& [value, type] : plan.rounded.types)
    rounded.push_back({{"value", EscapeWhole(value)}, {"type", DataTypeName(type)}});
  return rounded;
}

// A letter per channel.
Json SpreadJson(const std::map<std::string, std::vector<int>>& spread) {
  Json values = Json::array();
  for (const auto& [value, shifts] : spread) {
    std::string letters;
    // 26 letters are enough: kMostShift of transform/spread_channels.h.
    for (const int shift : shifts) letters += shift == 0 ? '.' : static_cast<char>('a' + shift - 1);
    values.push_back({{"value", EscapeWhole(value)}, {"shifts", letters}});
  }
  return values;
}

Json AbsorbedJson(const std::map<std::string, std::vector<float>>& absorbed) {
  Json values = Json::array();
  for (const auto& [value, amounts] : absorbed)
    values.push_back({{"value", EscapeWhole(value)}, {"amounts", amounts}});
  return values;
}

Json GuardJson(const PlanHistory& history) {
  Json needed = GateJson(history.gate);
  // What is read back says nothing by a key that is not there.
  if (!history.gate.min_cosine) needed.erase("min_cosine");
  return {{"ran", history.guard.ran},
          {"passed", history.guard.passed},
          {"gate", std::move(needed)},
          {"measurements", history.guard.measurements},
          {"kept_float", Names(history.guard.kept_float)},
          {"kept_wide", Names(history.guard.kept_wide)}};
}

Json ProvenanceJson(const PlanHistory& history) {
  const Provenance& from = history.provenance;
  Json json = {{"tool", from.tool},
               {"engine", from.engine},
               {"model_sha256", from.model_sha256},
               {"config_sha256", from.config_sha256},
               {"data_sha256", from.data_sha256},
               {"samples", history.samples}};
  AddText(json, "processor_kind", from.processor_kind);
  return json;
}

Json PassesJson(const QuantConfig& config) {
  Json passes = {{"target_device", TargetDeviceName(config.target_device)},
                 {"processor", ProcessorName(config.processor)},
                 {"onnx_opset_version", config.onnx_opset_version},
                 {"convert_relu6_to_relu", config.convert_relu6_to_relu},
                 {"convert_silu_to_hswish", config.convert_silu_to_hswish},
                 {"include_cle", config.equalization == Correction::kOn},
                 {"equalize_clips", config.equalize_clips}};
  // Keys that are seldom on stand in the file where they are.
  if (config.dpu_forms != DpuForms{}) passes["dpu_forms"] = NamesOfDpuForms(config.dpu_forms);
  if (config.exact_rounding) passes["exact_rounding"] = true;
  if (config.matmul_nbits) passes["matmul_nbits"] = true;
  if (config.tensors.weights.compat == Compat::kVitis) passes["compat"] = "vitis";
  return passes;
}

Json ResizerJson(const ResizerSettings& resizer) {
  return {{"interp_mode", InterpModeName(resizer.interp)},
          {"pad_mode", PadModeName(resizer.pad)},
          {"pad_luma", resizer.pad_luma},
          {"pad_chroma", resizer.pad_chroma}};
}

Json InputJson(const InputSettings& input) {
  Json json = Json::object();
  AddText(json, "name", input.name);
  json["type_rt"] = InputKindName(input.kind_rt);
  json["type_train"] = InputKindName(input.kind_train);
  json["layout_train"] = InputLayoutName(input.layout_train);
  if (input.layout_rt != InputLayout::kNone) json["layout_rt"] = InputLayoutName(input.layout_rt);
  json["range"] = input.range == YuvRange::kVideo ? "video" : "full";
  json["separate_batch"] = input.separate_batch;
  json["source"] = InputSourceName(input.source);
  if (input.resizer != ResizerSettings{}) json["resizer"] = ResizerJson(input.resizer);
  if (!input.shape.empty()) json["shape"] = input.shape;
  if (!input.mean.empty()) json["mean"] = input.mean;
  if (!input.scale.empty()) json["scale"] = input.scale;
  return json;
}

Json DeploymentJson(const DeploymentConfig& deployment) {
  Json inputs = Json::array();
  for (const InputSettings& input : deployment.inputs) inputs.push_back(InputJson(input));
  return {{"generation", deployment.generation == Generation::kJ5 ? "J5" : "J6"},
          {"inputs", std::move(inputs)},
          {"calibration_domain",
           deployment.calibration_domain == CalibrationDomain::kRaw ? "raw" : "normalized"},
          {"input_batch", deployment.input_batch},
          {"output_nodes", Names(deployment.output_nodes)},
          {"remove_node_types", Names(deployment.remove_node_types)},
          {"keep_node_names", Names(deployment.keep_node_names)},
          {"remove_node_names", Names(deployment.remove_node_names)},
          {"layer_out_dump", deployment.dump_layers},
          {"fold_normalization", deployment.fold_normalization}};
}

// A line per key, and per entry of a list.
std::string Lines(const Json& root) {
  std::string out = "{";
  const char* separator = "\n";
  for (const auto& [key, value] : root.items()) {
    out += separator + Json(key).dump() + ": ";
    separator = ",\n";
    if (!value.is_array()) {
      out += value.dump();
      continue;
    }
    const char* between = "[\n ";
    for (const Json& entry : value) {
      out += between + entry.dump();
      between = ",\n ";
    }
    out += value.empty() ? "[]" : "\n]";
  }
  return out + "\n}\n";
}

}  // namespace

std::map<std::string, std::vector<int>> SpreadOf(const PlanFile& file) {
  std::map<std::string, std::vector<int>> spread;
  for (const FileSpread& value : file.spread) spread.emplace(value.value, value.shifts);
  return spread;
}

PlanHistory HistoryOf(const PlanFile& file) {
  std::vector<FileNoise> noise;
  for (const FileNode& node : file.nodes) noise.push_back(node.noise);
  const FileGuard& guard = file.guard;
  return {.provenance = {file.tool, file.engine, file.model_sha256, file.config_sha256,
                         file.data_sha256, file.processor_kind},
          .samples = file.samples,
          .scheme = SchemeName(file.scheme),
          .scheme_reason = file.scheme_reason,
          .guard = {.ran = guard.ran,
                    .passed = guard.passed,
                    .measurements = static_cast<int>(guard.measurements),
                    .kept_float = guard.kept_float,
                    .kept_wide = guard.kept_wide},
          .gate = {.min_sqnr_db = guard.min_sqnr_db,
                   .min_sample_sqnr_db = guard.min_sample_sqnr_db,
                   .min_group_sqnr_db = guard.min_group_sqnr_db,
                   .max_flips = guard.max_flips,
                   .min_cosine = guard.min_cosine},
          .config = file.config,
          .spread = SpreadOf(file),
          .absorbed = file.absorbed,
          .noise = std::move(noise)};
}

std::string QuantInfoJson(const Graph& graph, const QuantizationPlan& plan,
                          const PlanHistory& history) {
  // Format and version first: whoever opens the file sees at once what it is.
  Json root = {{"format", kPlanFileFormat},
               {"version", kPlanFileVersion},
               {"provenance", ProvenanceJson(history)}};
  root["scheme"] = {{"name", history.scheme}};
  AddText(root["scheme"], "reason", history.scheme_reason);
  root["guard"] = GuardJson(history);
  root["passes"] = PassesJson(history.config);
  if (!history.absorbed.empty()) root["passes"]["absorbed_biases"] = AbsorbedJson(history.absorbed);
  if (history.config.deployment.generation != Generation::kNone)
    root["deployment"] = DeploymentJson(history.config.deployment);
  root["nodes"] = NodesJson(graph, plan, history.noise);
  root["values"] = ValuesJson(plan);
  if (!history.spread.empty()) root["spread_values"] = SpreadJson(history.spread);
  root["stored_weights"] = StoredJson(plan);
  root["rounded_values"] = RoundedJson(plan);
  for (const PositionChange& change : plan.position_changes) {
    // A position p stands for the scale 2^-p.
    root["coarser_scales"].push_back({{"node", EscapeWhole(change.node)},
                                      {"what", change.what},
                                      {"wanted", std::ldexp(1.0, -change.from)},
                                      {"scale", std::ldexp(1.0, -change.to)}});
  }
  return Lines(root);
}

}  // namespace qconvert
