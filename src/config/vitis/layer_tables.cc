// The keys of entries that speak of some nodes or of one value.
#include <utility>

#include "vitis/vitis_tables.h"
#include "words.h"

namespace qconvert {
namespace {

using Kind = Setting::Kind;

}  // namespace

const SettingTable& SubgraphTable() {
  static const SettingTable table{
      "layer_subgraph",
      {{.name = "inputs",
        .kind = Kind::kTexts,
        .fallback = "any",
        .example = "[Conv_1]",
        .help = "ONNX names of its first nodes; at least one of both lists"},
       {.name = "outputs",
        .kind = Kind::kTexts,
        .fallback = "any",
        .example = "[Conv_9]",
        .help = "ONNX names of its last nodes"},
       {.name = "outside",
        .kind = Kind::kBool,
        .fallback = "false",
        .example = "true",
        .help = "the entry is of all nodes that are not in this subgraph"}}};
  return table;
}

const SettingTable& ValueTable() {
  static const SettingTable table = [] {
    SettingTable out{"an entry of value_quantize_config",
                     {{.name = "value",
                       .kind = Kind::kText,
                       .fallback = "required",
                       .example = "/conv1/Conv_output_0",
                       .help = "ONNX name of the value"},
                      {.name = "range",
                       .kind = Kind::kAnything,
                       .fallback = "calibrated",
                       .example = "[-1, 1]",
                       .help = "least and greatest number that the codes reach"}}};
    for (Setting one : ParameterTable().settings) {
      one.help = "as in overall_quantize_config";
      one.listed = false;  // said in words
      out.settings.push_back(std::move(one));
    }
    return out;
  }();
  return table;
}

const SettingTable& LayerTable() {
  static const SettingTable table{
      "an entry of layer_quantize_config",
      {{.name = "layer_type",
        .kind = Kind::kText,
        .fallback = "none",
        .example = "Conv2d",
        .help = "ONNX op type, or a PyTorch module name that is mapped onto one"},
       {.name = "layer_name",
        .kind = Kind::kText,
        .fallback = "none",
        .example = "/head/*",
        .help = "ONNX node name, glob with * and ?, re:REGEX (RE2) for the whole name, or "
                "search:REGEX for a part of it"},
       {.name = "of_types",
        .kind = Kind::kTexts,
        .fallback = "any",
        .example = "[Conv, Gemm]",
        .help = "ours, beside layer_name: of the nodes that fit, those of these types alone"},
       {.name = "layer_subgraph",
        .kind = Kind::kObject,
        .fallback = "none",
        .example = "{inputs: [Conv_1], outputs: [Conv_9]}",
        .help = "ours: all nodes on a way from one of `inputs` to one of `outputs`",
        .object = &SubgraphTable()},
       {.name = "optional",
        .kind = Kind::kBool,
        .fallback = "false",
        .example = "true",
        .help = "ours: nodes that are not in the model are a warning, not an error"},
       {.name = "quantizable_data_type",
        .kind = Kind::kWords,
        .fallback = "all four",
        .example = "[weights]",
        .help = "tensor types that this entry speaks of; the others stay as the root has them",
        .words = AllWords<TensorType>()},
       {.name = "overall_quantize_config",
        .kind = Kind::kObject,
        .fallback = "none",
        .example = "{bit_width: 16}",
        .help = "parameters of all tensor types of this entry, on top of the root's",
        .object = &ParameterTable()},
       {.name = "tensor_quantize_config",
        .kind = Kind::kObject,
        .fallback = "none",
        .example = "{activation: {bit_width: 16}}",
        .help = "parameters per tensor type, on top of the entry's overall ones",
        .object = &TensorTable()}}};
  return table;
}

}  // namespace qconvert
