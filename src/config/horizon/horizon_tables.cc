// The keys of the Horizon YAML, J6 and J5 together.
#include <utility>
#include <vector>

#include "horizon/horizon.h"
#include "qconvert/base/metric.h"
#include "read_transforms.h"
#include "words.h"

namespace qconvert {
namespace {

using Kind = Setting::Kind;

// No model has more nodes (ir/graph_validator.h).
constexpr double kMaxLayers = 1e6;

Setting Text(std::string name, std::string fallback, std::string example, std::string help) {
  return {.name = std::move(name),
          .kind = Kind::kText,
          .fallback = std::move(fallback),
          .example = std::move(example),
          .help = std::move(help)};
}

Setting Flag(std::string name, std::string fallback, std::string help) {
  return {.name = std::move(name),
          .kind = Kind::kBool,
          .fallback = std::move(fallback),
          .example = "true",
          .help = std::move(help)};
}

// Matters to the vendor's compiler alone.
// Types and words are checked all the same: a typing error is told here, not by the compiler later.
Setting Compiler(Setting setting) {
  setting.compiler_only = true;
  setting.help = "the vendor's compiler: accepted, no effect";
  return setting;
}

Setting Anything(std::string name, std::string fallback, std::string example, std::string help) {
  return {.name = std::move(name),
          .kind = Kind::kAnything,
          .fallback = std::move(fallback),
          .example = std::move(example),
          .help = std::move(help)};
}

Setting Whole(std::string name, std::string fallback, std::string example, std::string help,
              double min, double max) {
  return {.name = std::move(name),
          .kind = Kind::kInteger,
          .fallback = std::move(fallback),
          .example = std::move(example),
          .help = std::move(help),
          .min = min,
          .max = max};
}

Setting Word(std::string name, std::string fallback, std::string help,
             std::vector<std::string> words) {
  Setting setting{.name = std::move(name),
                  .kind = Kind::kWord,
                  .fallback = std::move(fallback),
                  .help = std::move(help),
                  .words = std::move(words)};
  setting.example = setting.words.front();
  return setting;
}

Setting Section(std::string name, std::string help, const SettingTable& table) {
  return {.name = std::move(name),
          .kind = Kind::kObject,
          .fallback = "defaults",
          .example = "",
          .help = std::move(help),
          .object = &table};
}

const SettingTable& ModelKeys() {
  static const SettingTable table{
      "model_parameters",
      {Text("onnx_model", "required", "net.onnx",
            "the float model, relative to the file; MODEL on the command line wins"),
       Text("caffe_model", "none", "", "Caffe models are not read: an error"),
       Text("prototxt", "none", "", "Caffe models are not read: an error"),
       Word("march", "required", "the generation, and with it the calibration domain",
            {"nash-e", "nash-m", "nash-b-lite", "nash-b", "nash-b-plus", "nash-h", "nash-p",
             "nash-starry-p", "bernoulli2", "bayes", "bayes-e"}),
       Text("working_dir", "./model_output", "out", "folder of the output, made when absent"),
       Text("output_model_file_prefix", "model", "net",
            "the output is <working_dir>/<prefix>_quantized_model.onnx"),
       Text("output_nodes", "the model's outputs", "Conv_7;Conv_9",
            "nodes whose outputs become the outputs"),
       Text("remove_node_type", "none", "Quantize;Dequantize",
            "types of nodes removed at the borders"),
       Text("remove_node_name", "none", "out_Dequantize_0",
            "names of nodes removed at the borders"),
       Text("keep_node_name", "none", "out_Dequantize_1",
            "ours: names of nodes that stay whatever the two above say"),
       Anything("node_info", "none", "Conv_0:int16",
                "precision and place of single nodes: NAME:TYPE;..., or a map"),
       Anything("set_node_data_type", "none", "Conv_0:int16", "older form of node_info"),
       Flag("layer_out_dump", "false", "every layer becomes an output"),
       Word("debug_mode", "none", "writes the calibration data as the model gets it",
            {"dump_calibration_data"}),
       Word("log_level", "info", "what is told on stderr (J5); -v and -q win",
            {"debug", "info", "warn", "error"}),
       Compiler(Flag("enable_vpu", "true", "")), Compiler(Flag("enable_spu", "true", ""))}};
  return table;
}

const SettingTable& InputKeys() {
  static const SettingTable table{
      "input_parameters",
      {Text("input_name", "from the model", "image;lidar",
            "inputs, in the order of all other keys; required with several"),
       Text("input_type_rt", "required", "nv12;featuremap", "what the deployed model is fed"),
       Text("input_type_train", "required", "rgb;featuremap", "what the float model takes"),
       Text("input_layout_train", "none", "NCHW", "layout of the float model's input, for images"),
       Text("input_layout_rt", "derived", "NHWC",
            "layout that the deployed model takes (J5), not of nv12"),
       Text("input_space_and_range", "regular", "bt601_video",
            "YUV of 0..255, or of 16..235 (nv12 only)"),
       Text("input_shape", "from the model", "1x3x224x224", "shape, required for free dimensions"),
       Whole("input_batch", "1", "4", "batch of the deployed model", 1, 4096),
       Flag("separate_batch", "false", "one input per sample of the batch"),
       Text("separate_name", "none", "image", "the same for these inputs alone"),
       Text("norm_type", "derived", "data_mean_and_scale", "which of mean and scale apply (J5)"),
       Text("mean_value", "none", "123.675 116.28 103.53;None",
            "subtracted, per channel or one for all, in units of 0..255"),
       Text("scale_value", "none", "0.0171", "multiplied, after the mean"),
       Text("std_value", "none", "58.395 57.12 57.375", "divided by; excludes scale_value"),
       Flag("fold_normalization", "false",
            "ours: mean and scale go into the weights of the first convolution, exactly or not at "
            "all"),
       Text("resizer_interp_mode", "bilinear", "nearest",
            "ours: with input_source resizer, bilinear or nearest"),
       Text("resizer_pad_mode", "constant", "border",
            "ours: with input_source resizer, what is around the picture: constant or border, its "
            "nearest pixel"),
       Text(
           "resizer_pad_value", "0 -128", "127 128",
           "ours: bytes of Y and of U and V for constant; a negative one is signed: -128 is 128")}};
  return table;
}

const SettingTable& CalibrationKeysOfHorizon() {
  static const SettingTable table{
      "calibration_parameters",
      {Text("cal_data_dir", "none: skip", "cal/image;cal/lidar",
            "folders of samples, one per input, relative to the file; --calib wins"),
       Text("cal_data_type", "by the folder's name", "float32", "type of raw files (J5)"),
       Flag("preprocess_on", "false", "the samples are pictures (J5): other files are an error"),
       TransformsSetting(),
       Word("calibration_type", "default",
            "max: maxmin, or percentile with max_percentile; kl: entropy; default, mix: auto; "
            "skip: random data; load: the scales that the model has",
            {"max", "kl", "default", "mix", "load", "skip"}),
       {.name = "max_percentile",
        .kind = Kind::kNumber,
        .fallback = "1.0",
        .example = "0.99995",
        .help = "with max: the threshold is this quantile of the absolute values",
        .min = 0.5,
        .max = 1},
       Flag("per_channel", "false",
            "evens channels of activations out in the weights: equalization"),
       Text("run_on_cpu", "none", "Softmax_1;Resize_2", "nodes that stay float"),
       Text("run_on_bpu", "none", "Add_3", "nodes that must be quantized"),
       Text("optimization", "none", "set_model_output_int8",
            "settings by op type and model-wide switches, comma-separated"),
       Word("scheme", "static", "ours: what is quantized, see plan.md; also --scheme",
            AllWords<Scheme>()),
       Word("objective", "balanced", "ours: what scheme auto prefers; also --objective",
            AllWords<Objective>()),
       Word("processor", "any",
            "ours: the processor that kernels are chosen for; any: none loses; also --processor",
            AllWords<Processor>()),
       Word("effort", "normal",
            "ours: what is tried to lower the error; high learns weights too; also --effort",
            AllWords<Effort>()),
       {.name = "quant_config",
        .kind = Kind::kObjectOrFile,
        .fallback = "none",
        .example = "{node_config: {Conv_3: {qtype: int16}}}",
        .help = "settings per model, op type, subgraph and node: a map, or a JSON file",
        .object = &HorizonQuantTable()}}};
  return table;
}

const SettingTable& CompilerKeys() {
  static const SettingTable table{
      "compiler_parameters",
      {Compiler(Word("compile_mode", "latency", "", {"latency", "bandwidth", "balance"})),
       Compiler(Whole("balance_factor", "0", "50", "", 0, 100)),
       Compiler(Word("optimize_level", "O2", "", {"O0", "O1", "O2", "O3"})),
       Compiler(Whole("core_num", "1", "1", "", 1, 4)),
       Compiler(Whole("max_time_per_fc", "0", "1000", "", 0, 10'000'000)),
       Whole("jobs", "one per processor", "4", "worker threads", 1, 1024),
       Compiler({.name = "advice", .kind = Kind::kNumber, .fallback = "0", .example = "0.5"}),
       Flag("debug", "true", "whether the page of --report shows nodes, values and weights"),
       Anything("input_source", "pyramid for nv12 and gray, else ddr", "{image: pyramid}",
                "where the deployed input comes from: pyramid, ddr, resizer"),
       Compiler(Word("cache_mode", "disable", "", {"enable", "force_overwrite", "disable"})),
       Compiler(Text("cache_path", "none", "cache", "")),
       Compiler(Whole("max_l2m_size", "0", "1048576", "", 0, 25'165'824)),
       Compiler(Anything("ability_entry", "none", "", "")),
       Compiler(Anything("extra_params", "none", "", "")),
       Compiler(Flag("hbdk3_compatible_mode", "false", ""))}};
  return table;
}

const SettingTable& CustomOpKeys() {
  static const SettingTable table{"custom_op",
                                  {Compiler(Word("custom_op_method", "none", "", {"register"})),
                                   Compiler(Text("op_register_files", "none", "ops.py", "")),
                                   Compiler(Text("custom_op_dir", "none", "ops", ""))}};
  return table;
}

const SettingTable& BiasCorrectionKeys() {
  static const SettingTable table{
      "bias_correction",
      {Whole("num_sample", "1", "8", "samples it looks at", 1, kMaxLayers),
       Word("metric", "cosine-similarity",
            "no effect, biases are corrected by the mean error of their channels",
            SearchMetrics())}};
  return table;
}

const SettingTable& WeightKeys() {
  static const SettingTable table{
      "weight",
      {Section("bias_correction", "corrects biases by the expected error", BiasCorrectionKeys())}};
  return table;
}

}  // namespace

const SettingTable& HorizonSearchKeys() {
  static const SettingTable table{
      "a search",
      {Word("metric", "cosine-similarity", "what candidates are compared by", SearchMetrics()),
       {.name = "similarity",
        .kind = Kind::kNumber,
        .fallback = "0.995",
        .example = "0.99",
        .help = "of layerwise_search without topk: nodes get qtype until the model is as near; of "
                "modelwise_search: of candidates with a scale per channel, which there are none of",
        .min = 0,
        .max = 1},
       Whole("topk", "none", "10", "how many nodes get qtype, the ones that lose most", 1,
             kMaxLayers),
       Word("qtype", "int16", "what they get; with topk or qtype a layerwise_search is for nodes",
            QuantTypes()),
       Anything("layer", "none", "", "nested form of layerwise_search")}};
  return table;
}

namespace {

const SettingTable& ModelConfigKeys() {
  static const SettingTable table{
      "model_config",
      {Word("all_node_type", "int8", "type of every node", QuantTypes()),
       Word("model_output_type", "none", "type of the outputs", QuantTypes()),
       Section("activation", "how ranges of activations are chosen", HorizonActivationKeys()),
       Section("weight", "how weights are quantized", WeightKeys()),
       Section("modelwise_search", "one setting for the whole model", HorizonSearchKeys()),
       Section("layerwise_search", "settings per node", HorizonSearchKeys()),
       Section("search", "newer form of both", HorizonSearchKeys()),
       Anything("default", "none", "{activation: {...}}", "older place of activation")}};
  return table;
}

const SettingTable& NodeConfigKeys() {
  static const SettingTable table{
      "a node's settings",
      {Anything("qtype", "int8", "int16", "type, or a map from input0, input1, ... to types"),
       Anything("ON", "none", "int16", "older form of qtype"),
       Anything("input0", "none", "int16", "type of the first input, as in a map at qtype"),
       Anything("input1", "none", "int16", "of the second, the weights where a node has some"),
       Section("activation", "how ranges of activations are chosen", HorizonActivationKeys()),
       Section("weight", "how weights are quantized", WeightKeys()),
       {.name = "inputs",
        .kind = Kind::kTexts,
        .fallback = "none",
        .example = "[Conv_1]",
        .help = "of a subgraph: its first nodes"},
       {.name = "outputs",
        .kind = Kind::kTexts,
        .fallback = "none",
        .example = "[Conv_9]",
        .help = "of a subgraph: its last nodes"}}};
  return table;
}

Setting Named(std::string name, std::string help) {
  return {.name = std::move(name),
          .kind = Kind::kNamed,
          .fallback = "none",
          .example = "{Conv_3: {qtype: int16}}",
          .help = std::move(help),
          .object = &NodeConfigKeys()};
}

}  // namespace

const std::vector<std::string>& QuantTypes() {
  static const std::vector<std::string> types = {
      "int8",   "int16", "float16", "float32", "int4",       "mxint16",  "mxint8",
      "mxint4", "mxfp8", "mxfp4",   "nvfp4",   "dual-int16", "int16-ec", "int32"};
  return types;
}

const std::vector<std::string>& SearchMetrics() {
  static const std::vector<std::string> metrics = [] {
    std::vector<std::string> names = MetricNames();
    std::erase(names, MetricName(Metric::kTop1));  // not in Horizon's language
    return names;
  }();
  return metrics;
}

const SettingTable& HorizonActivationKeys() {
  static const SettingTable table{
      "activation",
      {Anything("calibration_type", "default", "max", "max, kl or load; a list is a search"),
       Anything("max_percentile", "1.0", "0.99995", "with max, 0.5 to 1; a list is a search"),
       Anything("num_bin", "1024", "1024", "at least 129; kl is searched on bins of its own"),
       Anything("max_num_bin", "16384", "16384", "at least 258; kl is searched on bins of its own"),
       Anything("per_channel", "false", "true", "evens channels out in the weights: equalization"),
       Anything("asymmetric", "false", "true", "zero point other than 0; a list is a search")}};
  return table;
}

const SettingTable& HorizonQuantTable() {
  static const SettingTable table{
      "quant_config",
      {Section("model_config", "the whole model", ModelConfigKeys()),
       Named("op_config", "nodes of an op type; wins over model_config"),
       Named("subgraph_config", "nodes between inputs and outputs; wins over op_config"),
       Named("node_config", "single nodes; wins over all"),
       Section("activation", "older place of model_config.activation", HorizonActivationKeys()),
       Section("weight", "older place of model_config.weight", WeightKeys()),
       Section("search", "older place of model_config.search", HorizonSearchKeys())}};
  return table;
}

const SettingTable& HorizonTable() {
  static const SettingTable table{
      "the Horizon language",
      {Section("model_parameters", "the model and where results go", ModelKeys()),
       Section("input_parameters", "how the model is fed", InputKeys()),
       Section("calibration_parameters", "samples and how ranges are chosen",
               CalibrationKeysOfHorizon()),
       Section("compiler_parameters", "mostly the vendor's compiler", CompilerKeys()),
       Section("custom_op", "operators written in Python", CustomOpKeys())}};
  return table;
}

}  // namespace qconvert
