#include "drawn_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"
#include "support/observe.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ClippedShareTest, CountsWhatLiesBeyondEitherEnd) {
  std::vector<float> values(90, 0.5F);
  values.insert(values.end(), 6, 7.0F);
  values.insert(values.end(), 4, -3.0F);
  const TensorStatistics seen = Observe(values);
  EXPECT_DOUBLE_EQ(ClippedShare(seen, {-4, 8}), 0);
  EXPECT_DOUBLE_EQ(ClippedShare(seen, {-4, 1}), 0.06);
  EXPECT_DOUBLE_EQ(ClippedShare(seen, {-1, 1}), 0.1);
  EXPECT_DOUBLE_EQ(ClippedShare(seen, {-3, 7}), 0) << "its own ends are inside";
  EXPECT_DOUBLE_EQ(ClippedShare(Observe({}), {0, 0}), 0);
}

TEST(ChannelsOfTest, ByTheAxisOfTheOutputs) {
  GraphBuilder b;
  b.Floats("conv", {2, 1, 1, 2}, {1, 2, 3, 4}).Floats("rows", {2, 3}, {1, 2, 3, 4, 5, 6});
  b.Ints("codes", {2}, {1, 2});
  const Graph& graph = b.model.graph;
  EXPECT_THAT(ChannelsOf(graph, MakeNode("Conv", {"x", "conv"}, {"y"}), "conv"),
              ElementsAre(ElementsAre(1, 2), ElementsAre(3, 4)));
  EXPECT_THAT(ChannelsOf(graph, MakeNode("MatMul", {"x", "rows"}, {"y"}), "rows"),
              ElementsAre(ElementsAre(1, 4), ElementsAre(2, 5), ElementsAre(3, 6)));
  Node gemm = MakeNode("Gemm", {"x", "rows"}, {"y"});
  gemm.Set("transB", int64_t{1});
  EXPECT_THAT(ChannelsOf(graph, gemm, "rows"),
              ElementsAre(ElementsAre(1, 2, 3), ElementsAre(4, 5, 6)));
  EXPECT_THAT(ChannelsOf(graph, gemm, "codes"), IsEmpty()) << "no floats";
  EXPECT_THAT(ChannelsOf(graph, gemm, "nothing"), IsEmpty());
}

TEST(WidthsOfTest, AreTheLargestMagnitudes) {
  EXPECT_THAT(WidthsOf({{1, -5, 2}, {}, {0, 0.25F}}), ElementsAre(5, 0, 0.25F));
  EXPECT_THAT(WidthsOf({}), IsEmpty());
}

}  // namespace
}  // namespace qconvert
