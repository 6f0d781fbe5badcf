// Small models that quantizing everything the kernels take destroys: with the default settings each
// comes out within its bound.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

struct FaithfulCase {
  std::string name;
  GraphBuilder model;
  std::vector<int64_t> shape;  // of input x
  std::function<std::vector<float>(uint32_t seed)> sample;
  double min_sqnr_db = 30;
};

FaithfulCase OutlierChannel() {
  FaithfulCase c{"outlier channel", GraphBuilder(), {1, 64, 96}, {}, 25};
  c.sample = [](uint32_t seed) {
    std::vector<float> x = RandomFloats(64 * 96, seed);
    for (size_t i = 5; i < x.size(); i += 96) x[i] *= 3000;  // one feature, always
    return x;
  };
  c.model.Input("x", {"1", "64", "96"}).Output("y").Random("w2", {128, 16}, 0.1F);
  std::vector<float> weights = RandomFloats(96 * 128, 1, 0.1F);
  std::fill(weights.begin() + 5 * 128, weights.begin() + 6 * 128, 1e-5F);
  c.model.Floats("w1", {96, 128}, weights);
  c.model.Add("MatMul", {"x", "w1"}, {"a"});
  c.model.Add("Relu", {"a"}, {"r"});
  c.model.Add("MatMul", {"r", "w2"}, {"y"});
  return c;
}

FaithfulCase SpelledOutLayerNorm() {
  FaithfulCase c{"layer norm spelled out", GraphBuilder(), {1, 64, 96}, {}, 25};
  c.sample = [](uint32_t seed) { return RandomFloats(64 * 96, seed, 20.0F); };
  GraphBuilder& b = c.model;
  b.Input("x", {"1", "64", "96"}).Output("y").Random("w1", {96, 96}, 0.1F).Random("w2", {96, 32});
  b.Floats("two", {}, {2}).Floats("eps", {}, {1e-6F}).Random("gamma", {96}).Random("beta", {96});
  const std::vector<int64_t> last = {-1};
  b.Add("MatMul", {"x", "w1"}, {"h"});
  b.Add("ReduceMean", {"h"}, {"mean"}).Set("axes", last);
  b.Add("Sub", {"h", "mean"}, {"d"});
  b.Add("Pow", {"d", "two"}, {"square"});
  b.Add("ReduceMean", {"square"}, {"variance"}).Set("axes", last);
  b.Add("Add", {"variance", "eps"}, {"v"});
  b.Add("Sqrt", {"v"}, {"deviation"});
  b.Add("Div", {"d", "deviation"}, {"n"});
  b.Add("Mul", {"n", "gamma"}, {"g"});
  b.Add("Add", {"g", "beta"}, {"l"});
  b.Add("MatMul", {"l", "w2"}, {"y"});
  return c;
}

FaithfulCase BoxesBesideScores() {
  FaithfulCase c{"boxes beside scores", GraphBuilder(), {1, 16, 24, 24}, {}, 25};
  c.sample = [](uint32_t seed) { return RandomFloats(16 * 24 * 24, seed); };
  GraphBuilder& b = c.model;
  b.Input("x", {"1", "16", "24", "24"}).Output("y").Output("z");
  b.Random("wb", {32, 16, 3, 3}, 30.0F).Random("ws", {32, 16, 3, 3}, 0.02F);
  b.Ints("split", {2}, {32, 32});
  const std::vector<int64_t> pads = {1, 1, 1, 1};
  b.Add("Conv", {"x", "wb"}, {"boxes"}).Set("pads", pads);
  b.Add("Conv", {"x", "ws"}, {"raw"}).Set("pads", pads);
  b.Add("Sigmoid", {"raw"}, {"scores"});
  b.Add("Concat", {"boxes", "scores"}, {"head"}).Set("axis", int64_t{1});
  b.Add("Split", {"head", "split"}, {"y", "z"}).Set("axis", int64_t{1});
  return c;
}

FaithfulCase LogFrontEnd() {
  FaithfulCase c{"log front end", GraphBuilder(), {1, 64, 128}, {}, 30};
  c.sample = [](uint32_t seed) {
    std::vector<float> x = RandomFloats(64 * 128, seed);
    for (size_t i = 0; i < x.size(); ++i) x[i] *= std::exp(-static_cast<float>(i / 128) / 6);
    return x;
  };
  GraphBuilder& b = c.model;
  b.Input("x", {"1", "64", "128"}).Output("y").Floats("eps", {}, {1e-6F});
  b.Random("re", {128, 64}, 0.1F).Random("im", {128, 64}, 0.1F).Random("head", {40, 16}, 0.2F);
  std::vector<float> mel = RandomFloats(64 * 40, 9, 0.1F);
  for (float& v : mel) v = std::fabs(v);
  b.Floats("mel", {64, 40}, mel);
  b.Add("MatMul", {"x", "re"}, {"a"});
  b.Add("MatMul", {"x", "im"}, {"c"});
  b.Add("Mul", {"a", "a"}, {"a2"});
  b.Add("Mul", {"c", "c"}, {"c2"});
  b.Add("Add", {"a2", "c2"}, {"power"});
  b.Add("MatMul", {"power", "mel"}, {"bands"});
  b.Add("Add", {"bands", "eps"}, {"e"});
  b.Add("Log", {"e"}, {"l"});
  b.Add("MatMul", {"l", "head"}, {"y"});
  return c;
}

// A gated cell spelled out; the state is an input and an output.
FaithfulCase RecurrentState() {
  FaithfulCase c{"recurrent state", GraphBuilder(), {1, 128}, {}, 30};
  c.sample = [](uint32_t seed) { return RandomFloats(128, seed); };
  GraphBuilder& b = c.model;
  b.Input("x", {"1", "128"}).Input("state", {"1", "128"}).Output("y").Output("next");
  b.Random("wg", {128, 128}, 0.1F).Random("ug", {128, 128}, 0.1F).Floats("one", {}, {1});
  b.Random("wc", {128, 128}, 0.1F).Random("head", {128, 16}, 0.2F);
  b.Add("MatMul", {"x", "wg"}, {"gx"});
  b.Add("MatMul", {"state", "ug"}, {"gh"});
  b.Add("Add", {"gx", "gh"}, {"g0"});
  b.Add("Sigmoid", {"g0"}, {"g"});
  b.Add("MatMul", {"x", "wc"}, {"c0"});
  b.Add("Tanh", {"c0"}, {"c"});
  b.Add("Sub", {"one", "g"}, {"keep"});
  b.Add("Mul", {"keep", "state"}, {"old"});
  b.Add("Mul", {"g", "c"}, {"new"});
  b.Add("Add", {"old", "new"}, {"next"});
  b.Add("MatMul", {"next", "head"}, {"y"});
  return c;
}

class FaithfulTest : public testing::Test {
 protected:
  // Worst SQNR over the outputs.
  double Convert(const FaithfulCase& c, const std::function<void(ConvertOptions&)>& change = {}) {
    const TempDir folder;
    folder.Write("m.onnx", SerializeModel(c.model.model));
    std::filesystem::create_directory(folder / "calib");
    for (uint32_t k = 0; k < 16; ++k) {
      folder.Write(fmt::format("calib/{:02}.npy", k), NpyFloats(c.shape, c.sample(k + 1)));
    }
    ConvertOptions options;
    options.model = folder / "m.onnx";
    options.output = folder / "out.onnx";
    options.calibration_folder = folder / "calib";
    if (c.model.model.graph.inputs.size() > 1) options.states = {{"state", "next"}};
    if (change) change(options);
    report_ = qconvert::Convert(options);
    double worst = 200;
    for (const OutputComparison& output : report_.outputs)
      worst = std::min(worst, output.sqnr_db());
    return worst;
  }

  ConversionReport report_;
};

TEST_F(FaithfulTest, DefaultsKeepWhatTheNaiveWayDestroys) {
  for (const FaithfulCase& c : {OutlierChannel(), SpelledOutLayerNorm(), BoxesBesideScores(),
                                LogFrontEnd(), RecurrentState()}) {
    EXPECT_GE(Convert(c), c.min_sqnr_db) << c.name << ": " << report_.scheme_reason;
    EXPECT_TRUE(report_.guard.passed) << c.name;
    EXPECT_LT(report_.quantized_bytes, report_.float_bytes * 6 / 10) << c.name;
  }
}

// With every node on integers, wherever that takes time or not.
TEST_F(FaithfulTest, RulesAndGuardHoldWhenIntegersAreForced) {
  for (const FaithfulCase& c : {OutlierChannel(), SpelledOutLayerNorm(), BoxesBesideScores(),
                                LogFrontEnd(), RecurrentState()}) {
    Convert(c, [](ConvertOptions& options) { options.config.scheme = Scheme::kStatic; });
    EXPECT_TRUE(report_.guard.passed) << c.name;
    for (const OutputComparison& output : report_.outputs)
      EXPECT_GE(output.cosine(), 0.985) << c.name << " " << output.value.name;
  }
}

TEST_F(FaithfulTest, TheOutlierIsFoundByMeasurement) {
  const FaithfulCase c = OutlierChannel();
  const auto forced = [](GuardMode mode) {
    return [mode](ConvertOptions& options) {
      options.config.scheme = Scheme::kStatic;
      options.config.tensors.input.method = CalibrationMethod::kMaxMin;
      options.guard = mode;
    };
  };
  EXPECT_LT(Convert(c, forced(GuardMode::kOff)), 15);
  EXPECT_LT(Convert(c, forced(GuardMode::kReport)), 15);
  EXPECT_FALSE(report_.guard.passed);
  EXPECT_THAT(report_.warnings, testing::Contains(testing::HasSubstr("expected at least 17.0")));
  Convert(c, forced(GuardMode::kCorrect));
  EXPECT_TRUE(report_.guard.passed);
  EXPECT_FALSE(report_.guard.kept_float.empty());
  try {
    Convert(c, [&](ConvertOptions& options) {
      forced(GuardMode::kReport)(options);
      options.must_pass = true;
    });
    FAIL() << "must not be accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kNumeric);
    EXPECT_THAT(e.what(), testing::HasSubstr("expected at least 17.0"));
  }
}

TEST_F(FaithfulTest, EverySchemeRuns) {
  for (const FaithfulCase& c : {LogFrontEnd(), SpelledOutLayerNorm()}) {
    for (const Scheme scheme : {Scheme::kDynamic, Scheme::kWeightOnly}) {
      const double sqnr =
          Convert(c, [&](ConvertOptions& options) { options.config.scheme = scheme; });
      EXPECT_GE(sqnr, 25) << c.name << " " << SchemeName(scheme);
      EXPECT_EQ(report_.scheme, SchemeName(scheme));
      EXPECT_EQ(report_.integer_nodes, 0U);
      EXPECT_EQ(report_.dynamic_nodes > 0, scheme == Scheme::kDynamic) << c.name;
    }
  }
}

}  // namespace
}  // namespace qconvert
