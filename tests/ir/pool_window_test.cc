#include "qconvert/ir/pool_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<int64_t> WindowOf(const char* op_type, const std::vector<std::string>& dims) {
  GraphBuilder b;
  b.Input("x", dims).Output("y");
  return AverageWindow(b.model.graph, b.Add(op_type, {"x"}, {"y"}));
}

TEST(PoolWindowTest, OfAnAveragePoolItIsTheKernel) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y");
  Node& pool = b.Add("AveragePool", {"x"}, {"y"});
  EXPECT_THAT(AverageWindow(b.model.graph, pool), IsEmpty());
  pool.Set("kernel_shape", std::vector<int64_t>{3, 2});
  EXPECT_THAT(AverageWindow(b.model.graph, pool), ElementsAre(3, 2));
}

TEST(PoolWindowTest, OfAGlobalOneAllBehindTheChannels) {
  EXPECT_THAT(WindowOf("GlobalAveragePool", {"1", "3", "7", "5"}), ElementsAre(7, 5));
  EXPECT_THAT(WindowOf("GlobalAveragePool", {"N", "3", "9"}), ElementsAre(9));
  EXPECT_THAT(WindowOf("GlobalAveragePool", {"1", "3", "H", "5"}), IsEmpty()) << "H is free";
}

TEST(PoolWindowTest, OtherNodesAverageNothing) {
  EXPECT_THAT(WindowOf("MaxPool", {"1", "3", "7", "5"}), IsEmpty());
  EXPECT_THAT(WindowOf("Relu", {"1", "3", "7", "5"}), IsEmpty());
}

}  // namespace
}  // namespace qconvert
