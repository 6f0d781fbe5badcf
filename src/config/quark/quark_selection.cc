// extra_options that pick nodes and values. Source: AMD Quark, appendix of its full configuration
// for ONNX; the keys of an override are those of ONNX Runtime's TensorQuantOverrides.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "quark/quark.h"
#include "text/node_edit.h"
#include "vitis/vitis.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

// "ExtendedQuantType.QUInt16" -> "UInt16".
std::string TypeOfOverride(const std::string& word) {
  std::string type = word.substr(word.rfind('.') + 1);
  const bool has_prefix = type.starts_with("QI") || type.starts_with("QU");
  return has_prefix ? type.substr(1) : type;
}

const SettingTable& OverrideTable() {
  using S = Setting::Kind;
  static const SettingTable table{"an override",
                                  {{.name = "quant_type", .kind = S::kText},
                                   {.name = "symmetric", .kind = S::kBool},
                                   {.name = "rmin", .kind = S::kNumber},
                                   {.name = "rmax", .kind = S::kNumber},
                                   {.name = "scale", .kind = S::kAnything},
                                   {.name = "zero_point", .kind = S::kAnything},
                                   {.name = "axis", .kind = S::kAnything},
                                   {.name = "reduce_range", .kind = S::kAnything},
                                   {.name = "convert", .kind = S::kAnything}},
                                  true};
  return table;
}

class Selection {
 public:
  Selection(const ConfigNode& options, const QuarkTensor& values, ReadContext& context,
            ConfigNode& out, ConfigNode& layers)
      : options_(options), values_(values), context_(context), out_(out), layers_(layers) {}

  void Add() {
    // First: what follows takes nodes away from those that were picked.
    OnlyThese();
    Between();
    for (const auto& [option, key] :
         {std::pair{"OpTypesToExcludeOutputQuantization", "layer_type"},
          std::pair{"NodesToExcludeOutputQuantization", "layer_name"}}) {
      const ConfigNode* list = FindList(option);
      if (list == nullptr) continue;
      context_.Warn(list->place,
                    fmt::format("{}: nodes whose outputs are not quantized stay float", option));
      for (const ConfigNode& item : list->items) AddLayerEntry(layers_, key, item, "float32");
    }
    Overrides();
  }

 private:
  const ConfigNode* FindList(const char* option) const {
    const ConfigNode* list = FindValue(options_, option);
    // An empty list picks nothing out: it is as one that is not there.
    return list == nullptr || list->items.empty() ? nullptr : list;
  }

  // Op types or nodes to quantize, or nodes that are in both lists: all others stay float.
  void OnlyThese() {
    const ConfigNode* types = FindList("OpTypesToQuantize");
    const ConfigNode* nodes = FindList("NodesToQuantize");
    const ConfigNode* list = nodes != nullptr ? nodes : types;
    if (list == nullptr) return;
    for (auto& [type, object] : ChildOf(out_, "tensor_quantize_config").entries)
      ChildOf(object, "datatype") = WordNode("float32", list->place);
    for (const ConfigNode& item : list->items) {
      AddLayerEntry(layers_, nodes != nullptr ? "layer_name" : "layer_type", item, "int");
      if (nodes != nullptr && types != nullptr) ChildOf(layers_.items.back(), "of_types") = *types;
    }
  }

  // From InputNodes to OutputNodes, both included: all others stay float.
  void Between() {
    const ConfigNode* first = FindList("InputNodes");
    const ConfigNode* last = FindList("OutputNodes");
    if (first == nullptr && last == nullptr) return;
    const ConfigNode& written = first != nullptr ? *first : *last;
    ConfigNode graph = MapNode(written.place);
    if (first != nullptr) ChildOf(graph, "inputs") = *first;
    if (last != nullptr) ChildOf(graph, "outputs") = *last;
    ChildOf(graph, "outside") = WordNode("true", written.place);
    AddLayerEntry(layers_, "layer_subgraph", graph, "float32");
  }

  void Overrides() {
    const ConfigNode* overrides = FindValue(options_, "TensorQuantOverrides");
    if (overrides == nullptr) return;
    if (overrides->kind != Kind::kMap) {
      context_.problems.Add(overrides->place,
                            fmt::format("TensorQuantOverrides is '{}', expected a map from tensors",
                                        overrides->Shown()));
      return;
    }
    for (const auto& [tensor, list] : overrides->entries) {
      const bool is_list = list.kind == Kind::kSequence && !list.items.empty();
      // ONNX Runtime has a list with a map per channel; the first one speaks for the tensor.
      const ConfigNode& first = is_list ? list.items.front() : list;
      if (list.items.size() > 1)
        context_.Warn(list.place,
                      fmt::format("'{}' has a map per channel, the first one speaks for "
                                  "all of the tensor",
                                  tensor.scalar));
      if (first.kind == Kind::kMap) {
        Override(tensor, first);
      } else if (list.kind != Kind::kNull && (is_list || list.kind != Kind::kSequence)) {
        context_.problems.Add(list.place, fmt::format("'{}' has '{}', expected a list with a map",
                                                      tensor.scalar, first.Shown()));
      }
    }
  }

  void Override(const ConfigNode& tensor, ConfigNode keys) {
    CheckSettings(keys, OverrideTable(), context_.problems, context_.notes);
    QuarkTensor type = values_;
    if (const ConfigNode* word = FindValue(keys, "quant_type"))
      type.data_type = WordNode(TypeOfOverride(word->scalar), word->place);
    if (const ConfigNode* symmetric = FindValue(keys, "symmetric")) type.symmetric = *symmetric;
    if (!type.data_type.scalar.starts_with("Int") && !type.data_type.scalar.starts_with("UInt"))
      return context_.Warn(keys.place,
                           fmt::format("the override of '{}' has no effect: {} is no integer type",
                                       tensor.scalar, type.data_type.Shown()));
    ConfigNode entry = MapNode(tensor.place);
    ChildOf(entry, "value") = tensor;
    // Names of tensors may look like numbers.
    ChildOf(entry, "value").quoted = true;
    SetQuarkType(type, context_, entry);
    const ConfigNode* least = FindValue(keys, "rmin");
    const ConfigNode* greatest = FindValue(keys, "rmax");
    if ((least != nullptr) != (greatest != nullptr))
      context_.Warn((least != nullptr ? least : greatest)->place,
                    fmt::format("{} has no effect without {}", least != nullptr ? "rmin" : "rmax",
                                least != nullptr ? "rmax" : "rmin"));
    if (least != nullptr && greatest != nullptr) {
      ConfigNode& range = ChildOf(entry, "range");
      range = *least;
      range.kind = Kind::kSequence;
      range.items = {*least, *greatest};
    }
    for (const char* idle : {"scale", "zero_point", "axis", "reduce_range", "convert"}) {
      if (const ConfigNode* value = FindValue(keys, idle))
        context_.Warn(value->place,
                      fmt::format("{} of an override has no effect, rmin and rmax say what the "
                                  "codes reach",
                                  idle));
    }
    ConfigNode& values = ChildOf(out_, "value_quantize_config");
    values.kind = Kind::kSequence;
    values.items.push_back(std::move(entry));
  }

  const ConfigNode& options_;
  const QuarkTensor& values_;
  ReadContext& context_;
  ConfigNode& out_;
  ConfigNode& layers_;
};

}  // namespace

void AddQuarkSelection(const ConfigNode& root, const QuarkTensor& values, ReadContext& context,
                       ConfigNode& out, ConfigNode& layers) {
  const ConfigNode* options = FindValue(root, "extra_options");
  if (options != nullptr) Selection(*options, values, context, out, layers).Add();
}

}  // namespace qconvert
