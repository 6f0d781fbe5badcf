// Every extra option of Quark: what is said of it, to the letter and to the column.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/quark_text.h"

namespace qconvert {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// Options stand alone in line 3 of the file, behind "extra_options": {.
constexpr size_t kColumn = 19;

std::string One(const std::string& name, const std::string& value) {
  return Options(fmt::format("\"{}\": {}", name, value));
}
std::string AtKey(const std::string& message) {
  return fmt::format("c.json:3:{}: {}", kColumn, message);
}
std::string AtValue(const std::string& name, const std::string& message) {
  return fmt::format("c.json:3:{}: {}", kColumn + name.size() + 4, message);
}

struct IdleRow {
  const char* name;
  const char* value;
};

// Whatever they say the result is the same: a line at the key, and no warning.
TEST(QuarkOptionRowsTest, OptionsThatMakeNoDifferenceSaySo) {
  const std::vector<IdleRow> rows = {
      {"OptimizeModel", "true"},
      {"SimplifyModel", "true"},
      {"SimplifyModelOptions", R"({"a": 1})"},
      {"PreprocessYAML", R"("a")"},
      {"QuantizeFP16", "true"},
      {"UseFP32Scale", "true"},
      {"RemoveInputInit", "true"},
      {"CopySharedInit", R"(["a"])"},
      {"CopyBiasInit", R"(["a"])"},
      {"FuseInstanceNorm", "true"},
      {"FuseL2Norm", "true"},
      {"FuseGelu", "true"},
      {"FuseLayerNorm", "true"},
      {"FoldRelu", "true"},
      {"ExtraOpTypesToQuantize", R"(["a"])"},
      {"QuantizeAllOpTypes", "true"},
      {"ForceQuantizeNoInputCheck", "true"},
      {"RemoveQDQConvLeakyRelu", "true"},
      {"RemoveQDQConvPRelu", "true"},
      {"QDQOpTypePerChannelSupportToAxis", R"({"a": 1})"},
      {"FillAllValueInfo", "true"},
      {"RandomDataReaderInputShape", R"({"a": 1})"},
      {"RandomDataReaderInputDataRange", R"({"a": 1})"},
      {"CalibTensorRangeSymmetric", "true"},
      {"CalibMovingAverageConstant", "0.5"},
      {"LWPMetric", R"("a")"},
      {"PercentileCandidates", R"({"a": 1})"},
      {"NumBins", "7"},
      {"CalibPassthroughOpTypes", R"(["a"])"},
      {"CalibOptimizeMem", "true"},
      {"CalibOptimizeDisk", "true"},
      {"ExecutionProviders", R"(["a"])"},
      {"ActivationSymmetric", "true"},
      {"WeightSymmetric", "true"},
      {"AlignEltwiseQuantType", "true"},
      {"MaxLoopNum", "7"},
      {"AlignPad", "true"},
      {"AlignSlice", "true"},
      {"AlignTranspose", "true"},
      {"AlignReshape", "true"},
      {"BF16QDQToCast", "true"},
      {"BFPAttributes", R"({"a": 1})"},
      {"MXAttributes", R"({"a": 1})"},
      {"RefineBlockAxis", "true"},
      {"EvalMetrics", "true"},
      {"DebugMode", "true"},
      {"PrintSummary", "true"},
      {"IgnoreWarnings", "true"},
      {"TmpDir", R"("a")"},
      {"CryptoMode", "true"},
      {"EncryptionAlgorithm", R"("a")"},
      {"EvalDataReader", R"({"a": 1})"},
      {"LogSeverityLevel", "7"},
  };
  for (const IdleRow& row : rows) {
    const LoadedConfig loaded = Load(One(row.name, row.value));
    EXPECT_THAT(loaded.infos,
                Contains(AtKey(fmt::format("{} makes no difference here", row.name))));
    EXPECT_THAT(loaded.warnings, IsEmpty()) << row.name;
    EXPECT_EQ(loaded.config, Load(Int8()).config) << row.name;
  }
}

struct InsteadRow {
  const char* name;
  const char* other;  // what it says, which is not done
  const char* shown;  // in a message
  const char* done;   // what is done whatever it says
  const char* holds;  // in place of it
};

TEST(QuarkOptionRowsTest, OptionsOfAnotherWayTellWhatHolds) {
  const std::vector<InsteadRow> rows = {
      {"SkipPreprocess", "true", "true", "false",
       "the graph is prepared all the same, it computes the same"},
      {"ConvertFP16ToFP32", "true", "true", "false",
       "they are calibrated and quantized as float32, inputs and outputs keep their type"},
      {"ConvertNCHWToNHWC", "true", "true", "false", "inputs keep the layout that they have"},
      {"FixShapes", R"("a")", "a", R"("")", "shapes stay as the model has them"},
      {"FoldBatchNorm", "false", "false", "true", "it is folded all the same"},
      {"ConvertBNToConv", "false", "false", "true",
       "one that no Conv takes in becomes one all the same"},
      {"ConvertReduceMeanToGlobalAvgPool", "true", "true", "false", "ReduceMean stays as it is"},
      {"SplitLargeKernelPool", "true", "true", "false", "poolings stay whole"},
      {"ConvertSplitToSlice", "true", "true", "false", "Split stays, and moves codes as Slices do"},
      {"ConvertClipToRelu", "true", "true", "false",
       "a Clip whose bounds the codes have is not written at all"},
      {"MatMulToGemm", "true", "true", "false",
       "MatMul stays: the engine runs it with its bias as Gemm"},
      {"EnableSubgraph", "true", "true", "false",
       "weights in bodies are stored as codes where a kernel takes them, whatever it says"},
      {"AddQDQPairToWeight", "true", "true", "false",
       "weights are stored as their codes, the same numbers"},
      {"DedicatedQDQPair", "true", "true", "false",
       "one pair serves all readers, with the same numbers"},
      {"EnableDualQuantNodePairs", "true", "true", "false",
       "a value has one type, readers of another take it as it is"},
      {"RemoveQDQConvRelu", "false", "false", "true",
       "no pair stands there: the clamp is where the codes end"},
      {"RemoveQDQConvClip", "false", "false", "true",
       "no pair stands there: the clamp is where the codes end"},
      {"RemoveQDQConvGelu", "true", "true", "false",
       "pairs stand where the kernels of the target want them"},
      {"RemoveQDQMulAdd", "true", "true", "false",
       "pairs stand where the kernels of the target want them"},
      {"RemoveQDQInstanceNorm", "true", "true", "false",
       "pairs stand where the kernels of the target want them"},
      {"RemoveFusedQDQ", "true", "true", "false",
       "pairs stand where the kernels of the target want them"},
      {"RemoveQDQBetweenOps", R"([["Conv", "Relu"]])", "a list", "[]",
       "pairs stand where the kernels of the target want them"},
      {"UseQDQContribOps", "true", "true", "false",
       "Q and DQ are of the domain that their types need"},
      {"UseUnsignedReLU", "true", "true", "false", "values have the grid that their settings say"},
      {"UseRandomData", "true", "true", "false",
       "samples are those that are given, none are made up"},
      {"MinMSEModeFloatScale", R"("Percentile")", "Percentile", R"("All")",
       "all thresholds are searched"},
      {"SaveAndRestore", R"("a")", "a", R"("")",
       "nothing is kept, qconvert calibrate writes a table of what was seen"},
      {"SaveTensorHistFig", "true", "true", "false", "none are drawn, see --report"},
      {"AdjustBiasScale", "false", "false", "true", "32-bit biases have that scale always"},
      {"Int16Scale", "true", "true", "false",
       "scales are float, quant_info has M and N of every requantization"},
      {"ActivationScaled", "true", "true", "false", "values are converted as they are"},
      {"WeightScaled", "true", "true", "false", "values are converted as they are"},
      {"EnableNPUTransformer", "true", "true", "false", "the graph is prepared as for every model"},
      {"ConvertClipToDPUVersion", "true", "true", "false", "it computes as ONNX says"},
      {"ConvertSoftmaxToDPUVersion", "true", "true", "false", "it computes as ONNX says"},
      {"ConvertInstanceNormToDPUVersion", "true", "true", "false", "it computes as ONNX says"},
      {"NPULimitationCheck", "false", "false", "true",
       "shifts are always kept inside of what a DPU has"},
      {"AdjustShiftCut", "false", "false", "true",
       "shifts are always kept inside of what a DPU has"},
      {"AdjustShiftBias", "false", "false", "true",
       "shifts are always kept inside of what a DPU has"},
      {"AdjustShiftRead", "true", "true", "false",
       "positions of sums and products are those of the calibration"},
      {"AdjustShiftWrite", "true", "true", "false",
       "positions of sums and products are those of the calibration"},
      {"AdjustShiftSwish", "true", "true", "false",
       "positions of sums and products are those of the calibration"},
      {"AdjustHardSigmoid", "true", "true", "false",
       "positions of HardSigmoid are those of the calibration"},
      {"BF16WithClip", "true", "true", "false", "what would reach infinity stays float32"},
      {"EnableVaimlBF16", "true", "true", "false", "bfloat16 is written as Casts"},
  };
  for (const InsteadRow& row : rows) {
    SCOPED_TRACE(row.name);
    const LoadedConfig other = Load(One(row.name, row.other));
    EXPECT_THAT(
        other.warnings,
        ElementsAre(AtValue(row.name, fmt::format("{} {}: {}", row.name, row.shown, row.holds))));
    EXPECT_EQ(other.config, Load(Int8()).config);
    EXPECT_THAT(Load(One(row.name, row.done)).warnings, IsEmpty());
  }
}

// By the kind of their value; what is refused is named with what is expected.
TEST(QuarkOptionRowsTest, ValuesOfAnotherKindAreRefused) {
  struct Kind {
    std::vector<const char*> names;
    std::vector<std::pair<const char*, const char*>> bad;  // value, the rest of the message
  };
  const std::vector<Kind> kinds = {
      {{"SkipPreprocess",
        "OptimizeModel",
        "SimplifyModel",
        "ConvertFP16ToFP32",
        "QuantizeFP16",
        "UseFP32Scale",
        "ConvertNCHWToNHWC",
        "RemoveInputInit",
        "FoldBatchNorm",
        "FuseInstanceNorm",
        "FuseL2Norm",
        "FuseGelu",
        "FuseLayerNorm",
        "ConvertBNToConv",
        "ConvertReduceMeanToGlobalAvgPool",
        "SplitLargeKernelPool",
        "ConvertSplitToSlice",
        "ConvertClipToRelu",
        "ReplaceClip6Relu",
        "FoldRelu",
        "MatMulToGemm",
        "QuantizeAllOpTypes",
        "WeightsOnly",
        "MatMulConstBOnly",
        "EnableSubgraph",
        "ForceQuantizeNoInputCheck",
        "AddQDQPairToWeight",
        "DedicatedQDQPair",
        "EnableDualQuantNodePairs",
        "RemoveQDQConvRelu",
        "RemoveQDQConvClip",
        "RemoveQDQConvLeakyRelu",
        "RemoveQDQConvPRelu",
        "RemoveQDQConvGelu",
        "RemoveQDQMulAdd",
        "RemoveQDQInstanceNorm",
        "RemoveFusedQDQ",
        "UseQDQContribOps",
        "UseUnsignedReLU",
        "FillAllValueInfo",
        "UseRandomData",
        "CalibTensorRangeSymmetric",
        "CalibMovingAverage",
        "CalibOptimizeMem",
        "CalibOptimizeDisk",
        "SaveTensorHistFig",
        "ActivationSymmetric",
        "WeightSymmetric",
        "QuantizeBias",
        "Int32Bias",
        "Int16Bias",
        "AdjustBiasScale",
        "Int16Scale",
        "ActivationScaled",
        "WeightScaled",
        "AlignEltwiseQuantType",
        "EnableNPUCnn",
        "EnableNPUTransformer",
        "SimulateDPU",
        "ConvertLeakyReluToDPUVersion",
        "ConvertSigmoidToHardSigmoid",
        "ConvertHardSigmoidToDPUVersion",
        "ConvertAvgPoolToDPUVersion",
        "ConvertReduceMeanToDPUVersion",
        "ConvertClipToDPUVersion",
        "ConvertSoftmaxToDPUVersion",
        "ConvertInstanceNormToDPUVersion",
        "NPULimitationCheck",
        "AdjustShiftCut",
        "AdjustShiftBias",
        "AdjustShiftRead",
        "AdjustShiftWrite",
        "AdjustShiftSwish",
        "AdjustHardSigmoid",
        "AlignConcat",
        "AlignPool",
        "AlignPad",
        "AlignSlice",
        "AlignTranspose",
        "AlignReshape",
        "BF16WithClip",
        "BF16QDQToCast",
        "EnableVaimlBF16",
        "RefineBlockAxis",
        "UseMatMulNBits",
        "EvalMetrics",
        "DebugMode",
        "PrintSummary",
        "IgnoreWarnings",
        "CryptoMode"},
       {{R"("yes")", "is 'yes', expected true or false"},
        {"1", "is '1', expected true or false"},
        {"[true]", "is 'a list', expected true or false"}}},
      {{"PreprocessYAML", "FixShapes", "LWPMetric", "MinMSEModePof2Scale", "WeightCalibrateMethod",
        "MinMSEModeFloatScale", "SaveAndRestore", "TmpDir", "UserCustomOpLibPath",
        "EncryptionAlgorithm"},
       {{"[1]", "is 'a list', expected a text"}, {R"({"a": 1})", "is 'a map', expected a text"}}},
      {{"CopySharedInit", "CopyBiasInit", "OpTypesToQuantize", "NodesToQuantize",
        "ExtraOpTypesToQuantize", "InputNodes", "OutputNodes", "OpTypesToExcludeOutputQuantization",
        "NodesToExcludeOutputQuantization", "CalibPassthroughOpTypes", "ExecutionProviders"},
       {{"3", "is '3', expected a list"},
        {R"([[1]])", "is 'a list', expected a list of texts"},
        {R"([{"a": 1}])", "is 'a map', expected a list of texts"}}},
  };
  for (const Kind& kind : kinds) {
    for (const char* name : kind.names) {
      for (const auto& [value, message] : kind.bad) {
        EXPECT_THAT(Problems(One(name, value)),
                    ElementsAre(testing::EndsWith(fmt::format(": {} {}", name, message))))
            << value;
      }
      EXPECT_THAT(Problems(One(name, "null")), IsEmpty()) << name << ": null says nothing";
    }
  }
}

TEST(QuarkOptionRowsTest, AnEmptyTextIsNone) {
  for (const char* name : {"PreprocessYAML", "FixShapes", "LWPMetric", "MinMSEModePof2Scale",
                           "WeightCalibrateMethod", "MinMSEModeFloatScale", "SaveAndRestore",
                           "TmpDir", "UserCustomOpLibPath", "EncryptionAlgorithm"}) {
    const LoadedConfig loaded = Load(One(name, R"("")"));
    EXPECT_THAT(loaded.warnings, IsEmpty()) << name;
    EXPECT_EQ(loaded.config, Load(Int8()).config) << name;
  }
}

struct NumberRow {
  const char* name;
  std::vector<const char*> good, bad;
  const char* expected;
};

TEST(QuarkOptionRowsTest, NumbersHaveTheirRanges) {
  const std::vector<NumberRow> rows = {
      {"ConvertOpsetVersion",
       {"-1", "13", "17", "28"},
       {"-2", "29", "17.5", "\"17\""},
       "a whole number of at least -1 and at most 28"},
      {"CalibDataSize",
       {"1", "1000000000"},
       {"0", "-1", "1000000001", "1.0"},
       "a whole number of at least 1 and at most 1000000000"},
      {"CalibWorkerNum",
       {"1", "1024"},
       {"0", "1025", "true"},
       "a whole number of at least 1 and at most 1024"},
      {"NumBins",
       {"-1", "2048"},
       {"-2", "1000000001"},
       "a whole number of at least -1 and at most 1000000000"},
      {"MaxLoopNum", {"5"}, {"-2", "[5]"}, "a whole number of at least -1 and at most 1000000000"},
      {"LogSeverityLevel",
       {"0", "4"},
       {"-2", "{}"},
       "a whole number of at least -1 and at most 1000000000"},
      {"Percentile",
       {"0.001", "50", "100"},
       {"0", "-1", "100.001", "\"99\""},
       "a number above 0 and at most 100"},
      {"CalibMovingAverageConstant", {"-3", "0", "1e30"}, {"\"0.1\"", "[0.1]"}, "a number"}};
  for (const NumberRow& row : rows) {
    for (const char* good : row.good)
      EXPECT_THAT(Problems(One(row.name, good)), IsEmpty()) << row.name << " " << good;
    for (const char* bad : row.bad) {
      const std::vector<std::string> problems = Problems(One(row.name, bad));
      ASSERT_EQ(problems.size(), 1U) << row.name << " " << bad;
      EXPECT_THAT(problems[0], testing::StartsWith(AtValue(row.name, row.name)));
      EXPECT_THAT(problems[0], testing::EndsWith(std::string(", expected ") + row.expected));
    }
  }
}

// A name that is near another one is a typing error; others are the vendor's newer ones.
TEST(QuarkOptionRowsTest, NamesThatNobodyKnows) {
  for (const auto& [name, meant] : {std::pair{"OptimiseModel", "OptimizeModel"},
                                    {"NumBin", "NumBins"},
                                    {"calibDataSize", "CalibDataSize"},
                                    {"RemoveQDQConvReLU", "RemoveQDQConvRelu"},
                                    {"UseMatmulNBit", "UseMatMulNBits"}}) {
    EXPECT_THAT(
        Problems(One(name, "true")),
        ElementsAre(AtKey(fmt::format("unknown key '{}', did you mean '{}'?", name, meant))));
  }
  const LoadedConfig loaded = Load(One("Zzz", "[1, {}]"));
  EXPECT_THAT(loaded.warnings,
              ElementsAre(AtKey("nobody here knows extra_options 'Zzz', it has no effect")));
  for (const char* comment : {"_note", "//", "#", "$schema"})
    EXPECT_THAT(Load(One(comment, "1")).warnings, IsEmpty()) << comment;
}

}  // namespace
}  // namespace qconvert
