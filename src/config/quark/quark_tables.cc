// The keys of Quark's JSON. Words may be written with the prefix of their Python enumeration:
// "CalibMethod.MinMSE".
#include <utility>

#include "quark/quark.h"
#include "vitis/finetune.h"
#include "vitis/vitis_tables.h"
#include "words.h"

namespace qconvert {
namespace {

using Kind = Setting::Kind;
using Words = std::vector<std::string>;

Words WithPrefix(const std::string& prefix, const Words& words) {
  Words out = words;
  for (const std::string& word : words) out.push_back(prefix + word);
  return out;
}

Setting Word(std::string name, std::string help, Words words) {
  Setting setting{.name = std::move(name),
                  .kind = Kind::kWord,
                  .fallback = "as the spec of data_type",
                  .help = std::move(help),
                  .words = std::move(words)};
  setting.example = setting.words.front();
  return setting;
}

std::vector<Setting> TensorKeys() {
  return {
      {.name = "symmetric",
       .kind = Kind::kBool,
       .fallback = "as the spec of data_type",
       .example = "true",
       .help = "the zero point is in the middle of the grid"},
      Word("scale_type", "any scale, or powers of two only",
           WithPrefix("ScaleType.", {"Float32", "PowerOf2", "Int16"})),
      Word("calibration_method",
           "MinMSE of activations has power-of-two scales always, weights with float scales know "
           "MinMax and MinMSE",
           WithPrefix("CalibMethod.", {"MinMax", "MinMSE", "Percentile", "Entropy",
                                       "LayerwisePercentile", "Distribution"})),
      Word("quant_granularity", "weights: Channel is one scale per output channel",
           WithPrefix("QuantGranularity.", {"Tensor", "Channel", "Group"})),
      Word("data_type", "type of the codes, or a floating-point type",
           {"Int8",  "XInt8",     "UInt8",     "Int16",     "UInt16",    "Int4",      "UInt4",
            "Int32", "UInt32",    "Float16",   "BFloat16",  "BFP16",     "MX4",       "MX6",
            "MX9",   "MXFP4E2M1", "MXFP6E3M2", "MXFP6E2M3", "MXFP8E5M2", "MXFP8E4M3", "MXInt8"}),
  };
}

const SettingTable& ParamsTable() {
  static const SettingTable table{"params", TensorKeys()};
  return table;
}

const SettingTable& QuarkTensorTable() {
  static const SettingTable table = [] {
    SettingTable out{"a Quark tensor", TensorKeys()};
    out.settings.push_back(
        Word("spec", "short form: a named set of the keys above",
             {"XInt8Spec",     "Int8Spec",      "UInt8Spec",     "Int16Spec",     "UInt16Spec",
              "Int32Spec",     "UInt32Spec",    "Int4Spec",      "UInt4Spec",     "Float16Spec",
              "BFloat16Spec",  "BFP16Spec",     "MX4Spec",       "MX6Spec",       "MX9Spec",
              "MXFP4E2M1Spec", "MXFP6E3M2Spec", "MXFP6E2M3Spec", "MXFP8E5M2Spec", "MXFP8E4M3Spec",
              "MXInt8Spec"}));
    out.settings.back().fallback = "none";
    out.settings.push_back({.name = "params",
                            .kind = Kind::kObject,
                            .fallback = "none",
                            .example = "{symmetric: false}",
                            .help = "what differs from the spec",
                            .object = &ParamsTable()});
    return out;
  }();
  return table;
}

Setting Tensor(std::string name, std::string fallback, std::string help) {
  return {.name = std::move(name),
          .kind = Kind::kObject,
          .fallback = std::move(fallback),
          .example = "{spec: XInt8Spec}",
          .help = std::move(help),
          .object = &QuarkTensorTable()};
}

// `object`: what may stand in it, for the page.
Setting Any(std::string name, std::string example, std::string help,
            const SettingTable* object = nullptr) {
  return {.name = std::move(name),
          .kind = Kind::kAnything,
          .fallback = "none",
          .example = std::move(example),
          .help = std::move(help),
          .object = object};
}

Setting Texts(std::string name, std::string example, std::string help) {
  Setting setting = Any(std::move(name), std::move(example), std::move(help));
  setting.kind = Kind::kTexts;
  return setting;
}

// An algorithm. Parameters that are in `acting` act and are checked like those; of all others,
// which do not, only the names are checked.
SettingTable Algorithm(const std::string& name, const Words& parameters,
                       const SettingTable& acting = {}) {
  // The title is what an algorithm is found by.
  SettingTable table{name, {{.name = "name", .kind = Kind::kText}}};
  for (const std::string& parameter : parameters) {
    const Setting* known = acting.Find(parameter);
    table.settings.push_back(
        known != nullptr ? *known : Setting{.name = parameter, .kind = Kind::kAnything});
  }
  return table;
}

const std::vector<SettingTable>& Algorithms() {
  static const Words finetuning = {
      "num_iterations",   "learning_rate",  "batch_size",    "num_batches",  "data_size",
      "fixed_seed",       "early_stop",     "output_index",  "lr_adjust",    "target_op_type",
      "selective_update", "update_bias",    "output_qdq",    "drop_ratio",   "mem_opt_level",
      "cache_dir",        "log_period",     "optim_device",  "infer_device", "select_max_mem_layer",
      "num_workers",      "pin_memory",     "use_gds",       "reg_param",    "beta_range",
      "warm_start",       "ref_model_path", "dynamic_batch", "parallel",     "reconstruction"};
  static const std::vector<SettingTable> tables = {
      Algorithm("cle",
                {"cle_balance_method", "cle_steps", "cle_weight_threshold", "cle_scale_append_bias",
                 "cle_scale_use_threshold", "cle_total_layer_diff_threshold"}),
      Algorithm("bias_correction", {}),
      Algorithm("smooth_quant", {"alpha"}),
      Algorithm("gptq", {"bits", "block_size", "group_size", "perc_damp", "act_order",
                         "per_channel", "mse", "weight_symmetric"}),
      Algorithm("adaround", finetuning, FinetuneTable()),
      Algorithm("adaquant", finetuning, FinetuneTable()),
      Algorithm("quarot", {"r_matrix_dim", "use_random_had", "r_config_path"}),
      Algorithm("auto_mixprecision", {"data_size",
                                      "target_op_type",
                                      "target_quant_type",
                                      "act_target_quant_type",
                                      "weight_target_quant_type",
                                      "bias_target_quant_type",
                                      "dual_quant_nodes",
                                      "output_index",
                                      "l2_target",
                                      "top1_acc_target",
                                      "evaluate_function",
                                      "num_target",
                                      "target_tensors",
                                      "target_indices",
                                      "exclude_indices",
                                      "no_input_qdq_shared",
                                      "auto_mix_use_fast_ft",
                                      "target_layer_config",
                                      "subgraph_json",
                                      "include_layers",
                                      "exclude_layers",
                                      "metric_output_index",
                                      "metric_default",
                                      "metric_threshold",
                                      "metric_optimize_object",
                                      "sensitivity_cache_file",
                                      "worker_num",
                                      "shared_param_mode"}),
  };
  return tables;
}

}  // namespace

const SettingTable& QuarkLayerTable() {
  static const SettingTable table{
      "a Quark layer",
      {Tensor("input_tensors", "required at global_config", "what nodes read and compute"),
       Tensor("activation", "none", "older name of input_tensors"),
       Tensor("weight", "required at global_config", "weights of nodes"),
       Tensor("bias", "by Int32Bias, Int16Bias", "of an entry: biases; no effect at global_config"),
       Tensor("output_tensors", "none",
              "of an entry: what nodes compute; no effect at global_config")}};
  return table;
}

const SettingTable& QuarkEntryTable() {
  static const SettingTable table{
      "an entry of specific_layer_config",
      {Texts("target_node_names", "[^/neck/.*]", "names, or ^ and a regular expression"),
       {.name = "layer_config",
        .kind = Kind::kObject,
        .fallback = "required",
        .example = "{input_tensors: {spec: Int16Spec}}",
        .help = "of each tensor only data_type and symmetric count",
        .object = &QuarkLayerTable()}}};
  return table;
}

const SettingTable& QuarkExcludeTable() {
  static const SettingTable table{
      "exclude",
      {Texts("node_names", "[/head/Gemm]", "names, or ^ and a regular expression"),
       Any("subgraphs", "[[[/a/Conv], [/b/Concat]]]", "pairs of first and last nodes")}};
  return table;
}

const SettingTable* FindQuarkAlgorithm(std::string_view name) {
  for (const SettingTable& table : Algorithms()) {
    if (table.title == name) return &table;
  }
  return nullptr;
}

std::vector<std::string> QuarkAlgorithms() {
  std::vector<std::string> names;
  for (const SettingTable& table : Algorithms()) names.push_back(table.title);
  return names;
}

namespace {

std::vector<Setting> TopLevel() {
  std::vector<Setting> settings = {
      {.name = "global_config",
       .kind = Kind::kObject,
       .fallback = "required",
       .example = "{input_tensors: {spec: Int8Spec}, weight: {spec: Int8Spec}}",
       .help = "types, scales and methods of the whole model",
       .object = &QuarkLayerTable(),
       .required = true},
      Any("specific_layer_config", "[[{weight: {...}}, [/fc/Gemm]]]",
          "pairs of a layer and names, or maps: an entry of specific_layer_config",
          &QuarkEntryTable()),
      Any("layer_type_config", "[[null, [Softmax]]]",
          "pairs of a layer and op types; a null layer keeps them in float"),
      Any("exclude", "[/fc/Gemm, ^/aux/.*, [[/a/Conv], [/b/Concat]]]",
          "nodes that stay float: names, ^ and a regular expression, pairs of first and last "
          "nodes; or a map: exclude",
          &QuarkExcludeTable()),
      Any("algo_config", "[{name: cle}]", "algorithms that change weights and biases"),
      {.name = "use_dynamic_quant",
       .kind = Kind::kBool,
       .fallback = "false",
       .example = "false",
       .help = "ranges at run time: scheme dynamic"},
      {.name = "use_external_data_format",
       .kind = Kind::kBool,
       .fallback = "false",
       .example = "false",
       .help = "weights in a file of their own: --external-data"},
      {.name = "extra_options",
       .kind = Kind::kObject,
       .fallback = "none",
       .example = "{CalibDataSize: 64}",
       .help = "everything else",
       .object = &QuarkOptionTable()},
      {.name = "target_device",
       .kind = Kind::kWord,
       .fallback = "DPU with EnableNPUCnn, else CPU",
       .example = "CPU",
       .help = "ours: whose operator rules hold",
       .words = AllWords<TargetDevice>()},
      {.name = "quant_mode",
       .kind = Kind::kWord,
       .fallback = "static",
       .example = "dynamic",
       .help = "of a pass of Olive: scheme",
       .words = {"static", "dynamic"}},
      {.name = "quant_format",
       .kind = Kind::kText,
       .fallback = "QDQ",
       .example = "QDQ",
       .help = "of a pass of Olive: QDQ is written, whatever it says"},
      Any("data_config", "calibration", "of a pass of Olive, no effect"),
      {.name = "type",
       .kind = Kind::kWord,
       .fallback = "QuarkQuantization",
       .example = "QuarkQuantization",
       .help = "of a pass of Olive",
       .words = {"QuarkQuantization"}}};
  for (const std::string_view key : kQuarkKeysOfVitis) settings.push_back(*VitisTable().Find(key));
  return settings;
}

}  // namespace

const SettingTable& QuarkTable() {
  static const SettingTable table{"the Quark language", TopLevel()};
  return table;
}

}  // namespace qconvert
