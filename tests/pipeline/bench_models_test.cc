#include "qconvert/pipeline/bench_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::Each;
using testing::Gt;
using testing::HasSubstr;

// A chain of matrix products: `depth` of them.
Model Chain(int depth, const std::string& batch = "1") {
  GraphBuilder b;
  b.Input("x", {batch, "64"}).Random("w", {64, 64}, 0.1F).Output("y");
  std::string value = "x";
  for (int k = 0; k < depth; ++k) {
    const std::string next = k + 1 == depth ? "y" : "h" + std::to_string(k);
    b.Add("MatMul", {value, "w"}, {next});
    value = next;
  }
  return b.model;
}

class BenchModelsTest : public testing::Test {
 protected:
  BenchModelsOptions Options() const {
    BenchModelsOptions options;
    options.models = {dir_.Write("a.onnx", SerializeModel(Chain(1))),
                      dir_.Write("b.onnx", SerializeModel(Chain(3)))};
    options.rounds = 7;
    return options;
  }
  const TempDir dir_;
};

TEST_F(BenchModelsTest, EveryModelRunsInEveryRound) {
  BenchModelsOptions options = Options();
  size_t told = 0;
  options.progress = [&](size_t done, size_t total) {
    EXPECT_EQ(total, 7U);
    told = done;
  };
  const BenchReport report = BenchModels(options);
  ASSERT_EQ(report.models.size(), 2U);
  for (const BenchedModel& model : report.models) {
    EXPECT_EQ(model.seconds.size(), 7U);
    EXPECT_THAT(model.seconds, Each(Gt(0)));
  }
  EXPECT_EQ(told, 7U);
  EXPECT_TRUE(report.is_random);
  EXPECT_FALSE(report.models[0].has_free_dimensions);
  EXPECT_FALSE(report.processor.empty());
}

TEST_F(BenchModelsTest, TheProfileCountsTheNodesOfEachOperator) {
  const BenchReport report = BenchModels(Options());
  ASSERT_EQ(report.models[1].profile.size(), 1U);
  EXPECT_EQ(report.models[1].profile[0].op_type, "MatMul");
  EXPECT_EQ(report.models[1].profile[0].nodes, 3U);
  BenchModelsOptions without = Options();
  without.profile = false;
  EXPECT_TRUE(BenchModels(without).models[1].profile.empty());
}

// The engine's trace holds names as they are, which many of these would break.
TEST_F(BenchModelsTest, NodesOfAnyNameAreProfiled) {
  Model chain = Chain(4);
  const std::vector<std::string> names = {"quoted\"name", "C:\\x", "two\nlines", "\x01\x1b[31m"};
  for (size_t n = 0; n < names.size(); ++n) chain.graph.nodes[n].name = names[n];
  BenchModelsOptions options = Options();
  options.models = {dir_.Write("odd.onnx", SerializeModel(chain))};
  const BenchReport report = BenchModels(options);
  ASSERT_EQ(report.models[0].profile.size(), 1U);
  EXPECT_EQ(report.models[0].profile[0].nodes, 4U);
}

TEST_F(BenchModelsTest, FewRoundsAtLeastHoweverLittleTimeThereIs) {
  BenchModelsOptions options = Options();
  options.rounds = 0;
  options.seconds = 1e-6;
  EXPECT_EQ(BenchModels(options).models[0].seconds.size(), size_t{kFewestRounds});
}

TEST_F(BenchModelsTest, SamplesAreFedWhereThereAreSome) {
  BenchModelsOptions options = Options();
  options.models = {dir_.Write("free.onnx", SerializeModel(Chain(1, "N")))};
  dir_.Write("data/0.npy", NpyFloats({5, 64}, std::vector<float>(320, 0.5F)));
  options.data.folder = dir_ / "data";
  EXPECT_FALSE(BenchModels(options).is_random);
  options.data.folder.clear();
  EXPECT_TRUE(BenchModels(options).models[0].has_free_dimensions);
}

TEST_F(BenchModelsTest, InputsAreNotOverwritten) {
  BenchModelsOptions options = Options();
  options.outputs = {options.models[1]};
  try {
    BenchModels(options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kUsage);
    EXPECT_THAT(e.what(), HasSubstr("b.onnx"));
  }
}

}  // namespace
}  // namespace qconvert
