// Which layers learn together.
#include "qconvert/plan/find_blocks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using Nodes = std::vector<size_t>;

// A net whose layers are its Conv.
class Net {
 public:
  Net() { b_.Input("x", {"1", "8", "4", "4"}); }
  std::string Add(const std::string& type, std::vector<std::string> inputs) {
    const std::string name = "v" + std::to_string(b_.model.graph.nodes.size());
    if (type == "Conv") inputs.push_back("w");
    b_.Add(type, std::move(inputs), {name});
    return name;
  }
  std::string Conv(const std::string& input) { return Add("Conv", {input}); }
  std::string Relu(const std::string& input) { return Add("Relu", {input}); }

  std::vector<Block> Blocks(const std::vector<std::string>& outputs, BlockLimits limits = {}) {
    b_.Random("w", {8, 8, 1, 1});
    for (const std::string& output : outputs) b_.Output(output);
    std::set<size_t> layers;
    for (size_t n = 0; n < b_.model.graph.nodes.size(); ++n)
      if (b_.model.graph.nodes[n].Is("Conv")) layers.insert(n);
    return FindBlocks(b_.model.graph, layers, limits);
  }

 private:
  GraphBuilder b_;
};

TEST(FindBlocksTest, AChainIsCutIntoPiecesOfThreeLayers) {
  Net net;
  std::string at = "x";
  for (int k = 0; k < 5; ++k) at = net.Relu(net.Conv(at));
  const std::vector<Block> blocks = net.Blocks({at});
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(blocks[0], (Block{"x", "v5", Nodes{0, 1, 2, 3, 4, 5}, Nodes{0, 2, 4}}));
  EXPECT_EQ(blocks[1], (Block{"v5", "v9", Nodes{6, 7, 8, 9}, Nodes{6, 8}}));
}

TEST(FindBlocksTest, AResidualIsABlockWithTheActivationBehindIt) {
  Net net;
  const std::string stem = net.Relu(net.Conv("x"));                  // 0, 1
  const std::string branch = net.Conv(net.Relu(net.Conv(stem)));     // 2, 3, 4
  const std::string end = net.Relu(net.Add("Add", {branch, stem}));  // 5, 6
  const std::string last = net.Conv(end);                            // 7
  const std::vector<Block> blocks = net.Blocks({last});
  ASSERT_EQ(blocks.size(), 1U) << "one layer alone is no block";
  EXPECT_EQ(blocks[0], (Block{stem, end, Nodes{2, 3, 4, 5, 6}, Nodes{2, 4}}));
}

TEST(FindBlocksTest, TwoBranchesWithLayersMeet) {
  Net net;
  const std::string left = net.Conv("x");
  const std::string right = net.Conv(net.Relu(net.Conv("x")));
  const std::string end = net.Add("Concat", {left, right});
  const std::vector<Block> blocks = net.Blocks({end});
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0], (Block{"x", end, Nodes{0, 1, 2, 3, 4}, Nodes{0, 1, 3}}));
}

TEST(FindBlocksTest, InvertedResidualsWithAndWithoutASum) {
  Net net;
  const auto inverted = [&](const std::string& at) {  // expand, depthwise, project
    return net.Conv(net.Add("Clip", {net.Conv(net.Add("Clip", {net.Conv(at)}))}));
  };
  const std::string first = inverted("x");                              // 0 .. 4
  const std::string second = net.Add("Add", {inverted(first), first});  // 5 .. 10
  const std::vector<Block> blocks = net.Blocks({second});
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(blocks[0], (Block{"x", first, Nodes{0, 1, 2, 3, 4}, Nodes{0, 2, 4}}));
  EXPECT_EQ(blocks[1], (Block{first, second, Nodes{5, 6, 7, 8, 9, 10}, Nodes{5, 7, 9}}));
}

TEST(FindBlocksTest, WhatForksWithoutLayersBelongsToTheBlockInFront) {
  Net net;
  const std::string first = net.Conv("x");
  const std::string swish = net.Add("Mul", {first, net.Add("Sigmoid", {first})});
  const std::string last = net.Conv(swish);
  const std::vector<Block> blocks = net.Blocks({last});
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0], (Block{"x", last, Nodes{0, 1, 2, 3}, Nodes{0, 3}}));
}

TEST(FindBlocksTest, WhatMayNotFollowEndsABlock) {
  Net net;
  const std::string second = net.Relu(net.Conv(net.Conv("x")));
  const std::string end = net.Add("Softmax", {second});
  const std::vector<Block> blocks =
      net.Blocks({end}, {.may_follow = [](const Node& node) { return node.Is("Relu"); }});
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0], (Block{"x", second, Nodes{0, 1, 2}, Nodes{0, 1}}));
}

TEST(FindBlocksTest, ABranchThatIsTooLargeIsTakenApart) {
  const auto blocks = [](BlockLimits limits) {
    Net net;
    std::string at = "x";
    for (int k = 0; k < 4; ++k) at = net.Conv(at);
    return net.Blocks({net.Add("Add", {at, "x"})}, limits);
  };
  EXPECT_EQ(blocks({}).size(), 1U);
  EXPECT_EQ(blocks({})[0].exit, "v4");
  for (const BlockLimits& limits : {BlockLimits{.most_layers = 3}, BlockLimits{.most_nodes = 4}}) {
    const std::vector<Block> parts = blocks(limits);
    ASSERT_EQ(parts.size(), 1U) << "from the first layer's output on";
    EXPECT_EQ(parts[0], (Block{"v0", "v3", Nodes{1, 2, 3}, Nodes{1, 2, 3}}));
  }
}

TEST(FindBlocksTest, WhatIsReadElsewhereEndsABlock) {
  Net net;
  const std::string first = net.Conv("x");
  const std::string second = net.Conv(first);
  const std::string third = net.Conv(second);
  const std::vector<Block> blocks = net.Blocks({third, first});
  ASSERT_EQ(blocks.size(), 0U) << "an output in between: nothing follows it alone";
}

}  // namespace
}  // namespace qconvert
