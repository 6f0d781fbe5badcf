#include "qconvert/pipeline/verify_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

// Small: every changed bit is looked for.
Model SmallNet(int64_t channels = 4) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "4", "4"});
  b.Random("w", {channels, 4, 1, 1}, 0.5F).Random("bias", {channels}, 0.1F).Output("y");
  b.Add("Conv", {"x", "w", "bias"}, {"h"}).name = "/conv";
  b.Add("Relu", {"h"}, {"y"}).name = "/relu";
  return b.model;
}

class VerifyModelTest : public testing::Test {
 protected:
  VerifyModelTest() {
    model_ = dir_.Write("m.onnx", SerializeModel(SmallNet()));
    for (uint32_t k = 0; k < 5; ++k)
      dir_.Write(fmt::format("data/{}.npy", k), NpyFloats({1, 4, 4, 4}, RandomFloats(64, k)));
    MakeOut(false);
  }
  // As qconvert does it, at the static scheme: codes and scales are in the file.
  ConvertOptions HowItWasMade() const {
    ConvertOptions options;
    options.model = model_;
    options.calibration_folder = dir_ / "data";
    options.config.scheme = Scheme::kStatic;
    return options;
  }
  void MakeOut(bool external_data) {
    ConvertOptions options = HowItWasMade();
    options.output = out_;
    options.external_data = external_data;
    Convert(options);
  }
  Verification Verify(bool from_samples = false) const {
    VerifyOptions options{.out = out_, .quant_info = {}, .convert = {}, .outputs = {}};
    options.convert.model = model_;
    if (from_samples) options.convert = HowItWasMade();
    return VerifyModel(options);
  }
  // The first difference after `change` of the file's bytes, which are put back.
  std::string SeenAfter(const std::filesystem::path& file,
                        const std::function<void(std::string&)>& change) const {
    const std::string before = Slurp(file);
    std::string bytes = before;
    change(bytes);
    dir_.Write(file.lexically_relative(dir_.path()).string(), bytes);
    const Verification seen = Verify();
    dir_.Write(file.lexically_relative(dir_.path()).string(), before);
    return seen.is_equal() ? "equal" : seen.differences[0].Line();
  }

  const TempDir dir_;
  std::filesystem::path model_;
  std::filesystem::path out_ = dir_ / "q.onnx";
  std::filesystem::path info_ = QuantInfoPath(out_);
};

TEST_F(VerifyModelTest, WhatWasWrittenIsEqual) {
  const Verification from_plan = Verify();
  EXPECT_TRUE(from_plan.is_equal()) << from_plan.differences[0].Line();
  EXPECT_FALSE(from_plan.from_the_start);
  const Verification from_samples = Verify(true);
  EXPECT_TRUE(from_samples.is_equal()) << from_samples.differences[0].Line();
  EXPECT_TRUE(from_samples.from_the_start);
  EXPECT_EQ(from_samples.bytes, static_cast<int64_t>(Slurp(out_).size() + Slurp(info_).size()));
}

TEST_F(VerifyModelTest, ThreadsChangeNothing) {
  for (const int workers : {1, 2, 5}) {
    VerifyOptions options{.out = out_, .quant_info = {}, .convert = HowItWasMade(), .outputs = {}};
    options.convert.workers = workers;
    EXPECT_TRUE(VerifyModel(options).is_equal()) << workers;
  }
}

TEST_F(VerifyModelTest, EveryChangedBitIsFound) {
  std::mt19937 engine(3);
  int found = 0;
  constexpr int kChanges = 300;
  for (int k = 0; k < kChanges; ++k) {
    const bool in_info = k % 3 == 0;
    const std::filesystem::path& file = in_info ? info_ : out_;
    const size_t bit = engine() % (8 * Slurp(file).size());
    const std::string seen = SeenAfter(file, [&](std::string& bytes) {
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    });
    EXPECT_NE(seen, "equal") << file << " bit " << bit;
    found += seen != "equal" ? 1 : 0;
  }
  EXPECT_EQ(found, kChanges);
  EXPECT_TRUE(Verify().is_equal()) << "and all of them were put back";
}

TEST_F(VerifyModelTest, TheTensorAndTheMetadataAreNamed) {
  Model model = LoadOnnx(out_).model;
  Tensor& codes = model.graph.initializers.begin()->second;
  std::string bytes = *codes.bytes;
  bytes[0] = static_cast<char>(bytes[0] ^ 1);
  codes.bytes = std::make_shared<const std::string>(bytes);
  const std::string name = codes.name;
  EXPECT_THAT(SeenAfter(out_, [&](std::string& file) { file = SerializeModel(model); }),
              HasSubstr("tensor " + name + ": element 0 is "));
  model = LoadOnnx(out_).model;
  for (auto& [key, value] : model.metadata)
    if (key == "qconvert.quant_info_sha256") value[0] = value[0] == '0' ? '1' : '0';
  EXPECT_THAT(SeenAfter(out_, [&](std::string& file) { file = SerializeModel(model); }),
              HasSubstr("metadata qconvert.quant_info_sha256"));
  EXPECT_THAT(SeenAfter(out_, [](std::string& file) { file.resize(file.size() / 2); }),
              HasSubstr("file"));
}

TEST_F(VerifyModelTest, AReceiptOfAnEarlierConversionIsNotKept) {
  Model model = SmallNet();
  model.metadata = {{"qconvert.version", "stale"},
                    {"author", "somebody"},
                    {"qconvert.data_sha256", "stale"},
                    {"qconvert.processor_kind", "stale"},
                    {"qconvert.quant_info_sha256", "stale"}};
  dir_.Write("m.onnx", SerializeModel(model));
  MakeOut(false);
  bool has_author = false;
  for (const auto& [key, value] : LoadOnnx(out_).model.metadata) {
    EXPECT_NE(value, "stale") << key;
    has_author |= key == "author";
  }
  EXPECT_TRUE(has_author);
}

TEST_F(VerifyModelTest, AnEditedPlanIsFoundThoughItFits) {
  const std::string seen = SeenAfter(info_, [](std::string& text) {
    const size_t at = text.find("\"method\"");
    ASSERT_NE(at, std::string::npos);
    text.insert(text.find('"', at + 9) + 1, "x");
  });
  EXPECT_NE(seen, "equal");
}

TEST_F(VerifyModelTest, OtherSamplesGiveOtherScales) {
  dir_.Write("data/4.npy", NpyFloats({1, 4, 4, 4}, RandomFloats(64, 9, 5.0F)));
  const Verification seen = Verify(true);
  ASSERT_FALSE(seen.is_equal());
  EXPECT_TRUE(std::any_of(seen.differences.begin(), seen.differences.end(), [](const auto& one) {
    return one.where == "metadata qconvert.quant_info_sha256";
  }));
  EXPECT_TRUE(Verify().is_equal()) << "the plan still is what was applied";
}

TEST_F(VerifyModelTest, AnotherFloatModelIsADifference) {
  Model other = SmallNet();
  other.graph.nodes[0].name = "/other";
  dir_.Write("m.onnx", SerializeModel(other));
  EXPECT_THAT(Verify().differences.at(0).Line(), HasSubstr("is of another model"));
}

TEST_F(VerifyModelTest, WeightsBesideTheModel) {
  dir_.Write("m.onnx", SerializeModel(SmallNet(1024)));
  MakeOut(true);
  EXPECT_TRUE(Verify().is_equal());
  std::filesystem::path data;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path()))
    if (entry.path().extension() == ".data") data = entry.path();
  ASSERT_FALSE(data.empty());
  EXPECT_NE(SeenAfter(data, [](std::string& bytes) { bytes[5] = static_cast<char>(~bytes[5]); }),
            "equal");
}

TEST_F(VerifyModelTest, WhatIsMissingIsAnErrorAndNothingIsLeftBehind) {
  std::filesystem::remove(info_);
  EXPECT_THROW(Verify(), Error);
  MakeOut(false);
  std::filesystem::remove(out_);
  EXPECT_THROW(Verify(), Error);
}

}  // namespace
}  // namespace qconvert
