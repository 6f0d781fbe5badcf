// extra_options. Source: AMD Quark, appendix of its full configuration for ONNX.
#include <fmt/format.h>

#include <algorithm>

#include "qconvert/base/newest_opset.h"
#include "quark/quark.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = Setting::Kind;

constexpr double kMaxCount = 1e9;
constexpr double kMaxPercentage = 100;

// Values that mean something else.
constexpr const char* kRead = "read";    // translated, see quark_reader.cc
constexpr const char* kIdle = "idle";    // makes no difference here
constexpr const char* kEmpty = "";       // done when it is empty
constexpr const char* kNever = "never";  // refused unless it is empty, for the reason in `instead`

struct Option {
  const char* name;
  Kind kind;
  const char* fallback;
  const char* done;  // the only value that can be done, or one of the above
  const char* help;
  const char* instead = nullptr;  // what holds in the place of another value; null: that is refused
};

constexpr Option kOptions[] = {
    // the graph before
    {"SkipPreprocess", Kind::kBool, "false", "false", "no rewriting before quantization",
     "the graph is prepared all the same, it computes the same"},
    {"OptimizeModel", Kind::kBool, "true", kIdle, "the graph is always prepared"},
    {"SimplifyModel", Kind::kBool, "true", kIdle, "the graph is always prepared"},
    {"SimplifyModelOptions", Kind::kAnything, "none", kIdle, "the graph is always prepared"},
    {"PreprocessYAML", Kind::kText, "none", kIdle, "the graph is always prepared"},
    {"ConvertFP16ToFP32", Kind::kBool, "false", "false", "float16 models become float32",
     "they are calibrated and quantized as float32, inputs and outputs keep their type"},
    {"QuantizeFP16", Kind::kBool, "false", kIdle, "float16 models are quantized as float32"},
    {"UseFP32Scale", Kind::kBool, "false", kIdle, "scales are always float32"},
    {"ConvertNCHWToNHWC", Kind::kBool, "false", "false", "layout of the inputs",
     "inputs keep the layout that they have"},
    {"ConvertOpsetVersion", Kind::kInteger, "-1", kRead, "onnx_opset_version"},
    {"FixShapes", Kind::kText, "none", kEmpty, "fixes shapes of the inputs",
     "shapes stay as the model has them"},
    {"RemoveInputInit", Kind::kBool, "true", kIdle, "initializers are no inputs"},
    {"CopySharedInit", Kind::kTexts, "none", kIdle, "constants are copied where readers differ"},
    {"CopyBiasInit", Kind::kTexts, "Conv, ...", kIdle, "biases have the scale of their node"},
    {"FoldBatchNorm", Kind::kBool, "true", "true", "BatchNormalization into Conv and Gemm",
     "it is folded all the same"},
    {"FuseInstanceNorm", Kind::kBool, "true", kIdle, "fusion of patterns"},
    {"FuseL2Norm", Kind::kBool, "true", kIdle, "fusion of patterns"},
    {"FuseGelu", Kind::kBool, "true", kIdle, "fusion of patterns"},
    {"FuseLayerNorm", Kind::kBool, "true", kIdle, "fusion of patterns"},
    {"ConvertBNToConv", Kind::kBool, "by target", "true", "BatchNormalization becomes Conv",
     "one that no Conv takes in becomes one all the same"},
    {"ConvertReduceMeanToGlobalAvgPool", Kind::kBool, "by target", "false", "ReduceMean",
     "ReduceMean stays as it is"},
    {"SplitLargeKernelPool", Kind::kBool, "by target", "false", "large poolings become two",
     "poolings stay whole"},
    {"ConvertSplitToSlice", Kind::kBool, "by target", "false", "Split becomes Slices",
     "Split stays, and moves codes as Slices do"},
    {"ConvertClipToRelu", Kind::kBool, "false", "false", "Clip(0, x) becomes Relu",
     "a Clip whose bounds the codes have is not written at all"},
    {"ReplaceClip6Relu", Kind::kBool, "false", kRead, "convert_relu6_to_relu"},
    {"FoldRelu", Kind::kBool, "false", kIdle, "a Relu is a clamp of its Conv's output"},
    {"MatMulToGemm", Kind::kBool, "false", "false", "MatMul becomes Gemm",
     "MatMul stays: the engine runs it with its bias as Gemm"},
    // what is quantized
    {"OpTypesToQuantize", Kind::kTexts, "all", kRead, "these op types alone"},
    {"NodesToQuantize", Kind::kTexts, "all", kRead, "these nodes alone"},
    {"ExtraOpTypesToQuantize", Kind::kTexts, "none", kIdle, "all types a kernel takes are"},
    {"QuantizeAllOpTypes", Kind::kBool, "false", kIdle, "all types a kernel takes are"},
    {"InputNodes", Kind::kTexts, "none", kRead, "quantization begins here"},
    {"OutputNodes", Kind::kTexts, "none", kRead, "quantization ends here"},
    {"WeightsOnly", Kind::kBool, "false", kRead, "scheme weight-only"},
    {"MatMulConstBOnly", Kind::kBool, "false", kRead, "MatMul of computed values stays float"},
    {"EnableSubgraph", Kind::kBool, "false", "false", "bodies of If and Loop",
     "weights in bodies are stored as codes where a kernel takes them, whatever it says"},
    {"OpTypesToExcludeOutputQuantization", Kind::kTexts, "none", kRead, "their outputs stay float"},
    {"NodesToExcludeOutputQuantization", Kind::kTexts, "none", kRead, "their outputs stay float"},
    {"ForceQuantizeNoInputCheck", Kind::kBool, "false", kIdle, "movement follows its input"},
    {"TensorQuantOverrides", Kind::kAnything, "none", kRead, "value_quantize_config"},
    // the form of Q and DQ
    {"AddQDQPairToWeight", Kind::kBool, "false", "false", "float weights with Q and DQ",
     "weights are stored as their codes, the same numbers"},
    {"DedicatedQDQPair", Kind::kBool, "false", "false", "a pair per consumer",
     "one pair serves all readers, with the same numbers"},
    {"EnableDualQuantNodePairs", Kind::kBool, "false", "false", "two pairs at borders of types",
     "a value has one type, readers of another take it as it is"},
    {"RemoveQDQConvRelu", Kind::kBool, "true", "true", "no pair between Conv and Relu",
     "no pair stands there: the clamp is where the codes end"},
    {"RemoveQDQConvClip", Kind::kBool, "true", "true", "no pair between Conv and Clip",
     "no pair stands there: the clamp is where the codes end"},
    {"RemoveQDQConvLeakyRelu", Kind::kBool, "true", kIdle, "as the kernels need it"},
    {"RemoveQDQConvPRelu", Kind::kBool, "true", kIdle, "as the kernels need it"},
    {"RemoveQDQConvGelu", Kind::kBool, "false", "false", "no pair between Conv and Gelu",
     "pairs stand where the kernels of the target want them"},
    {"RemoveQDQMulAdd", Kind::kBool, "false", "false", "no pair between Mul and Add",
     "pairs stand where the kernels of the target want them"},
    {"RemoveQDQInstanceNorm", Kind::kBool, "false", "false", "no pair at InstanceNormalization",
     "pairs stand where the kernels of the target want them"},
    {"RemoveFusedQDQ", Kind::kBool, "false", "false", "no pair in fused nodes",
     "pairs stand where the kernels of the target want them"},
    {"RemoveQDQBetweenOps", Kind::kAnything, "none", kEmpty, "no pair between these types",
     "pairs stand where the kernels of the target want them"},
    {"QDQOpTypePerChannelSupportToAxis", Kind::kAnything, "none", kIdle,
     "channels of weights are those of the output"},
    {"UseQDQContribOps", Kind::kBool, "false", "false", "Q and DQ of com.microsoft",
     "Q and DQ are of the domain that their types need"},
    {"UseUnsignedReLU", Kind::kBool, "false", "false", "unsigned grids behind Relu",
     "values have the grid that their settings say"},
    {"FillAllValueInfo", Kind::kBool, "false", kIdle, "shapes are in the file where known"},
    // calibration
    {"CalibDataSize", Kind::kInteger, "all", kRead, "max_samples"},
    {"UseRandomData", Kind::kBool, "false", "false", "random samples",
     "samples are those that are given, none are made up"},
    {"RandomDataReaderInputShape", Kind::kAnything, "none", kIdle, "of random samples"},
    {"RandomDataReaderInputDataRange", Kind::kAnything, "none", kIdle, "of random samples"},
    {"CalibTensorRangeSymmetric", Kind::kBool, "by method", kIdle, "follows symmetric"},
    {"CalibMovingAverage", Kind::kBool, "false", kRead, "MinMax: calib_statistic_method mean"},
    {"CalibMovingAverageConstant", Kind::kNumber, "0.01", kIdle, "of CalibMovingAverage"},
    {"Percentile", Kind::kNumber, "99.999", kRead, "percentage of method Percentile"},
    {"LWPMetric", Kind::kText, "mae", kIdle, "of method LayerwisePercentile, which is mse"},
    {"PercentileCandidates", Kind::kAnything, "none", kIdle,
     "of method LayerwisePercentile, which is mse"},
    {"NumBins", Kind::kInteger, "2048", kIdle, "histograms are finer"},
    {"MinMSEModePof2Scale", Kind::kText, "All", kRead, "MostCommon: calib_statistic_method modal"},
    {"WeightCalibrateMethod", Kind::kText, "MinMax", kRead, "MinMSE: mse of float-scale weights"},
    {"MinMSEModeFloatScale", Kind::kText, "All", "All", "how MinMSE of weights searches",
     "all thresholds are searched"},
    {"CalibPassthroughOpTypes", Kind::kTexts, "none", kIdle, "what only moves has one scale"},
    {"SaveAndRestore", Kind::kText, "none", kEmpty, "keeps ranges",
     "nothing is kept, qconvert calibrate writes a table of what was seen"},
    {"CalibWorkerNum", Kind::kInteger, "1", kRead, "workers"},
    {"CalibOptimizeMem", Kind::kBool, "true", kIdle, "memory does not grow with samples"},
    {"CalibOptimizeDisk", Kind::kBool, "true", kIdle, "nothing is kept on disk"},
    {"SaveTensorHistFig", Kind::kBool, "false", "false", "pictures of histograms",
     "none are drawn, see --report"},
    {"ExecutionProviders", Kind::kTexts, "CPU", kIdle, "always the processor"},
    // scales and biases
    {"ActivationSymmetric", Kind::kBool, "by tensor", kIdle, "overwritten by symmetric"},
    {"WeightSymmetric", Kind::kBool, "by tensor", kIdle, "overwritten by symmetric"},
    {"QuantizeBias", Kind::kBool, "true", kRead, "false: biases stay float"},
    {"Int32Bias", Kind::kBool, "by target", kRead, "false: biases in 8 bit, own scale"},
    {"Int16Bias", Kind::kBool, "false", kRead, "biases in 16 bit"},
    {"AdjustBiasScale", Kind::kBool, "true", "true", "scale of input times scale of weights",
     "32-bit biases have that scale always"},
    {"Int16Scale", Kind::kBool, "false", "false", "scales of the form M / 2^N",
     "scales are float, quant_info has M and N of every requantization"},
    {"ActivationScaled", Kind::kBool, "false", "false", "scaled before bfloat16 or float16",
     "values are converted as they are"},
    {"WeightScaled", Kind::kBool, "false", "false", "scaled before bfloat16 or float16",
     "values are converted as they are"},
    {"AlignEltwiseQuantType", Kind::kBool, "false", kIdle,
     "constants always take the other's type"},
    // the NPU
    {"EnableNPUCnn", Kind::kBool, "by scales", kRead, "target_device DPU"},
    {"EnableNPUTransformer", Kind::kBool, "false", "false", "rewriting for transformers",
     "the graph is prepared as for every model"},
    {"SimulateDPU", Kind::kBool, "false", kRead,
     "dpu_forms, all that the options below do not switch off"},
    {"ConvertLeakyReluToDPUVersion", Kind::kBool, "false", kRead, "of dpu_forms"},
    {"ConvertSigmoidToHardSigmoid", Kind::kBool, "false", kRead, "of dpu_forms"},
    {"ConvertHardSigmoidToDPUVersion", Kind::kBool, "false", kRead, "of dpu_forms"},
    {"ConvertAvgPoolToDPUVersion", Kind::kBool, "false", kRead, "of dpu_forms"},
    {"ConvertReduceMeanToDPUVersion", Kind::kBool, "false", kRead,
     "ReduceMean that is a pooling: average_pool of dpu_forms"},
    {"ConvertClipToDPUVersion", Kind::kBool, "false", "false", "DPU form",
     "it computes as ONNX says"},
    {"ConvertSoftmaxToDPUVersion", Kind::kBool, "false", "false", "DPU form",
     "it computes as ONNX says"},
    {"ConvertInstanceNormToDPUVersion", Kind::kBool, "false", "false", "DPU form",
     "it computes as ONNX says"},
    {"NPULimitationCheck", Kind::kBool, "by target", "true", "limits of shifts",
     "shifts are always kept inside of what a DPU has"},
    {"MaxLoopNum", Kind::kInteger, "5", kIdle, "of NPULimitationCheck"},
    {"AdjustShiftCut", Kind::kBool, "by target", "true", "limits of shifts",
     "shifts are always kept inside of what a DPU has"},
    {"AdjustShiftBias", Kind::kBool, "by target", "true", "limits of shifts",
     "shifts are always kept inside of what a DPU has"},
    {"AdjustShiftRead", Kind::kBool, "by target", "false", "limits of shifts",
     "positions of sums and products are those of the calibration"},
    {"AdjustShiftWrite", Kind::kBool, "by target", "false", "limits of shifts",
     "positions of sums and products are those of the calibration"},
    {"AdjustShiftSwish", Kind::kBool, "by target", "false", "limits of shifts",
     "positions of sums and products are those of the calibration"},
    {"AdjustHardSigmoid", Kind::kBool, "by target", "false", "limits of shifts",
     "positions of HardSigmoid are those of the calibration"},
    {"AlignConcat", Kind::kBool, "by target", kRead, "change_concat_input_fix"},
    {"AlignPool", Kind::kBool, "by target", kRead, "change_pool_input_fix"},
    {"AlignPad", Kind::kBool, "by target", kIdle, "what only moves has one scale"},
    {"AlignSlice", Kind::kBool, "by target", kIdle, "what only moves has one scale"},
    {"AlignTranspose", Kind::kBool, "false", kIdle, "what only moves has one scale"},
    {"AlignReshape", Kind::kBool, "false", kIdle, "what only moves has one scale"},
    // other formats
    {"BF16WithClip", Kind::kBool, "false", "false", "of bfloat16",
     "what would reach infinity stays float32"},
    {"BF16QDQToCast", Kind::kBool, "false", kIdle, "bfloat16 is always written as Casts"},
    {"EnableVaimlBF16", Kind::kBool, "false", "false", "of bfloat16",
     "bfloat16 is written as Casts"},
    {"BFPAttributes", Kind::kAnything, "none", kIdle, "of block formats"},
    {"MXAttributes", Kind::kAnything, "none", kIdle, "of block formats"},
    {"RefineBlockAxis", Kind::kBool, "true", kIdle, "of block formats"},
    {"UseMatMulNBits", Kind::kBool, "false", kRead,
     "weights of MatMul alone, in blocks: matmul_nbits"},
    {"MatMulNBitsParams", Kind::kAnything, "none", kRead,
     "GroupSize 128, Bits 4, Algorithm DEFAULT or GPTQ"},
    // the vendor's program
    {"EvalMetrics", Kind::kBool, "false", kIdle, "outputs are always compared"},
    {"DebugMode", Kind::kBool, "false", kIdle, "see -v"},
    {"PrintSummary", Kind::kBool, "true", kIdle, "see -q"},
    {"IgnoreWarnings", Kind::kBool, "true", kIdle, "see -q"},
    {"TmpDir", Kind::kText, "none", kIdle, "nothing is kept on disk"},
    {"UserCustomOpLibPath", Kind::kText, "none", kNever, "operators in a library",
     "no machine code that a file of settings names is loaded: give such operators a body in the "
     "model, as local functions of ONNX, or keep them in a part of the model that is cut off"},
    {"CryptoMode", Kind::kBool, "false", kIdle, "nothing is kept on disk, see -q"},
    {"EncryptionAlgorithm", Kind::kText, "none", kIdle, "of CryptoMode"},
    {"EvalDataReader", Kind::kAnything, "none", kIdle, "of EvalMetrics, see --validate"},
    {"LogSeverityLevel", Kind::kInteger, "1", kIdle, "see -v and -q"},
};

bool IsDone(const Option& option, const ConfigNode& value) {
  const std::string_view done = option.done;
  if (done == kRead || done == kIdle) return true;
  if (done == kNever) return value.scalar.empty();
  // Lists and maps have no text: only an empty one is done where "" is.
  return value.scalar == done && value.items.empty() && value.entries.empty();
}

Setting ToSetting(const Option& option) {
  Setting setting{.name = option.name,
                  .kind = option.kind,
                  .fallback = option.fallback,
                  .example = option.kind == Kind::kBool ? "true" : "",
                  .help = option.help};
  const std::string_view done = option.done;
  if (done == kIdle) setting.help += "; no effect";
  if (option.instead != nullptr) {
    setting.help += fmt::format("; {}", option.instead);
  } else if (done != kIdle && done != kRead) {
    setting.help += fmt::format("; {} is what can be done", done);
  }
  if (option.kind == Kind::kInteger) {
    setting.min = -1;
    setting.max = setting.name == "ConvertOpsetVersion" ? kNewestOpset : kMaxCount;
  }
  if (setting.name == "CalibDataSize" || setting.name == "CalibWorkerNum") setting.min = 1;
  if (setting.name == "CalibWorkerNum") setting.max = 1024;
  if (setting.name != "Percentile") return setting;
  setting.min = 0;
  setting.above_min = true;
  setting.max = kMaxPercentage;
  return setting;
}

}  // namespace

const SettingTable& QuarkOptionTable() {
  static const SettingTable table = [] {
    SettingTable out{"extra_options", {}, true};
    for (const Option& option : kOptions) out.settings.push_back(ToSetting(option));
    return out;
  }();
  return table;
}

// An empty text is no name of anything: the vendor's tool reads it as none.
void NormalizeQuark(ConfigNode& root, ReadContext& /*context*/) {
  for (auto& [section, options] : root.entries) {
    if (section.scalar != "extra_options") continue;
    for (auto& [key, value] : options.entries) {
      const Setting* setting = QuarkOptionTable().Find(key.scalar);
      const bool is_text = setting != nullptr && setting->kind == Kind::kText;
      if (is_text && value.kind == ConfigNode::Kind::kScalar && value.scalar.empty())
        value.kind = ConfigNode::Kind::kNull;
    }
  }
}

void CheckQuarkOptions(const ConfigNode& root, ReadContext& context) {
  const ConfigNode* options = FindValue(root, "extra_options");
  if (options == nullptr) return;
  for (const auto& [key, value] : options->entries) {
    const auto option =
        std::find_if(std::begin(kOptions), std::end(kOptions),
                     [&name = key.scalar](const Option& one) { return one.name == name; });
    // What the table does not know, or refused, is told already.
    if (option == std::end(kOptions) || value.kind == ConfigNode::Kind::kNull) continue;
    if (std::string_view(option->done) == kIdle) {
      context.Inform(key.place, fmt::format("{} makes no difference here", key.scalar));
    }
    if (IsDone(*option, value)) continue;
    if (std::string_view(option->done) == kNever) {
      context.problems.Add(value.place, fmt::format("{} is '{}', expected none: {}", key.scalar,
                                                    value.Shown(), option->instead));
    } else if (option->instead == nullptr) {
      context.problems.Add(value.place, fmt::format("{} is '{}', expected {}", key.scalar,
                                                    value.Shown(), option->done));
    } else {
      context.Warn(value.place,
                   fmt::format("{} {}: {}", key.scalar, value.Shown(), option->instead));
    }
  }
}

}  // namespace qconvert
