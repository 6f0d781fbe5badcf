#include "qconvert/plan/multiply_adds.h"

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

double CountOf(GraphBuilder& b, const ValueSizes& sizes = {}) {
  const Graph& graph = b.model.graph;
  return CountMultiplyAdds(graph, CostModel(graph, sizes), graph.nodes.back());
}

TEST(MultiplyAddsTest, AConvolutionMultipliesEveryOutputByItsWindow) {
  GraphBuilder b;
  b.Random("w", {8, 3, 3, 3}).Add("Conv", {"x", "w"}, {"y"});
  EXPECT_EQ(CountOf(b, {{"y", 8 * 10 * 10}}), 800 * 27);
  GraphBuilder grouped;
  grouped.Random("w", {8, 1, 3, 3}).Add("Conv", {"x", "w"}, {"y"}).Set("group", int64_t{8});
  EXPECT_EQ(CountOf(grouped, {{"y", 800}}), 800 * 9);
}

TEST(MultiplyAddsTest, ATransposedConvolutionMultipliesEveryInput) {
  GraphBuilder b;
  b.Random("w", {3, 8, 2, 2}).Add("ConvTranspose", {"x", "w"}, {"y"});
  EXPECT_EQ(CountOf(b, {{"x", 75}, {"y", 800}}), 75 * 32);
}

TEST(MultiplyAddsTest, MatrixProductsByTheirInnerDimension) {
  GraphBuilder gemm;
  gemm.Random("w", {10, 64}).Add("Gemm", {"x", "w"}, {"y"}).Set("transB", int64_t{1});
  EXPECT_EQ(CountOf(gemm, {{"y", 20}}), 20 * 64);
  GraphBuilder matmul;
  matmul.Random("w", {64, 10}).Add("MatMul", {"x", "w"}, {"y"});
  EXPECT_EQ(CountOf(matmul, {{"y", 20}}), 20 * 64);
  GraphBuilder computed;  // [5, 7] x [7, 3]
  computed.Add("MatMul", {"a", "b"}, {"y"});
  EXPECT_NEAR(CountOf(computed, {{"a", 35}, {"b", 21}, {"y", 15}}), 5 * 7 * 3, 1e-9);
}

TEST(MultiplyAddsTest, ARecurrentNodeMultipliesAllItsWeightsInEveryStep) {
  GraphBuilder b;
  b.Random("w", {1, 16, 4}).Random("r", {1, 16, 4}).Add("LSTM", {"x", "w", "r"}, {"y"});
  EXPECT_EQ(CountOf(b, {{"x", 7 * 4}}), 7 * 128);
}

TEST(MultiplyAddsTest, OtherOperatorsHaveNone) {
  GraphBuilder b;
  b.Add("Add", {"a", "b"}, {"y"});
  EXPECT_EQ(CountOf(b), 0);
  GraphBuilder computed_weight;
  computed_weight.Add("Conv", {"x", "w"}, {"y"});
  EXPECT_EQ(CountOf(computed_weight), 0);
}

}  // namespace
}  // namespace qconvert
