// The keys of paddleslim.QAT, of quant_aware and of quant_post_static.
#include <string>
#include <utility>
#include <vector>

#include "paddle/paddle.h"

namespace qconvert {
namespace {

using Kind = Setting::Kind;

constexpr double kMaxPaddleBits = 16;
constexpr double kMaxWindow = 1e9;
constexpr double kMaxBatch = 1e6;

// Where Paddle's program lies, how it is written and trained.
constexpr const char* kIdle[] = {"for_tensorrt",   "onnx_format",         "optimize_model",
                                 "model_dir",      "model_filename",      "params_filename",
                                 "save_model_dir", "quantize_model_path", "model_path",
                                 "executor",       "print_model",         "fuse",
                                 "fuse_list",      "upsample_bins",       "learning_rate",
                                 "cache_dir",      "is_use_cache_file",   "scale_trainable",
                                 "analysis",       "weight_bits_list",    "cpu_optimize",
                                 "deploy_backend", "batch_generator",     "data_loader",
                                 "scope"};
// See NormalizePaddle; here so that a file with one of them is known as Paddle's.
constexpr const char* kSections[] = {"QAT",
                                     "PTQ",
                                     "Slim",
                                     "Quantization",
                                     "QuantAware",
                                     "QuantPost",
                                     "quant_config",
                                     "quantize_op_types",
                                     "quantizable_op_type",
                                     "quant_batch_num"};

Setting Switch(std::string name, std::string help) {
  return {.name = std::move(name),
          .kind = Kind::kBool,
          .fallback = "false",
          .example = "true",
          .help = std::move(help)};
}

}  // namespace

const SettingTable& PaddleTable() {
  static const std::vector<std::string> activation_types = {
      "abs_max", "range_abs_max", "moving_average_abs_max", "lsq_act", "lsqplus_act"};
  static const std::vector<std::string> weight_types = {"abs_max",       "channel_wise_abs_max",
                                                        "range_abs_max", "moving_average_abs_max",
                                                        "lsq_weight",    "channel_wise_lsq_weight"};
  static const SettingTable table = [] {
    SettingTable out{
        "the Paddle language",
        {{.name = "weight_quantize_type",
          .kind = Kind::kWord,
          .fallback = "channel_wise_abs_max",
          .example = "abs_max",
          .help = "range of weights, per output channel or per tensor",
          .words = weight_types},
         {.name = "activation_quantize_type",
          .kind = Kind::kWord,
          .fallback = "moving_average_abs_max",
          .example = "abs_max",
          .help = "range of activations and inputs",
          .words = activation_types},
         {.name = "weight_bits",
          .kind = Kind::kInteger,
          .fallback = "8",
          .example = "8",
          .help = "bit_width of weights",
          .min = 1,
          .max = kMaxPaddleBits},
         {.name = "activation_bits",
          .kind = Kind::kInteger,
          .fallback = "8",
          .example = "16",
          .help = "bit_width of activations and inputs",
          .min = 1,
          .max = kMaxPaddleBits},
         {.name = "dtype",
          .kind = Kind::kWord,
          .fallback = "int8",
          .example = "int8",
          .help = "type of the codes",
          .words = {"int8"}},
         {.name = "window_size",
          .kind = Kind::kInteger,
          .fallback = "10000",
          .example = "500",
          .help = "of range_abs_max",
          .min = 1,
          .max = kMaxWindow},
         {.name = "moving_rate",
          .kind = Kind::kNumber,
          .fallback = "0.9",
          .example = "0.99",
          .help = "of moving_average_abs_max",
          .min = 0,
          .max = 1,
          .above_min = true},
         {.name = "quantizable_layer_type",
          .kind = Kind::kTexts,
          .fallback = "[Conv2D, Linear]",
          .example = "[Conv2D, Linear, Conv2DTranspose]",
          .help = "types of layers that are quantized; everything else stays float"},
         {.name = "not_quant_pattern",
          .kind = Kind::kTexts,
          .fallback = "none",
          .example = "[skip_quant]",
          .help =
              "nodes with one of these in their name stay float; ours: re: and an expression for "
              "the whole name"},
         {.name = "weight_preprocess_type",
          .kind = Kind::kWord,
          .fallback = "None",
          .example = "PACT",
          .help = "PACT: weights are clipped where that leaves the least error",
          .words = {"None", "PACT"}},
         {.name = "activation_preprocess_type",
          .kind = Kind::kWord,
          .fallback = "None",
          .example = "PACT",
          .help = "PACT: thresholds are learned from what the readers of a value write, then in "
                  "blocks",
          .words = {"None", "PACT"}},
         Switch("use_pact", "of automatic compression: activation_preprocess_type PACT"),
         {.name = "name",
          .kind = Kind::kWord,
          .fallback = "quant",
          .example = "pact",
          .help = "of PaddleClas: pact is activation_preprocess_type PACT",
          .words = {"pact", "quant"}},
         {.name = "activation_quantizer",
          .kind = Kind::kWord,
          .fallback = "none",
          .example = "HistQuantizer",
          .help = "of PaddleDetection's PTQ: algo by the name of its class",
          .words = PaddleQuantizers()},
         {.name = "weight_quantizer",
          .kind = Kind::kWord,
          .fallback = "none",
          .example = "PerChannelAbsmaxQuantizer",
          .help = "of PaddleDetection's PTQ: weight_quantize_type by the name of its class",
          .words = {"AbsmaxQuantizer", "PerChannelAbsmaxQuantizer"}},
         Switch("is_full_quantize", "layers of every type are quantized"),
         {.name = "algo",
          .kind = Kind::kWord,
          .fallback = "by activation_quantize_type",
          .example = "hist",
          .help = "of quant_post_static: method of activations",
          .words = {"KL", "hist", "mse", "emd", "avg", "abs_max", "min_max", "ptf"}},
         {.name = "hist_percent",
          .kind = Kind::kNumber,
          .fallback = "0.99999",
          .example = "0.999",
          .help = "of algo hist: share of values inside the range",
          .min = 0,
          .max = 1,
          .above_min = true},
         {.name = "round_type",
          .kind = Kind::kWord,
          .fallback = "round",
          .example = "adaround",
          .help = "of quant_post_static: adaround learns the roundings of weights",
          .words = {"round", "adaround"}},
         Switch("bias_correction", "of quant_post_static: include_bias_corr"),
         {.name = "batch_size",
          .kind = Kind::kInteger,
          .fallback = "1",
          .example = "32",
          .help = "of quant_post_static: samples are at most batch_size times batch_nums",
          .min = 1,
          .max = kMaxBatch},
         {.name = "batch_nums",
          .kind = Kind::kInteger,
          .fallback = "all",
          .example = "10",
          .help = "of quant_post_static, see batch_size",
          .min = 1,
          .max = kMaxBatch},
         {.name = "skip_tensor_list",
          .kind = Kind::kTexts,
          .fallback = "none",
          .example = "[conv1.w_0]",
          .help = "names of Paddle's program, no effect"}}};
    for (const char* key : kIdle)
      out.settings.push_back({.name = key,
                              .kind = Kind::kAnything,
                              .fallback = "none",
                              .help = "of Paddle's program, no effect",
                              .compiler_only = true});
    for (const char* key : kSections)
      out.settings.push_back({.name = key,
                              .kind = Kind::kAnything,
                              .fallback = "none",
                              .help = "settings of quantization in a larger file"});
    return out;
  }();
  return table;
}

}  // namespace qconvert
