#include "vitis/vitis_tables.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "qconvert/base/newest_opset.h"
#include "qconvert/config/dpu_form_names.h"
#include "read_transforms.h"
#include "text/parse_config.h"
#include "vitis/finetune.h"
#include "words.h"

namespace qconvert {
namespace {

using Kind = Setting::Kind;

constexpr double kMaxBits = 32;
constexpr double kMaxBlock = 65536;
constexpr double kMaxCount = 1e9;
constexpr double kMaxWorkers = 1024;

std::vector<Setting> Parameters() {
  return {
      {.name = "datatype",
       .kind = Kind::kWord,
       .fallback = "int",
       .example = "float32",
       .help = "int: integer codes; others: the tensor keeps that floating-point type",
       .words = AllWords<Datatype>()},
      {.name = "bit_width",
       .kind = Kind::kInteger,
       .fallback = "8",
       .example = "16",
       .help = "bits of a code; the tensor is stored in the next wider integer type",
       .min = 1,
       .max = kMaxBits},
      {.name = "method",
       .kind = Kind::kWord,
       .fallback = "diffs",
       .example = "percentile",
       .help = "how the range, and so the scale, comes from calibration",
       .words = AllWords<CalibrationMethod>()},
      {.name = "percentage",
       .kind = Kind::kNumber,
       .fallback = "99.99",
       .example = "99.999",
       .help = "with percentile: share of values inside the range, two-sided when asymmetric",
       .min = 0,
       .max = 100,
       .above_min = true},
      {.name = "round_mode",
       .kind = Kind::kWord,
       .fallback = "std_round (activation: half_up)",
       .example = "half_even",
       .help = "where halves go; QuantizeLinear itself rounds half_even",
       .words = AllWords<RoundMode>()},
      {.name = "symmetry",
       .kind = Kind::kBool,
       .fallback = "true",
       .example = "false",
       .help = "the zero point is 0; without it the grid is unsigned"},
      {.name = "per_channel",
       .kind = Kind::kBool,
       .fallback = "false",
       .example = "true",
       .help = "weights: one scale per output channel"},
      {.name = "block_size",
       .kind = Kind::kInteger,
       .fallback = "0",
       .example = "32",
       .help = "ours: weights of MatMul and Gemm: one scale per so many inner elements of a "
               "channel, a power of two from 16; the product computes in float; 0: no blocks",
       .min = 0,
       .max = kMaxBlock},
      {.name = "signed",
       .kind = Kind::kBool,
       .fallback = "true",
       .example = "true",
       .help = "with symmetry: int8 instead of uint8"},
      {.name = "narrow_range",
       .kind = Kind::kBool,
       .fallback = "false",
       .example = "true",
       .help = "symmetric signed grids leave out the lowest code, -127 instead of -128"},
      {.name = "scale_type",
       .kind = Kind::kWord,
       .fallback = "poweroftwo",
       .example = "float",
       .help = "any scale, or powers of two only",
       .words = AllWords<ScaleType>()},
      {.name = "calib_statistic_method",
       .kind = Kind::kWord,
       .fallback = "modal",
       .example = "all",
       .help = "input, activation: how the scales of batches become one; all (ours): one statistic "
               "over all samples",
       .words = AllWords<BatchStatistic>()},
      {.name = "moving_rate",
       .kind = Kind::kNumber,
       .fallback = "0.9",
       .example = "0.99",
       .help = "with moving_average_abs_max: weight of what was seen before",
       .min = 0,
       .max = 1,
       .above_min = true},
      {.name = "window_size",
       .kind = Kind::kInteger,
       .fallback = "10000",
       .example = "500",
       .help = "with range_abs_max: how many of the last samples count",
       .min = 1,
       .max = kMaxCount},
  };
}

Setting Switch(std::string name, std::string fallback, std::string help) {
  return {.name = std::move(name),
          .kind = Kind::kBool,
          .fallback = std::move(fallback),
          .example = "false",
          .help = std::move(help)};
}

// A Correction.
Setting AutoSwitch(std::string name, std::string fallback, std::string example, std::string help) {
  Setting setting = Switch(std::move(name), std::move(fallback), std::move(help));
  setting.example = std::move(example);
  setting.words = {"auto"};
  return setting;
}

Setting Word(std::string name, std::string fallback, std::string example, std::string help,
             std::vector<std::string> words) {
  return {.name = std::move(name),
          .kind = Kind::kWord,
          .fallback = std::move(fallback),
          .example = std::move(example),
          .help = std::move(help),
          .words = std::move(words)};
}

std::vector<Setting> TopLevel() {
  std::vector<Setting> settings = {
      {.name = "target_device",
       .kind = Kind::kWord,
       .fallback = "required",
       .example = "CPU",
       .help = "whose operator rules hold",
       .words = AllWords<TargetDevice>(),
       .required = true},
      Word("scheme", "static", "auto", "ours: what is quantized, see plan.md; also --scheme",
           AllWords<Scheme>()),
      Word("objective", "balanced", "size", "ours: what scheme auto prefers; also --objective",
           AllWords<Objective>()),
      Word("processor", "any", "vnni",
           "ours: the processor that kernels are chosen for; any: none loses; also --processor",
           AllWords<Processor>()),
      Switch("extensions", "false",
             "ours: allows what works here and the vendor's tool refuses, see below"),
      Word("compat", "none", "vitis",
           "ours: whose numbers calibration gives; vitis: the vendor's own searches, coarser "
           "than ours",
           AllWords<Compat>()),
      {.name = "quantizable_data_type",
       .kind = Kind::kWords,
       .fallback = "all four",
       .example = "[weights, bias]",
       .help = "tensor types that are quantized; the others stay float",
       .words = AllWords<TensorType>()},
      {.name = "overall_quantize_config",
       .kind = Kind::kObject,
       .fallback = "none",
       .example = "{method: maxmin}",
       .help = "parameters of all four tensor types",
       .object = &ParameterTable()},
      {.name = "tensor_quantize_config",
       .kind = Kind::kObject,
       .fallback = "none",
       .example = "{weights: {per_channel: true}}",
       .help = "parameters per tensor type, on top of the overall ones",
       .object = &TensorTable()},
      {.name = "layer_quantize_config",
       .kind = Kind::kObjects,
       .fallback = "none",
       .example = "[{layer_name: /head/*, overall_quantize_config: {datatype: float32}}]",
       .help = "parameters of some nodes, by name or op type",
       .object = &LayerTable()},
      {.name = "value_quantize_config",
       .kind = Kind::kObjects,
       .fallback = "none",
       .example = "[{value: /conv1/Conv_output_0, bit_width: 16}]",
       .help = "ours: parameters of single values, whichever node writes them, and ranges in place "
               "of calibrated ones",
       .object = &ValueTable()},
      Switch("convert_relu6_to_relu", "false", "Clip(0, 6) becomes Relu"),
      Switch("convert_silu_to_hswish", "false", "x * Sigmoid(x) becomes HardSwish"),
      {.name = "dpu_forms",
       .kind = Kind::kWords,
       .fallback = "none",
       .example = "[leaky_relu, average_pool]",
       .help = "ours: operators that are computed as a DPU does, slopes, sixths and averages as "
               "integers and shifts have them",
       .words = AllDpuForms()},
      AutoSwitch(
          "include_cle", "auto", "true",
          "cross-layer equalization before calibration, in scheme static of what matrix products "
          "read too; auto: where outputs come nearer by it; tried where weights have one scale per "
          "tensor, outputs fail, or less than 30 dB are left (not in scheme auto); where nothing "
          "is "
          "compared, done to weights with one scale per tensor"),
      Switch("equalize_clips", "false",
             "ours: equalization goes through Clip(0, b) too: a Relu and a float Min with bounds "
             "per channel; false: where include_cle is auto and the outputs gain a decibel for "
             "every 2 % of the time"),
      AutoSwitch("absorb_biases", "false", "auto",
                 "ours: what channels in front of a Relu never go below in calibration goes into "
                 "the biases behind it; auto: where less than 30 dB are left and that is measured "
                 "to help"),
      AutoSwitch("include_bias_corr", "auto", "auto",
                 "biases make up for the mean error of their node; auto: where that is measured to "
                 "help"),
      AutoSwitch("second_order_rounding", "false", "auto",
                 "weights are rounded by what their node reads, not each to the nearest; auto: "
                 "where that is measured to help"),
      AutoSwitch("learned_clipping", "false", "true",
                 "ours: ranges of values are learned from what the nodes with weights that read "
                 "them write, as PACT does, then in blocks; auto: by these nodes alone, where that "
                 "is measured to help"),
      Switch("include_fast_ft", "false",
             "weights and biases are learned from samples without labels, layer by layer or in "
             "blocks"),
      {.name = "fast_finetune",
       .kind = Kind::kObject,
       .fallback = "none",
       .example = "{algorithm: adaround}",
       .help = "how; only with include_fast_ft",
       .object = &FinetuneTable()},
      Word("effort", "normal", "high",
           "ours: what is tried where include_bias_corr and second_order_rounding are auto; high "
           "learns weights too; also --effort",
           AllWords<Effort>()),
      Switch("keep_first_last_layer_accuracy", "false",
             "the first and the last nodes with weights stay float"),
      Switch("keep_add_layer_accuracy", "false", "Add of two computed values stays float"),
      Word("float_type", "float32", "float16",
           "ours, of a GPU: what stays float; float16: all but Conv, Gemm, MatMul and Add",
           {"float32", "float16"}),
      {.name = "onnx_opset_version",
       .kind = Kind::kInteger,
       .fallback = "-1",
       .example = "17",
       .help = "opset of the exported file, 13 or newer; -1: the model's, 13 at least",
       .min = -1,
       .max = kNewestOpset},
      Switch("change_concat_input_fix", "false", "inputs of a Concat take its output's scale"),
      Switch("exact_rounding", "false",
             "ours: values round as round_mode says, by standard operators in front of their "
             "QuantizeLinear; slow on the CPU"),
      Switch("matmul_nbits", "false",
             "ours: CPU: weights in blocks stay packed in memory, the engine computes them as "
             "MatMulNBits; opset 21"),
      Switch("change_pool_input_fix", "false", "the input of a pooling takes its output's scale"),
      {.name = "calibration",
       .kind = Kind::kObject,
       .fallback = "none",
       .example = "{data: samples, max_samples: 100}",
       .help = "ours: where samples are and how they are read",
       .object = &CalibrationKeys()},
  };
  for (Setting& flat : Parameters()) {
    flat.help = "flat form: as in overall_quantize_config";
    flat.listed = false;  // said in words
    settings.push_back(std::move(flat));
  }
  return settings;
}

}  // namespace

const SettingTable& ParameterTable() {
  static const SettingTable table{"a parameter object", Parameters()};
  return table;
}

const SettingTable& TensorTable() {
  static const SettingTable table = [] {
    SettingTable out{"tensor_quantize_config", {}};
    for (const std::string& type : AllWords<TensorType>()) {
      out.settings.push_back({.name = type,
                              .kind = Kind::kObject,
                              .fallback = "none",
                              .example = "{method: maxmin}",
                              .help = fmt::format("parameters of {}", type),
                              .object = &ParameterTable()});
    }
    return out;
  }();
  return table;
}

const SettingTable& CalibrationKeys() {
  static const SettingTable table{
      "calibration",
      {{.name = "data",
        .kind = Kind::kAnything,
        .fallback = "none",
        .example = "samples",
        .help = "folder of samples, or a map from inputs to folders; relative to the file; --calib "
                "wins"},
       {.name = "format",
        .kind = Kind::kWord,
        .fallback = "auto",
        .example = "npy",
        .help = "files of another kind are an error",
        .words = {"auto", "npy", "bin", "picture"}},
       {.name = "batch_size",
        .kind = Kind::kInteger,
        .fallback = "1",
        .example = "8",
        .help = "samples per batch, for calib_statistic_method",
        .min = 1,
        .max = kMaxCount},
       {.name = "max_samples",
        .kind = Kind::kInteger,
        .fallback = "all",
        .example = "100",
        .help = "uses at most so many samples, spread evenly; --max-samples wins",
        .min = 1,
        .max = kMaxCount},
       Switch("stacked", "false",
              "axis 0 of files stacks samples; else a file is one sample where the model's axis 0 "
              "is free"),
       {.name = "workers",
        .kind = Kind::kInteger,
        .fallback = "one per processor",
        .example = "4",
        .help = "samples run at the same time; --workers wins",
        .min = 1,
        .max = kMaxWorkers},
       {.name = "memory_limit",
        .kind = Kind::kInteger,
        .fallback = "none",
        .example = "2000000000",
        .help = "resident bytes that a run may take",
        .min = 1},
       TransformsSetting()}};
  return table;
}

const SettingTable& VitisTable() {
  static const SettingTable table{"the Vitis language", TopLevel()};
  return table;
}

ConfigNode VitisDefaults(TensorType type) {
  const bool has_statistic = type == TensorType::kInput || type == TensorType::kActivation;
  const bool half_up = type == TensorType::kActivation;
  return DefaultValue(fmt::format(
      "{{datatype: int, bit_width: 8, method: diffs, percentage: 99.99, round_mode: {}, symmetry: "
      "true, per_channel: false, signed: true, narrow_range: false, scale_type: "
      "poweroftwo{}, moving_rate: 0.9, window_size: 10000}}",
      half_up ? "half_up" : "std_round", has_statistic ? ", calib_statistic_method: modal" : ""));
}

}  // namespace qconvert
