// Faults are planted; qconvert debug has to name them.
#include "qconvert/pipeline/debug_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int kLayers = 6;

// x -> Conv -> Relu -> ... (kLayers of them: conv0, conv1, ...) -> GlobalAveragePool -> Flatten ->
// Gemm -> y, with `also` in front of the pool.
class Network {
 public:
  explicit Network(const std::function<std::string(GraphBuilder&, const std::string&)>& also = {}) {
    b_.Input("x", {"1", "8", "8", "8"}).Output("y").Random("head", {8, 4});
    std::string value = "x";
    for (int k = 0; k < kLayers; ++k) {
      const std::string n = std::to_string(k);
      b_.Random("w" + n, {8, 8, 3, 3}, 0.17F);
      Node& conv = b_.Add("Conv", {value, "w" + n}, {"c" + n});
      conv.name = "conv" + n;
      conv.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
      b_.Add("Relu", {"c" + n}, {"r" + n}).name = "relu" + n;
      value = "r" + n;
    }
    if (also) value = also(b_, value);
    b_.Add("GlobalAveragePool", {value}, {"g"}).name = "pool";
    b_.Add("Flatten", {"g"}, {"f"}).name = "flatten";
    b_.Add("Gemm", {"f", "head"}, {"y"}).name = "gemm";
  }

  // Multiplies the weights that make channel `c` of layer `k`, and divides those that read it.
  void ScaleChannel(int k, size_t c, float factor) {
    Change("w" + std::to_string(k), [&](size_t i) { return i / 72 == c ? factor : 1; });
    Change("w" + std::to_string(k + 1), [&](size_t i) { return i / 9 % 8 == c ? 1 / factor : 1; });
  }

  // Debugs the network as a vendor's file with these layer entries would have it quantized.
  DebugReport Debug(const std::string& layers = "", bool per_channel = true) {
    DebugOptions options;
    options.convert = Options(layers, per_channel);
    return DebugModel(options);
  }

  ConvertOptions Options(const std::string& layers, bool per_channel) {
    const LoadedConfig loaded = LoadText(
        "target_device: CPU\nscheme: static\n"
        "overall_quantize_config: {method: maxmin, round_mode: half_even, scale_type: "
        "float, calib_statistic_method: max}\n" +
        layers);
    ConvertOptions options;
    options.config = loaded.config;
    options.config.tensors[TensorType::kWeights].per_channel = per_channel;
    options.config.equalization = Correction::kOff;  // it would mend what is planted
    options.effective_config = loaded.effective;
    options.model = folder_.Write("m.onnx", SerializeModel(b_.model));
    for (uint32_t k = 0; k < 40; ++k) {
      folder_.Write("data/" + std::to_string(k) + ".npy",
                    NpyFloats({1, 8, 8, 8}, RandomFloats(512, k)));
    }
    options.calibration_folder = folder_ / "data";
    return options;
  }

  const TempDir& folder() const { return folder_; }

 private:
  void Change(const std::string& name, const std::function<float(size_t)>& factor) {
    Tensor& weight = b_.model.graph.initializers[name];
    const auto values = weight.values<float>();
    std::vector<float> changed;
    for (size_t i = 0; i < values.size(); ++i) changed.push_back(values[i] * factor(i));
    weight = MakeFloatTensor(name, weight.dims, changed);
  }

  GraphBuilder b_;
  TempDir folder_;
};

std::string Coarse(const std::string& node) {
  return "- layer_name: " + node +
         "\n  overall_quantize_config: {method: percentile, percentage: 60}\n";
}

std::vector<std::string> GuiltyOf(const DebugReport& report) {
  std::vector<std::string> names;
  for (const size_t row : report.layers.guilty->rows)
    names.push_back(report.layers.layers[row].name);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> CausesOf(const DebugReport& report, const std::string& node) {
  std::vector<std::string> causes;
  for (const LayerRow& row : report.layers.layers) {
    if (row.name != node) continue;
    for (const Finding& finding : row.findings) causes.emplace_back(CauseName(finding.cause));
  }
  return causes;
}

TEST(DebugModelTest, OneWrongScaleIsFoundWhereverItIs) {
  for (int k = 0; k < kLayers; ++k) {
    const std::string node = "conv" + std::to_string(k);
    const DebugReport report = Network().Debug("layer_quantize_config:\n" + Coarse(node));
    EXPECT_THAT(GuiltyOf(report), ElementsAre(node));
    const GuiltyNodes& guilty = *report.layers.guilty;
    EXPECT_TRUE(guilty.is_minimal);
    EXPECT_LT(guilty.after, guilty.target);
    EXPECT_EQ(guilty.any_fewer, guilty.before);
    EXPECT_GT(guilty.before, 10 * guilty.after);
    EXPECT_THAT(CausesOf(report, node), Contains("saturation"));
  }
}

TEST(DebugModelTest, TwoWrongScalesAreBothNeeded) {
  const DebugReport report =
      Network().Debug("layer_quantize_config:\n" + Coarse("conv1") + Coarse("conv4"));
  EXPECT_THAT(GuiltyOf(report), ElementsAre("conv1", "conv4"));
  EXPECT_GT(report.layers.guilty->any_fewer, report.layers.guilty->target);
  EXPECT_THAT(FormatDebug(report), HasSubstr("keep these 2 nodes float: "));
  EXPECT_THAT(FormatDebug(report), HasSubstr("any 1 of them: at most "));
}

TEST(DebugModelTest, AnOutlierChannelIsBlamedOnItsWeights) {
  Network network;
  network.ScaleChannel(2, 5, 200);
  const DebugReport report = network.Debug("", /*per_channel=*/false);
  EXPECT_THAT(GuiltyOf(report), Contains("conv2"));
  EXPECT_THAT(CausesOf(report, "conv2"), Contains("outlier channel"));
}

TEST(DebugModelTest, ChannelsThatDieAreNamed) {
  Network network;
  network.ScaleChannel(3, 1, 3000);
  const DebugReport report = network.Debug("", /*per_channel=*/false);
  EXPECT_THAT(CausesOf(report, "conv3"), Contains("dead channels"));
  EXPECT_THAT(GuiltyOf(report), Contains("conv3"));
}

TEST(DebugModelTest, AClashOfRangesIsFoundAtTheSum) {
  // (r + 300 e) - 300 e: what is left of r has few codes.
  Network network([](GraphBuilder& b, const std::string& value) {
    b.Random("we", {8, 8, 1, 1}, 100);
    b.Add("Conv", {value, "we"}, {"e"}).name = "wide";
    b.Add("Add", {value, "e"}, {"s"}).name = "sum";
    b.Add("Sub", {"s", "e"}, {"d"}).name = "difference";
    return std::string("d");
  });
  const DebugReport report = network.Debug();
  EXPECT_THAT(CausesOf(report, "sum"), Contains("range clash"));
  EXPECT_THAT(GuiltyOf(report), Contains("sum"));
}

TEST(DebugModelTest, WeightsAndValuesAloneTellThemApart) {
  LayerErrors whole;
  const auto errors_of_clipping = [&](const std::string& what) {
    const DebugReport report =
        Network().Debug("layer_quantize_config:\n- layer_name: conv3\n  tensor_quantize_config: {" +
                        what + ": {method: percentile, percentage: 60}}\n");
    whole = report.layers.errors;
    for (const LayerRow& row : report.layers.layers)
      if (row.name == "conv3") return row.errors;
    return NodeErrors{};
  };
  const NodeErrors weights = errors_of_clipping("weights");
  const LayerErrors of_weights = whole;
  EXPECT_GT(weights.weights_alone.value(), 10 * weights.activations_alone.value());
  const NodeErrors activations = errors_of_clipping("activation");
  EXPECT_GT(activations.activations_alone.value(), 10 * activations.weights_alone.value());
  // As a whole and along the depth the rest of the network has its noise too, and its weights are
  // rounded otherwise where activations clip.
  EXPECT_GT(activations.activations_behind.value(), 3 * weights.activations_behind.value());
  EXPECT_GT(whole.whole_activations.value(), 3 * of_weights.whole_activations.value());
  EXPECT_GT(weights.weights_behind.value(), 0);
  EXPECT_GT(of_weights.whole_weights.value(), 0);
  // Clipping stays in 16 bits: only what rounding added to it is gone.
  EXPECT_GT(whole.whole_wide.value(), 0.5 * whole.whole_activations.value());
}

TEST(DebugModelTest, ValuesIn16BitsLeaveWhatTheWeightsDo) {
  const DebugReport report = Network().Debug("");
  const LayerErrors& errors = report.layers.errors;
  EXPECT_LT(errors.whole_wide.value(), errors.whole);
  EXPECT_NEAR(errors.whole_wide.value() / errors.whole_weights.value(), 1, 0.2);
  size_t along_the_depth = 0;
  for (const LayerRow& row : report.layers.layers) {
    if (!row.errors.wide_behind || row.errors.behind.value_or(0) == 0) continue;
    ++along_the_depth;
    EXPECT_LT(*row.errors.wide_behind, *row.errors.behind) << row.name;
  }
  EXPECT_GE(along_the_depth, 3U);
}

TEST(DebugModelTest, TheTargetCanBeGivenAndOutOfReachIsSaid) {
  Network network;
  DebugOptions options;
  options.convert = network.Options("", true);
  options.target_sqnr_db = 1;
  EXPECT_THAT(GuiltyOf(DebugModel(options)), IsEmpty());
  options.target_sqnr_db = 180;
  options.budget = 12;
  size_t calls = 0;
  size_t last = 0;
  options.progress = [&](size_t done, size_t at_most) {
    ++calls;
    last = done;
    EXPECT_LE(done, at_most);
  };
  const DebugReport report = DebugModel(options);
  EXPECT_GT(calls, 20U);
  EXPECT_GT(last, 20U);
  const bool is_said =
      FormatDebug(report).find("no set of nodes left float gives 180.0 dB") != std::string::npos;
  EXPECT_NE(is_said, report.layers.guilty->reached);
}

TEST(DebugModelTest, NothingButThePageIsWritten) {
  Network network;
  DebugOptions options;
  options.convert = network.Options("", true);
  options.convert.page = network.folder() / "why.html";
  DebugModel(options);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(network.folder().path()))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  EXPECT_THAT(names, ElementsAre("data", "m.onnx", "why.html"));
  EXPECT_THAT(Slurp(options.convert.page), HasSubstr("\"guilty\":{\"text\":"));
  options.convert.page = options.convert.model;
  EXPECT_THROW(DebugModel(options), Error);
}

TEST(DebugModelTest, LearnedWeightsAreLeftOutWithAPageAndWithout) {
  Network network;
  DebugOptions options;
  options.convert = network.Options("", true);
  const double plain = DebugModel(options).layers.errors.whole;
  options.convert.config.effort = Effort::kHigh;
  EXPECT_EQ(DebugModel(options).layers.errors.whole, plain);
  options.convert.page = network.folder() / "why.html";
  EXPECT_EQ(DebugModel(options).layers.errors.whole, plain);
}

TEST(DebugModelTest, WhereNothingIsQuantizedNothingIsMeasured) {
  Network network;
  DebugOptions options;
  options.convert = network.Options(
      "layer_quantize_config:\n- layer_name: '*'\n  overall_quantize_config: {datatype: float32}\n",
      true);
  const DebugReport report = DebugModel(options);
  EXPECT_EQ(report.layers.errors.samples, 0U);
  EXPECT_FALSE(report.layers.guilty.has_value());
  EXPECT_THAT(FormatDebug(report), HasSubstr("nothing was measured: nothing is quantized"));
}

TEST(DebugModelTest, WithoutSamplesThereIsNothingToMeasure) {
  Network network;
  DebugOptions options;
  options.convert = network.Options("", true);
  options.convert.calibration_folder.clear();
  options.convert.config.scheme = Scheme::kWeightOnly;
  try {
    DebugModel(options);
    FAIL() << "nothing thrown";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("expected --calib DIR"));
  }
}

}  // namespace
}  // namespace qconvert
