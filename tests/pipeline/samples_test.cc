// Data as users have them: free axes, many shapes, too little, on another scale, none at all.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "qconvert/config/read_config.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/calibration_table_command.h"
#include "qconvert/pipeline/convert.h"
#include "support/errors.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/project_folder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class SamplesTest : public testing::Test {
 protected:
  ConvertOptions Options(const GraphBuilder& b) const {
    folder_.Write("m.onnx", SerializeModel(b.model));
    ConvertOptions options;
    options.model = folder_ / "m.onnx";
    options.calibration_folder = folder_ / "calib";
    options.output = folder_ / "out.onnx";
    options.config.scheme = Scheme::kStatic;
    return options;
  }
  void Save(const std::string& name, std::vector<int64_t> shape, uint32_t seed,
            float spread = 1) const {
    const Tensor tensor = RandomTensor("", std::move(shape), seed, spread);
    folder_.Write("calib/" + name, NpyFloats(tensor.dims, tensor.values<float>()));
  }
  TempDir folder_;
};

// Rows that mean something only beside the others of their cloud.
GraphBuilder Cloud() {
  GraphBuilder b;
  b.Input("points", {"n", "3"}).Output("y").Random("w", {3, 16}).Random("v", {16, 4});
  b.Add("MatMul", {"points", "w"}, {"m"});
  Node& mean = b.Add("ReduceMean", {"m"}, {"mean"});
  mean.Set("axes", std::vector<int64_t>{0});
  b.Add("Sub", {"m", "mean"}, {"centred"});
  b.Add("Relu", {"centred"}, {"r"});
  b.Add("MatMul", {"r", "v"}, {"y"});
  return b;
}

// Every row on its own.
GraphBuilder Rows() {
  GraphBuilder b;
  b.Input("x", {"n", "8"}).Output("y").Random("w", {8, 16}).Random("v", {16, 4});
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Relu", {"m"}, {"r"});
  b.Add("MatMul", {"r", "v"}, {"y"});
  return b;
}

TEST_F(SamplesTest, AFileIsOneSampleWhereTheFirstAxisIsFree) {
  for (uint32_t i = 0; i < 25; ++i) Save(fmt::format("{}.npy", i), {20 + i % 9, 3}, i);
  ConvertOptions options = Options(Cloud());
  ConversionReport report = Convert(options);
  EXPECT_EQ(report.samples, 20U);
  EXPECT_EQ(report.compared_samples, 5U);
  EXPECT_GT(report.outputs[0].sqnr_db(), 20);
  options.stacked = true;
  EXPECT_GT(Convert(options).samples, 100U);
  options.stacked = false;
  options.config.calibration.stacked = true;
  EXPECT_GT(Convert(options).samples, 100U);
}

TEST_F(SamplesTest, ALoneStackIsSaid) {
  const auto hint = HasSubstr(
      "all.npy is one sample, whose 40 rows do not depend on each other: "
      "--stacked would take it as 40 samples");
  Save("all.npy", {40, 8}, 1);
  ConvertOptions options = Options(Rows());
  EXPECT_THAT(Convert(options).warnings, Contains(hint));
  options.stacked = true;
  EXPECT_THAT(Convert(options).warnings, Not(Contains(HasSubstr("--stacked"))));
  Save("all.npy", {40, 3}, 1);
  EXPECT_THAT(Convert(Options(Cloud())).warnings, Not(Contains(HasSubstr("--stacked"))));
}

// A recurrence looks like rows on their own to who only swaps what comes later.
TEST_F(SamplesTest, TimeIsNoStack) {
  GraphBuilder b;
  b.Input("x", {"time", "1", "4"}).Output("y").Random("w", {1, 12, 4}).Random("r", {1, 12, 3});
  b.Add("RNN", {"x", "w3", "r3"}, {"y"});
  b.Random("w3", {1, 3, 4}).Random("r3", {1, 3, 3});
  b.model.graph.nodes.back().Set("hidden_size", int64_t{3});
  b.model.graph.initializers.erase("w");
  b.model.graph.initializers.erase("r");
  Save("all.npy", {40, 1, 4}, 1);
  EXPECT_THAT(Convert(Options(b)).warnings, Not(Contains(HasSubstr("--stacked"))));
}

TEST_F(SamplesTest, ShapesAndLengthsMayDiffer) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "h", "w"}).Output("y").Output("where", DataType::kInt64);
  b.Random("c", {8, 3, 3, 3}).Random("d", {4, 8, 1, 1});
  b.Add("Conv", {"x", "c"}, {"a"}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Relu", {"a"}, {"r"});
  b.Add("Conv", {"r", "d"}, {"y"});
  b.Add("NonZero", {"r"}, {"where"});  // its length is that of the data
  for (uint32_t i = 0; i < 8; ++i) Save(fmt::format("{}.npy", i), {1, 3, 8 + i, 12 - i}, i);
  const ConvertOptions options = Options(b);
  const ConversionReport report = Convert(options);
  EXPECT_EQ(report.samples, 8U) << "of few all give ranges in the end";
  EXPECT_EQ(report.compared_samples, 2U);
  EXPECT_GT(report.integer_nodes, 0U);
  ConvertOptions with_table = options;
  const CalibrateOptions calibrate{.model = options.model,
                                   .output = folder_ / "t.json",
                                   .calibration_folder = options.calibration_folder};
  WriteCalibrationTable(calibrate);
  const std::string bytes = Slurp(options.output);
  with_table.table = calibrate.output;
  Convert(with_table);
  EXPECT_TRUE(Slurp(options.output) == bytes);
}

TEST_F(SamplesTest, WeightsNeedNone) {
  for (const char* preset : {"weights_int8", "cpu_int8"}) {
    for (const Scheme scheme : {Scheme::kWeightOnly, Scheme::kDynamic, Scheme::kAuto}) {
      ConvertOptions options = Options(Rows());
      options.calibration_folder.clear();
      options.config =
          ReadConfig(ProjectFolder() / "configs" / fmt::format("{}.yaml", preset), {}).config;
      options.config.scheme = scheme;
      if (preset == std::string("cpu_int8") && scheme == Scheme::kAuto) {
        EXPECT_THROW(Convert(options), Error) << "activations need ranges";
        continue;
      }
      const ConversionReport report = Convert(options);
      EXPECT_EQ(report.compared_samples, 0U);
      EXPECT_THAT(FormatReport(report), HasSubstr("not compared with the float model"));
      EXPECT_THAT(FormatReport(report), Not(HasSubstr("guard")));
      EXPECT_LT(report.quantized_bytes, report.float_bytes * 2);
    }
  }
}

TEST_F(SamplesTest, WeightsOfTextModelsNeedNoneEither) {
  GraphBuilder b;
  b.Input("x", {"N"}, DataType::kString).Output("y").Random("v", {64}).Random("w", {64, 64});
  b.Add("Shape", {"x"}, {"s"});
  b.Add("Cast", {"s"}, {"f"}).Set("to", int64_t{1});
  b.Add("Mul", {"f", "v"}, {"m"});
  b.Add("MatMul", {"m", "w"}, {"y"});
  ConvertOptions options = Options(b);
  options.config.scheme = Scheme::kWeightOnly;
  const std::string why =
      "input \"x\" is no numeric tensor, no samples can be read for it; --scheme "
      "weight-only needs none";
  EXPECT_THAT([&] { Convert(options); }, ThrowsError(ExitCode::kModel, why));
  options.calibration_folder.clear();
  EXPECT_EQ(Convert(options).stored_weights, 1U);
  options.config.scheme = Scheme::kStatic;
  EXPECT_THAT([&] { Convert(options); }, ThrowsError(ExitCode::kModel, why));
}

TEST_F(SamplesTest, FewSamplesAreSaid) {
  for (uint32_t i = 0; i < 7; ++i) Save(fmt::format("{}.npy", i), {1, 8}, i);
  EXPECT_THAT(Convert(Options(Rows())).warnings, Contains(HasSubstr("only 7 samples")));
  Save("7.npy", {1, 8}, 7);
  EXPECT_THAT(Convert(Options(Rows())).warnings, testing::IsEmpty());
}

TEST_F(SamplesTest, AHeaderlessFileOfAnotherSizeThanTheOthersIsNamed) {
  const auto write = [&](int k, size_t samples) {
    const std::vector<float> values = RandomFloats(8 * samples, static_cast<uint32_t>(k));
    const Tensor tensor = MakeFloatTensor("", {static_cast<int64_t>(samples), 8}, values);
    folder_.Write(fmt::format("calib/{}.bin", k), *tensor.bytes);
  };
  const auto warnings = [&] {
    GraphBuilder b = Rows();
    b.model.graph.inputs[0].type = FloatType({"1", "8"});
    return Convert(Options(b)).warnings;
  };
  for (int k = 0; k < 8; ++k) write(k, 1);
  EXPECT_THAT(warnings(), Not(Contains(HasSubstr("are larger than"))));
  write(3, 2);
  EXPECT_THAT(warnings(), Contains("files of calib that are larger than 7 others, of 32 bytes: "
                                   "3.bin; are they of another type or shape?"));
  for (int k = 0; k < 8; ++k) write(k, k == 0 ? 1 : 4);
  EXPECT_THAT(warnings(), Not(Contains(HasSubstr("are larger than")))) << "cut into blocks";
}

TEST_F(SamplesTest, IntegersForFloatsAreSaid) {
  for (int i = 0; i < 8; ++i) {
    std::string pixels = RandomTensor("", {2}, static_cast<uint32_t>(i)).bytes->substr(0, 6);
    pixels += std::string("\x00\xff", 2);
    folder_.Write(fmt::format("calib/{}.npy", i),
                  NpyBytes("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 8), }", pixels));
  }
  EXPECT_THAT(Convert(Options(Rows())).warnings,
              Contains(testing::MatchesRegex(
                  "files of input \"x\" hold uint8 from 0 to 255.*as in training \\(in "
                  "..npy, ..npy, ..npy, ..npy and 4 more\\)")));
}

// A network of which the first normalization holds what its training data gave.
GraphBuilder Normalized() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y").Random("w", {8, 3, 3, 3}, 0.2F);
  b.Floats("gamma", {8}, std::vector<float>(8, 1)).Floats("beta", {8}, std::vector<float>(8, 0));
  b.Floats("mean", {8}, std::vector<float>(8, 0)).Floats("var", {8}, std::vector<float>(8, 1));
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("BatchNormalization", {"c", "gamma", "beta", "mean", "var"}, {"n"}).name = "first_bn";
  b.Add("Relu", {"n"}, {"y"});
  return b;
}

TEST_F(SamplesTest, AnotherScaleThanInTrainingIsSaid) {
  for (const auto& [spread, far] : {std::pair{1.0F, false}, {0.01F, false}, {100.0F, true}}) {
    for (uint32_t i = 0; i < 8; ++i) Save(fmt::format("{}.npy", i), {1, 3, 8, 8}, i, spread);
    const ConversionReport report = Convert(Options(Normalized()));
    const auto warning = Contains(
        testing::MatchesRegex(".*at \"first_bn\" lies.*deviations from the mean.*in training. "
                              "\\(in ..npy, ..npy, ..npy, ..npy\\)"));
    if (far) {
      EXPECT_THAT(report.warnings, warning);
    } else {
      EXPECT_THAT(report.warnings, testing::IsEmpty()) << spread;
    }
  }
}

// Batch normalization is in the weights of many files; a bound that everything passes tells as
// much.
TEST_F(SamplesTest, WhatTheFirstBoundCutsOffIsSaid) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y").Random("w", {8, 3, 3, 3}, 0.2F);
  b.Floats("zero", {}, {0}).Floats("six", {}, {6});
  b.Add("Conv", {"x", "w"}, {"c"});
  b.Add("Clip", {"c", "zero", "six"}, {"y"}).name = "relu6";
  const auto warning = Contains(
      testing::MatchesRegex("\"relu6\" cuts.*in training. \\(in ..npy, ..npy, ..npy, ..npy\\)"));
  for (const auto& [spread, far] : {std::pair{1.0F, false}, {100.0F, true}}) {
    for (uint32_t i = 0; i < 8; ++i) Save(fmt::format("{}.npy", i), {1, 3, 8, 8}, i, spread);
    const ConversionReport report = Convert(Options(b));
    if (far) {
      EXPECT_THAT(report.warnings, warning);
    } else {
      EXPECT_THAT(report.warnings, Not(warning));
    }
  }
}

TEST_F(SamplesTest, StrictDataMakesAnErrorOfIt) {
  for (uint32_t i = 0; i < 8; ++i) Save(fmt::format("{}.npy", i), {1, 8}, i);
  ConvertOptions options = Options(Rows());
  options.strict_data = true;
  EXPECT_NO_THROW(Convert(options));
  Save("8.npy", {1, 8}, 3);
  CalibrateOptions calibrate{.model = options.model,
                             .output = folder_ / "t.json",
                             .calibration_folder = options.calibration_folder,
                             .strict_data = true};
  std::filesystem::remove(options.output);
  for (const bool table : {false, true}) {
    try {
      table ? static_cast<void>(WriteCalibrationTable(calibrate))
            : static_cast<void>(Convert(options));
      ADD_FAILURE() << "3.npy is 8.npy";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kData);
      EXPECT_STREQ(e.what(), "--strict-data: samples that are equal: 3.npy = 8.npy");
    }
  }
  EXPECT_FALSE(std::filesystem::exists(options.output));
  EXPECT_FALSE(std::filesystem::exists(calibrate.output));
}

// Attention: the products of activations are float at first, the search puts them on integers.
TEST_F(SamplesTest, TheTableHoldsWhatTheSearchAsksFor) {
  GraphBuilder b;
  b.Input("x", {"1", "16", "32"}).Output("y").Floats("scale", {}, {0.2F});
  for (const char* w : {"wq", "wk", "wv", "wo"}) b.Random(w, {32, 32}, 0.3F);
  b.Add("MatMul", {"x", "wq"}, {"q"});
  b.Add("MatMul", {"x", "wk"}, {"k"});
  b.Add("MatMul", {"x", "wv"}, {"v"});
  b.Add("Transpose", {"k"}, {"kt"}).Set("perm", std::vector<int64_t>{0, 2, 1});
  b.Add("MatMul", {"q", "kt"}, {"qk"});
  b.Add("Mul", {"qk", "scale"}, {"scaled"});
  b.Add("Softmax", {"scaled"}, {"p"});
  b.Add("MatMul", {"p", "v"}, {"a"});
  b.Add("MatMul", {"a", "wo"}, {"o"});
  b.Add("Add", {"o", "x"}, {"y"});
  for (uint32_t i = 0; i < 8; ++i) Save(fmt::format("{}.npy", i), {1, 16, 32}, i);
  ConvertOptions options = Options(b);
  options.gate = Gate::Of(std::nullopt, 0.99995);
  EXPECT_GT(Convert(options).guard.measurements, 2);
  const std::string bytes = Slurp(options.output);
  WriteCalibrationTable({.model = options.model,
                         .output = folder_ / "t.json",
                         .calibration_folder = options.calibration_folder});
  options.table = folder_ / "t.json";
  Convert(options);
  EXPECT_TRUE(Slurp(options.output) == bytes);

  options.calibration_folder.clear();
  options.config.scheme = Scheme::kStatic;
  options.config.bias_correction = Correction::kOn;
  EXPECT_THAT(
      Convert(options).warnings,
      testing::Contains(testing::HasSubstr("biases are not corrected: that takes samples")));
}

// A table speaks of the graph that the settings make of the model.
TEST_F(SamplesTest, CalibrateAppliesTheSettings) {
  for (uint32_t i = 0; i < 8; ++i) Save(fmt::format("{}.npy", i), {1, 8}, i);
  ConvertOptions options = Options(Rows());
  ModelConfig config{options.config, {}, "c.yaml"};
  config.config.calibration.input["z"] = folder_ / "calib";
  CalibrateOptions calibrate{.model = options.model,
                             .output = folder_ / "t.json",
                             .calibration_folder = options.calibration_folder,
                             .configs = {config}};
  EXPECT_THROW(WriteCalibrationTable(calibrate), ConfigError) << "the model has no input z";
  calibrate.configs[0].config.calibration.input.clear();
  calibrate.configs[0].config.onnx_opset_version = 99;
  EXPECT_THROW(WriteCalibrationTable(calibrate), ConfigError);
  calibrate.configs[0].config.onnx_opset_version = -1;
  WriteCalibrationTable(calibrate);
  options.table = calibrate.output;
  EXPECT_THAT(Convert(options).warnings, testing::IsEmpty());
  std::string text = Slurp(calibrate.output);
  text.replace(text.find("\"engine\": \"onnxruntime "), 23, "\"engine\": \"onnxruntime 0");
  folder_.Write("t.json", text);
  EXPECT_THAT(Convert(options).warnings, Contains(HasSubstr("was made with onnxruntime 0")));
}

TEST_F(SamplesTest, IdsOutOfRangeNameTheSample) {
  GraphBuilder b;
  b.Input("ids", {"1", "2"}, DataType::kInt64)
      .Output("y")
      .Random("table", {4, 8})
      .Random("w", {8, 8});
  b.Add("Gather", {"table", "ids"}, {"e"});
  b.Add("MatMul", {"e", "w"}, {"y"});
  const auto save = [&](int i, int64_t id) {
    const std::vector<int64_t> ids = {0, id};
    folder_.Write(fmt::format("calib/{}.npy", i),
                  NpyBytes("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2), }",
                           {reinterpret_cast<const char*>(ids.data()), 16}));
  };
  for (int i = 0; i < 8; ++i) save(i, i % 4);
  const ConvertOptions options = Options(b);
  EXPECT_NO_THROW(Convert(options));
  save(5, 9);
  try {
    Convert(options);
    ADD_FAILURE() << "id 9 of a table of 4";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kData);
    EXPECT_THAT(e.what(), HasSubstr("5.npy: "));
    EXPECT_THAT(e.what(), HasSubstr("idx=9"));
  }
}

}  // namespace
}  // namespace qconvert
