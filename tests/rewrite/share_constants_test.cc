// Equal codes of several bodies, stored once, where all that read them see them.
#include "share_constants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/ir/topology.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Tensor Codes(const std::string& name, std::vector<int8_t> values, std::vector<int64_t> dims = {}) {
  if (dims.empty()) dims = {1, static_cast<int64_t>(values.size())};
  return MakeTensor<int8_t>(name, DataType::kInt8, std::move(dims), values);
}

// A body that reads each of these.
Graph Level(const std::string& output, const std::vector<Tensor>& constants) {
  Graph graph;
  graph.name = output;
  Node node = MakeNode("Sum", {}, {output});
  for (const Tensor& one : constants) {
    graph.initializers.emplace(one.name, one);
    node.inputs.push_back(one.name);
  }
  graph.nodes.push_back(node);
  graph.outputs.push_back({output, {DataType::kInt8, {}, {}}, {}, {}});
  return graph;
}

void AddIf(Graph& graph, const std::string& output, Graph then_branch, Graph else_branch) {
  Node node = MakeNode("If", {"c"}, {output});
  node.Set("then_branch", Subgraph(std::move(then_branch)));
  node.Set("else_branch", Subgraph(std::move(else_branch)));
  graph.nodes.push_back(std::move(node));
}

std::vector<std::string> Held(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : graph.initializers) names.push_back(name);
  return names;
}

const Graph& BodyOf(const Graph& graph, size_t node, size_t body) {
  return *SubgraphsOf(graph.nodes[node])[body];
}

TEST(ShareConstantsTest, EqualCodesOfTwoBranchesGoToTheLevelAround) {
  Graph graph;
  AddIf(graph, "y", Level("t", {Codes("w", {1, 2})}), Level("e", {Codes("v", {1, 2})}));
  ShareConstants(graph, {"w", "v"});
  ASSERT_EQ(Held(graph).size(), 1U);
  const std::string shared = Held(graph)[0];
  for (const size_t body : {size_t{0}, size_t{1}}) {
    EXPECT_THAT(Held(BodyOf(graph, 0, body)), IsEmpty());
    EXPECT_THAT(BodyOf(graph, 0, body).nodes[0].inputs, ElementsAre(shared));
  }
  EXPECT_EQ(graph.initializers.at(shared).name, shared);
}

TEST(ShareConstantsTest, WhatAnOuterLevelHoldsIsReadFromThere) {
  Graph graph = Level("m", {Codes("w", {1, 2})});
  AddIf(graph, "y", Level("t", {Codes("v", {1, 2})}), Level("e", {Codes("u", {3, 4})}));
  ShareConstants(graph, {"w", "v", "u"});
  EXPECT_THAT(Held(graph), ElementsAre("w"));
  EXPECT_THAT(BodyOf(graph, 1, 1).nodes[0].inputs, ElementsAre("w"));
  EXPECT_THAT(Held(BodyOf(graph, 1, 0)), ElementsAre("u")) << "nobody else has it";
}

TEST(ShareConstantsTest, NoFurtherOutThanNeeded) {
  Graph inner;
  inner.name = "inner";
  AddIf(inner, "i", Level("a", {Codes("wa", {5, 6})}), Level("b", {Codes("wb", {5, 6})}));
  inner.outputs.push_back({"i", {DataType::kInt8, {}, {}}, {}, {}});
  Graph graph;
  AddIf(graph, "y", inner, Level("e", {Codes("we", {7, 8})}));
  ShareConstants(graph, {"wa", "wb", "we"});
  EXPECT_THAT(Held(graph), IsEmpty()) << "the other branch does not read it";
  const Graph& then_branch = BodyOf(graph, 0, 1);
  ASSERT_EQ(Held(then_branch).size(), 1U);
  EXPECT_THAT(BodyOf(then_branch, 0, 0).nodes[0].inputs, ElementsAre(Held(then_branch)[0]));
  EXPECT_THAT(BodyOf(then_branch, 0, 1).nodes[0].inputs, ElementsAre(Held(then_branch)[0]));
}

// A third holder two levels away takes what two have in common out once more.
TEST(ShareConstantsTest, SeveralLevelsMeetAtTheOneAroundAllOfThem) {
  Graph inner;
  inner.name = "inner";
  AddIf(inner, "i", Level("a", {Codes("wa", {5, 6})}), Level("b", {Codes("wb", {5, 6})}));
  inner.outputs.push_back({"i", {DataType::kInt8, {}, {}}, {}, {}});
  Graph graph;
  AddIf(graph, "y", inner, Level("e", {Codes("we", {5, 6})}));
  ShareConstants(graph, {"wa", "wb", "we"});
  ASSERT_EQ(Held(graph).size(), 1U);
  const std::string shared = Held(graph)[0];
  const Graph& then_branch = BodyOf(graph, 0, 1);
  EXPECT_THAT(Held(then_branch), IsEmpty());
  for (const Graph* level :
       {&BodyOf(graph, 0, 0), &BodyOf(then_branch, 0, 0), &BodyOf(then_branch, 0, 1)}) {
    EXPECT_THAT(Held(*level), IsEmpty());
    EXPECT_THAT(level->nodes[0].inputs, ElementsAre(shared)) << level->name;
  }
}

TEST(ShareConstantsTest, WhatDiffersAnywhereOrIsSmallStaysApart) {
  const std::vector<uint8_t> bytes = {1, 2};
  const std::vector<float> floats = {1, 2};
  const std::vector<std::pair<Tensor, Tensor>> pairs = {
      {Codes("w", {1, 2}), Codes("v", {1, 3})},
      {Codes("w", {1, 2}), Codes("v", {1, 2}, {2, 1})},
      {Codes("w", {1, 2}), MakeTensor<uint8_t>("v", DataType::kUint8, {1, 2}, bytes)},
      {Codes("w", {1, 2}, {2}), Codes("v", {1, 2}, {2})},  // zero points by channel
      {MakeFloatTensor("w", {1, 2}, floats), MakeFloatTensor("v", {1, 2}, floats)},
  };
  for (const auto& [w, v] : pairs) {
    Graph graph;
    AddIf(graph, "y", Level("t", {w}), Level("e", {v}));
    ShareConstants(graph, {"w", "v"});
    EXPECT_THAT(Held(graph), IsEmpty());
    EXPECT_THAT(Held(BodyOf(graph, 0, 1)), ElementsAre("w"));
    EXPECT_THAT(Held(BodyOf(graph, 0, 0)), ElementsAre("v"));
  }
}

TEST(ShareConstantsTest, OnlyWhatWasMadeIsMoved) {
  Graph graph;
  AddIf(graph, "y", Level("t", {Codes("w", {1, 2})}), Level("e", {Codes("v", {1, 2})}));
  ShareConstants(graph, {"w"});
  EXPECT_THAT(Held(graph), IsEmpty());
  EXPECT_THAT(Held(BodyOf(graph, 0, 0)), ElementsAre("v")) << "others may use its name";
}

}  // namespace
}  // namespace qconvert
