// Work that grows with the square of the number of nodes shows here as a time-out, far above what a
// slow machine needs.
#include <gtest/gtest.h>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/runtime/opened_models.h"
#include "qconvert/transform/fold_weights.h"
#include "qconvert/transform/normalize.h"
#include "support/conversion_job.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

std::string Name(const char* prefix, size_t i) { return prefix + std::to_string(i); }

TEST(LongChainTest, TwentyThousandNodesArePreparedAndWritten) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y").Floats("k", {}, {1e-6F}).Random("w", {8, 4});
  std::string value = "x";
  for (size_t i = 0; i < 10'000; ++i) {
    b.Add("Add", {value, "k"}, {Name("a", i)});
    b.Add("Relu", {Name("a", i)}, {Name("r", i)});
    value = Name("r", i);
  }
  b.Add("MatMul", {value, "w"}, {"y"});
  PrepareModel(b.model, "m");
  EXPECT_EQ(b.model.graph.nodes.size(), 20'001U);
  EXPECT_GT(SerializeModel(b.model).size(), 20'000U);
}

// Each model that the engine is given costs as long as its nodes: the float model and the file. A
// plan that changes nothing gives what the float model has given.
TEST(LongChainTest, TheEngineOpensFewModelsWhereNothingIsQuantized) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y").Floats("k", {}, {1e-6F}).Random("w", {8, 4});
  std::string value = "x";
  for (size_t i = 0; i < 2'000; ++i) {
    b.Add("Add", {value, "k"}, {Name("a", i)}).name = Name("a", i);
    b.Add("Relu", {Name("a", i)}, {Name("r", i)}).name = Name("r", i);
    value = Name("r", i);
  }
  b.Add("MatMul", {value, "w"}, {"y"});
  const TempDir folder;
  const ConvertOptions options = PrepareConversion(folder, b, {1, 8});
  const int64_t before = OpenedModels();
  const ConversionReport report = Convert(options);
  EXPECT_EQ(OpenedModels() - before, 2);
  EXPECT_EQ(report.guard.measurements, 1);
  EXPECT_TRUE(report.guard.passed);
  EXPECT_EQ(report.integer_nodes, 0U);
  constexpr int64_t kSeal = 100;
  EXPECT_LE(report.quantized_bytes, report.float_bytes + kSeal) << "no types that engines infer";
}

TEST(LongChainTest, AHundredThousandIdentitiesReadAtEachStep) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  constexpr size_t kLength = 100'000;
  std::string value = "x";
  std::vector<std::string> read;
  for (size_t i = 0; i < kLength; ++i) {
    b.Add("Identity", {value}, {Name("i", i)});
    value = Name("i", i);
    read.push_back(value);
  }
  b.Add("Sum", read, {"y"});
  EXPECT_EQ(EliminateIdentity(b.model.graph), kLength);
  EXPECT_EQ(b.model.graph.nodes[0].inputs, std::vector<std::string>(kLength, "x"));
}

TEST(LongChainTest, ConstantsBehindAConvFoldOneByOne) {
  GraphBuilder b;
  b.Input("x", {"1", "2", "4", "4"}).Output("y").Random("w", {2, 2, 1, 1}).Floats("k", {}, {1});
  b.Add("Conv", {"x", "w"}, {"c"});
  std::string value = "c";
  constexpr size_t kLength = 20'000;
  for (size_t i = 0; i < kLength; ++i) {
    b.Add("Mul", {value, "k"}, {Name("m", i)});
    value = Name("m", i);
  }
  b.Add("Relu", {value}, {"y"});
  EXPECT_EQ(FoldArithmeticIntoConv(b.model.graph), kLength);
  EXPECT_EQ(b.model.graph.nodes.size(), 2U);
}

}  // namespace
}  // namespace qconvert
