#include "visit_weights.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

struct Visits {
  std::map<std::pair<size_t, int64_t>, size_t> places;  // by channel and weight
  size_t changes = 0;                                   // of the channel
};

Visits Visit(const WeightOrder& order, int64_t first, int64_t last) {
  Visits out;
  size_t before = static_cast<size_t>(last);
  VisitWeights(order, first, last, [&](int64_t /*batch*/, int64_t k, size_t o, size_t place) {
    EXPECT_TRUE(out.places.emplace(std::pair(o, k), place).second) << "once";
    out.changes += o == before ? 0 : 1;
    before = o;
  });
  return out;
}

// Each step to another channel is one to memory far away.
TEST(VisitWeightsTest, StripsOfAMatrix) {
  const Tensor matrix = RandomTensor("m", {40, 9}, 1);
  const WeightOrder order = KernelOrder(MakeNode("MatMul", {"x", "m"}, {"y"}), matrix);
  const Visits visits = Visit(order, 2, 7);
  EXPECT_EQ(visits.places.size(), 5U * 40U);
  for (const auto& [at, place] : visits.places)
    EXPECT_EQ(place, static_cast<size_t>(at.second) * 9 + 2 + at.first);
  EXPECT_EQ(visits.changes, 5U * 3U) << "strips of 16, 16 and 8";
}

TEST(VisitWeightsTest, EveryWeightOfAConvInTheOrderOfItsKernel) {
  const Tensor weight = RandomTensor("w", {4, 5, 3, 3}, 1);
  const WeightOrder order = KernelOrder(MakeNode("Conv", {"x", "w"}, {"y"}), weight);
  ASSERT_EQ(order.count, 45);
  const Visits visits = Visit(order, 1, 4);
  std::set<size_t> places;
  for (const auto& [at, place] : visits.places) {
    const int64_t outer = at.second / order.inner_count;
    const int64_t inner = at.second % order.inner_count;
    EXPECT_EQ(static_cast<int64_t>(place),
              (1 + static_cast<int64_t>(at.first)) * order.channel_stride +
                  outer * order.outer_stride + inner * order.inner_stride);
    places.insert(place);
  }
  EXPECT_EQ(places.size(), 3U * 45U);
  EXPECT_EQ(*places.begin(), 45U);
}

// Groups of a ConvTranspose lie apart: channel 3 is the second of the second group.
TEST(VisitWeightsTest, ChannelsOfEveryGroupOfAConvTranspose) {
  const Tensor weight = RandomTensor("w", {6, 2, 3}, 1);
  Node node = MakeNode("ConvTranspose", {"x", "w"}, {"y"});
  node.Set("group", int64_t{2});
  const WeightOrder order = KernelOrder(node, weight);
  const Visits visits = Visit(order, 1, 4);
  EXPECT_EQ(visits.places.size(), 3U * 9U);
  for (const auto& [at, place] : visits.places) {
    const auto channel = 1 + static_cast<int64_t>(at.first);
    const int64_t input = channel / 2 * 3 + at.second % 3;
    EXPECT_EQ(static_cast<int64_t>(place), (input * 2 + channel % 2) * 3 + at.second / 3);
  }
}

}  // namespace
}  // namespace qconvert
