#include "support/horizon_key_rows.h"

namespace qconvert {
namespace {

using E = KeyEffect;

const std::vector<HorizonKeyRow>& ModelRows() {
  static const std::vector<HorizonKeyRow> rows = {
      {"model.onnx_model", "other.onnx"},
      {"model.march", "nash-m", E::kSettings, "", {}, "J6"},
      {"model.march", "bayes-e", E::kSettings, "", {}, "J5"},
      {"model.march", "nash-q", E::kRefused, "march is 'nash-q', expected nash-e"},
      {"model.log_level", "warn", E::kSettings, "", {}, "J5"},
      {"model.log_level", "warn", E::kTold, "log_level is deprecated", {}, "J6"},
      {"model.layer_out_dump", "true"},
      {"model.working_dir", "elsewhere", E::kFiles},
      {"model.output_model_file_prefix", "net", E::kFiles},
      {"model.output_nodes", "Conv_0"},
      {"model.output_nodes", "Conv_9", E::kRefused, "Conv_9"},
      {"model.remove_node_type", "Dequantize"},
      {"model.remove_node_type",
       "Dequantize;Reshape",
       E::kModel,
       "",
       {{"model.remove_node_type", "Dequantize"}}},
      {"model.remove_node_type", "Conv", E::kRefused, "remove_node_type has 'Conv', expected"},
      {"model.remove_node_name", "scores_Dequantize_0"},
      {"model.keep_node_name",
       "scores_Dequantize_0",
       E::kModel,
       "",
       {{"model.remove_node_type", "Dequantize"}}},
      {"model.node_info", "Conv_0:int16"},
      {"model.node_info", "{Conv_1: {ON: CPU}}"},
      {"model.node_info", "{Conv_1: {InputType: int16}}"},
      {"model.node_info",
       "{Conv_1: {InputType: int8}}",
       E::kModel,
       "",
       {{"calibration.quant_config", "{node_config: {Conv_1: {qtype: int16}}}"}}},
      {"model.node_info", "{Conv_1: {OutputType: int16}}"},
      {"model.node_info", "Conv_0", E::kRefused, "node_info is 'Conv_0', expected NAME:int16"},
      {"model.set_node_data_type", "Conv_0:int16"},
      {"model.set_node_data_type", "Conv_0:int16", E::kTold, "use node_info", {}, "J6"},
      {"model.debug_mode", "dump_calibration_data", E::kFiles},
      {"model.caffe_model", "net.caffemodel", E::kRefused, "exclude each other"},
      {"model.prototxt", "net.prototxt", E::kRefused, "exclude each other"}};
  return rows;
}

const std::vector<HorizonKeyRow>& InputRows() {
  const HorizonKeys nv12 = {{"input.input_type_rt", "nv12"}};
  const HorizonKeys batched = {{"input.input_batch", "2"}};
  const HorizonKeys resized = {{"input.input_type_rt", "nv12"},
                               {"compiler.input_source", "{image: resizer}"}};
  const HorizonKeys features = {{"input.input_type_rt", "featuremap"},
                                {"input.input_type_train", "featuremap"},
                                {"input.mean_value", ""},
                                {"input.scale_value", ""}};
  static const std::vector<HorizonKeyRow> rows = {
      {"input.input_name", "picture", E::kRefused, "the model has no input 'picture'"},
      {"input.input_name",
       "",
       E::kRefused,
       "input_name is missing",
       {{"model.onnx_model", "two.onnx"},
        {"input.input_name", "image;gain"},
        {"input.input_type_rt", "rgb;featuremap"},
        {"input.input_type_train", "rgb;featuremap"},
        {"input.input_layout_train", "NCHW;NCHW"},
        {"input.mean_value", "120 110 100;None"},
        {"input.scale_value", "0.02;None"},
        {"calibration.cal_data_dir", "cal;gain"}}},
      {"input.input_type_rt", "bgr"},
      {"input.input_type_rt", "nv12"},
      {"input.input_type_rt", "yuv444"},
      {"input.input_type_rt", "gray", E::kRefused, "cannot be made from input_type_train rgb"},
      {"input.input_type_rt", "yuv444_128", E::kRefused, "which the vendor lists but has closed"},
      {"input.input_type_train", "bgr"},
      {"input.input_type_train", "yuv444", E::kModel, "", nv12},
      {"input.input_layout_train", "NHWC", E::kRefused, "has 8 channels in layout NHWC"},
      {"input.input_layout_rt", "NHWC", E::kModel, "", {}, "J5"},
      {"input.input_layout_rt", "NHWC", E::kModel, "", features, "J5"},
      {"input.input_layout_rt", "NHWC", E::kTold, "input_layout_rt is deprecated", {}, "J6"},
      {"input.input_space_and_range", "bt601_video", E::kModel, "", nv12},
      {"input.input_space_and_range", "bt601_video", E::kRefused, "for input_type_rt nv12 only"},
      {"input.resizer_interp_mode", "nearest", E::kModel, "", resized, "J6"},
      {"input.resizer_interp_mode", "nearest", E::kTold,
       "resizer_interp_mode of input 'image' has no effect", resized, "J5"},
      {"input.resizer_interp_mode", "nearest", E::kTold, "its input_source is not resizer", nv12},
      {"input.resizer_interp_mode", "bicubic", E::kRefused, "is 'bicubic'", resized},
      {"input.resizer_pad_mode", "border", E::kModel, "", resized, "J6"},
      {"input.resizer_pad_mode", "borders", E::kRefused, "did you mean 'border'?", resized},
      {"input.resizer_pad_value", "127 -1", E::kModel, "", resized, "J6"},
      {"input.resizer_pad_value", "16", E::kModel, "", resized, "J6"},
      {"input.resizer_pad_value", "1 2 3", E::kRefused, "expected bytes of Y and of U and V",
       resized},
      {"input.resizer_pad_value", "256", E::kRefused, "resizer_pad_value is '256'", resized},
      {"input.input_shape", "1x3x8x8", E::kModel, "", {{"model.onnx_model", "free.onnx"}}},
      {"input.input_shape", "1x3x9x9", E::kRefused, "input_shape is 1x3x9x9"},
      {"input.input_batch", "2"},
      {"input.separate_batch", "true", E::kModel, "", batched},
      {"input.separate_name", "image", E::kModel, "", batched},
      {"input.separate_name", "picture", E::kRefused, "which is no input_name", batched},
      {"input.norm_type", "data_mean", E::kModel, "", {}, "J5"},
      {"input.norm_type", "no_preprocess", E::kModel, "", {}, "J5"},
      {"input.norm_type", "data_mean", E::kTold, "norm_type is deprecated", {}, "J6"},
      {"input.mean_value", "100"},
      {"input.mean_value", "1 2", E::kRefused, "has 2 numbers, expected one, or one per channel"},
      {"input.scale_value", "0.03"},
      {"input.std_value", "40", E::kModel, "", {{"input.scale_value", ""}}},
      {"input.std_value", "40", E::kRefused, "scale_value and std_value are both given"},
      {"input.fold_normalization", "true"}};
  return rows;
}

const std::vector<HorizonKeyRow>& CalibrationRows() {
  static const std::vector<HorizonKeyRow> rows = {
      {"calibration.cal_data_dir", "wide"},
      {"calibration.cal_data_dir", ""},
      {"calibration.cal_data_type",
       "float32",
       E::kModel,
       "",
       {{"calibration.cal_data_dir", "raw"}},
       "J5"},
      {"calibration.cal_data_type", "float32", E::kTold, "cal_data_type is deprecated", {}, "J6"},
      {"calibration.preprocess_on", "true", E::kRefused, "is no picture", {}, "J5"},
      {"calibration.preprocess_on", "true", E::kTold, "preprocess_on is deprecated", {}, "J6"},
      {"calibration.calib_transforms", "[{color: bgr}]", E::kSettings},
      {"calibration.calibration_type", "kl"},
      {"calibration.calibration_type", "default"},
      {"calibration.calibration_type", "mix"},
      {"calibration.calibration_type", "skip"},
      {"calibration.calibration_type", "load", E::kRefused, "takes the thresholds of a model"},
      {"calibration.calibration_type", "mean", E::kRefused, "calibration_type is 'mean'"},
      {"calibration.max_percentile", "0.9"},
      {"calibration.max_percentile", "0.4", E::kRefused,
       "max_percentile is '0.4', expected a number of at least 0.5"},
      {"calibration.per_channel", "true"},
      {"calibration.run_on_cpu", "Conv_1"},
      {"calibration.run_on_bpu",
       "Conv_1",
       E::kModel,
       "",
       {{"calibration.quant_config", "{op_config: {Conv: {qtype: float32}}}"}}},
      {"calibration.run_on_bpu",
       "Conv_1",
       E::kRefused,
       "is in run_on_cpu too",
       {{"calibration.run_on_cpu", "Conv_1"}}},
      {"calibration.optimization",
       "set_model_output_int8",
       E::kModel,
       "",
       {{"calibration.quant_config", "{model_config: {all_node_type: int16}}"}}},
      {"calibration.optimization", "set_model_output_int16"},
      {"calibration.optimization", "set_Conv_input_int16"},
      {"calibration.optimization", "set_Conv_output_int16"},
      {"calibration.optimization",
       "set_Conv_input_int8",
       E::kModel,
       "",
       {{"calibration.quant_config", "{model_config: {all_node_type: int16}}"}}},
      {"calibration.optimization", "set_all_nodes_int16"},
      {"calibration.optimization", "asymmetric"},
      {"calibration.optimization", "bias_correction"},
      {"calibration.optimization", "run_fast", E::kTold, "run_fast matters to the vendor's"},
      {"calibration.optimization", "lstm_batch_last", E::kTold, "lstm_batch_last matters to"},
      {"calibration.optimization", "faster", E::kRefused, "optimization is 'faster', expected"},
      {"calibration.scheme", "weight-only"},
      {"calibration.scheme", "dynamic", E::kRefused, "scheme is dynamic, target BPU expects"},
      {"calibration.objective", "size", E::kSettings},
      {"calibration.processor", "avx2", E::kSettings},
      {"calibration.effort", "high", E::kSettings},
      {"calibration.quant_config", "{node_config: {Conv_0: {qtype: int16}}}"},
      {"calibration.quant_config", "{node_config: {Conv_1: {input0: int16}}}"},
      {"calibration.quant_config", "{node_config: {Conv_1: {input1: int16}}}"},
      {"calibration.quant_config", "{node_config: {Conv_1: {input0: int3}}}", E::kRefused,
       "type is 'int3'"},
      {"calibration.quant_config", "{node_config: {Conv_1: {qtype: {input0: int16}}}}"},
      {"calibration.quant_config", "{node_config: {Conv_1: {qtype: {input1: int16}}}}"},
      {"calibration.quant_config", "{op_config: {Conv: {qtype: int16}}}"},
      {"calibration.quant_config",
       "{subgraph_config: {s: {inputs: [Conv_1], outputs: [Conv_1], qtype: int16}}}"},
      {"calibration.quant_config", "{model_config: {activation: {asymmetric: true}}}"},
      {"calibration.quant_config", "{model_config: {weight: {bias_correction: {num_sample: 4}}}}"},
      {"calibration.quant_config", "quant.json"}};
  return rows;
}

const std::vector<HorizonKeyRow>& CompilerRows() {
  static const std::vector<HorizonKeyRow> rows = {
      {"compiler.jobs", "2", E::kSettings},
      {"compiler.debug", "false", E::kSettings},
      {"compiler.input_source",
       "{image: resizer}",
       E::kTold,
       "the chip crops and resizes before",
       {{"input.input_type_rt", "nv12"}},
       "J5"},
      {"compiler.input_source",
       "{image: resizer}",
       E::kModel,
       "",
       {{"input.input_type_rt", "nv12"}},
       "J6"},
      {"compiler.input_source", "{image: resizer}", E::kRefused,
       "input_source resizer does not go with input_type_rt rgb"},
      {"compiler.input_source", "{image: camera}", E::kRefused, "input_source is 'camera'"}};
  return rows;
}

}  // namespace

std::vector<HorizonKeyRow> AllHorizonKeyRows() {
  std::vector<HorizonKeyRow> all;
  for (const auto* rows : {&ModelRows(), &InputRows(), &CalibrationRows(), &CompilerRows()})
    all.insert(all.end(), rows->begin(), rows->end());
  return all;
}

}  // namespace qconvert
