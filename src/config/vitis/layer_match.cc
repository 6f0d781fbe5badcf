#include "vitis/layer_match.h"

#include <fmt/format.h>

#include <utility>

#include "op_names.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/name_pattern.h"
#include "text/node_edit.h"
#include "text/setting_table.h"
#include "vitis/torch_layer.h"
#include "vitis/vitis.h"

namespace qconvert {
namespace {

void ReadSubgraph(const ConfigNode& graph, const std::string& what, ReadContext& context,
                  LayerMatch& match) {
  match.kind = LayerMatch::Kind::kSubgraph;
  match.place = graph.place.Text();
  for (const auto& [key, member] :
       {std::pair{"inputs", &LayerMatch::inputs}, std::pair{"outputs", &LayerMatch::outputs}}) {
    const ConfigNode* list = FindValue(graph, key);
    if (list == nullptr) continue;
    for (const ConfigNode& item : list->items) (match.*member).push_back(item.scalar);
  }
  if (match.inputs.empty() && match.outputs.empty())
    context.problems.Add(graph.place,
                         what + "layer_subgraph has no nodes, expected inputs, outputs or both");
  if (const ConfigNode* outside = FindValue(graph, "outside")) match.outside = AsBool(*outside);
  // For messages, and to tell equal entries.
  match.pattern =
      fmt::format("{} .. {}", fmt::join(match.inputs, ", "), fmt::join(match.outputs, ", "));
}

void ReadType(const ConfigNode& written, const std::string& what, ReadContext& context,
              LayerMatch& match) {
  match.kind = LayerMatch::Kind::kType;
  match.types = FindOpTypes(written.scalar);
  if (!match.types.empty()) return;
  RefuseMisspeltType(written, what + "unknown layer_type", context.problems);
  match.types = {{written.scalar}};  // of a domain that only the model knows
  match.known_type = false;
}

// Of the nodes that fit a name, those of some types alone.
void ReadTypesOfName(const ConfigNode& entry, const std::string& what, ReadContext& context,
                     LayerMatch& match, ConfigNode& printed) {
  const ConfigNode* types = FindValue(entry, "of_types");
  if (types == nullptr) return;
  ChildOf(printed, "of_types") = *types;
  if (match.kind != LayerMatch::Kind::kName) {
    context.problems.Add(types->place, what + "of_types stands beside a layer_name of ONNX");
    return;
  }
  for (const ConfigNode& type : types->items) {
    const std::vector<OpMatch> found = FindOpTypes(type.scalar);
    match.types.insert(match.types.end(), found.begin(), found.end());
    RefuseMisspeltType(type, what + "unknown type in of_types", context.problems);
    if (found.empty()) match.types.push_back({type.scalar});  // of a domain of the model
  }
}

void ReadName(const ConfigNode& written, const std::string& what, ReadContext& context,
              LayerMatch& match) {
  if (const auto layer = ParseTorchLayer(written.scalar)) {
    match.kind = LayerMatch::Kind::kModule;
    match.module = layer->module;
    // Empty for a module that ONNX has no operator for: its name alone decides.
    match.types = FindOpTypes(layer->type);
    return;
  }
  match.kind = LayerMatch::Kind::kName;
  const std::string error = FindPatternError(written.scalar);
  if (!error.empty()) context.problems.Add(written.place, what + error);
}

}  // namespace

void RefuseMisspeltType(const ConfigNode& type, const std::string& what, ConfigProblems& problems) {
  if (!FindOpTypes(type.scalar).empty()) return;
  const std::string hint = DidYouMean(type.scalar, KnownOpNames());
  if (!hint.empty()) problems.Add(type.place, fmt::format("{} '{}'{}", what, type.scalar, hint));
}

LayerMatch ReadLayerMatch(const ConfigNode& entry, const std::string& what, ReadContext& context,
                          ConfigNode& printed) {
  LayerMatch match;
  const ConfigNode* type = FindValue(entry, "layer_type");
  const ConfigNode* name = FindValue(entry, "layer_name");
  if (const ConfigNode* optional = FindValue(entry, "optional")) {
    match.may_miss = AsBool(*optional);
    ChildOf(printed, "optional") = *optional;
  }
  if (const ConfigNode* graph = FindValue(entry, "layer_subgraph")) {
    if (type != nullptr || name != nullptr)
      context.problems.Add(graph->place, what + "layer_subgraph stands alone");
    ChildOf(printed, "layer_subgraph") = *graph;
    ReadSubgraph(*graph, what, context, match);
    return match;
  }
  if (type == nullptr && name == nullptr) {
    // What was refused in the table is told already.
    const bool is_told = entry.Find("layer_type") != nullptr ||
                         entry.Find("layer_name") != nullptr ||
                         entry.Find("layer_subgraph") != nullptr;
    if (!is_told) context.problems.Add(entry.place, what + "expected layer_type or layer_name");
    return match;
  }
  const ConfigNode& written = type != nullptr ? *type : *name;
  ChildOf(printed, type != nullptr ? "layer_type" : "layer_name") = written;
  match.pattern = written.scalar;
  match.place = written.place.Text();
  if (type == nullptr) {
    ReadName(written, what, context, match);
    ReadTypesOfName(entry, what, context, match, printed);
    return match;
  }
  if (name != nullptr) {
    context.Warn(name->place, "layer_name is ignored beside layer_type");
  }
  ReadType(written, what, context, match);
  ReadTypesOfName(entry, what, context, match, printed);
  return match;
}

bool KeepFloatInVitis(ConfigNode& root, const std::string& pattern) {
  ConfigNode layer = MapNode();
  ConfigNode& name = ChildOf(layer, "layer_name");
  name = WordNode(pattern);
  // Patterns may look like numbers or begin with a sign of YAML.
  name.quoted = true;
  ChildOf(ChildOf(layer, "overall_quantize_config"), "datatype") = WordNode("float32");
  ListOf(root, "layer_quantize_config").items.push_back(std::move(layer));
  return true;
}

}  // namespace qconvert
