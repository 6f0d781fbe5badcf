// Nodes that name axes, moved to the front of a Transpose: the same numbers in the engine.
#include "permute_axes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>

#include "qconvert/ir/graph_printer.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

TEST(InverseTest, UndoesEveryPermutation) {
  Perm perm = {0, 1, 2, 3};
  do {
    const std::optional<Perm> inverse = Inverse(perm);
    ASSERT_TRUE(inverse);
    for (size_t d = 0; d < perm.size(); ++d)
      EXPECT_EQ((*inverse)[static_cast<size_t>(perm[d])], static_cast<int64_t>(d));
    EXPECT_THAT(*Inverse(*inverse), ElementsAreArray(perm));
    EXPECT_EQ(IsIdentity(perm), *inverse == perm && std::is_sorted(perm.begin(), perm.end()));
  } while (std::next_permutation(perm.begin(), perm.end()));
}

TEST(InverseTest, OfAScalarIsItself) {
  EXPECT_THAT(*Inverse({}), IsEmpty());
  EXPECT_TRUE(IsIdentity({}));
}

TEST(InverseTest, WhatIsNoPermutationHasNone) {
  for (const Perm& perm : std::vector<Perm>{{0, 0}, {1}, {-1, 0}, {0, 1, 3}, {2, 1, 2}})
    EXPECT_FALSE(Inverse(perm)) << testing::PrintToString(perm);
}

using Nodes = std::function<void(GraphBuilder&)>;  // the node that reads "a" comes last

struct Case {
  const char* name;
  int64_t opset;
  Nodes nodes;
};

const std::vector<Case> kCases = {
    {"Softmax over the last axis", 13, [](auto& b) { b.Add("Softmax", {"a"}, {"y"}); }},
    {"Softmax over an axis from the end", 13,
     [](auto& b) { b.Add("Softmax", {"a"}, {"y"}).Set("axis", int64_t{-3}); }},
    {"Hardmax", 13, [](auto& b) { b.Add("Hardmax", {"a"}, {"y"}).Set("axis", int64_t{1}); }},
    {"ArgMax over the first axis", 13, [](auto& b) { b.Add("ArgMax", {"a"}, {"y"}); }},
    {"ArgMin that drops its axis", 13,
     [](auto& b) {
       Node& node = b.Add("ArgMin", {"a"}, {"y"});
       node.Set("axis", int64_t{-2});
       node.Set("keepdims", int64_t{0});
     }},
    {"ReduceMax of two axes that go", 13,
     [](auto& b) {
       Node& node = b.Add("ReduceMax", {"a"}, {"y"});
       node.Set("axes", std::vector<int64_t>{-1, 1});
       node.Set("keepdims", int64_t{0});
     }},
    {"ReduceSum of the middle ones, which go", 13,
     [](auto& b) {
       b.Ints("axes", {2}, {2, 1});
       b.Add("ReduceSum", {"a", "axes"}, {"y"}).Set("keepdims", int64_t{0});
     }},
    {"ReduceL2 of all axes", 13,
     [](auto& b) {
       Node& node = b.Add("ReduceL2", {"a"}, {"y"});
       node.Set("axes", std::vector<int64_t>{0, 1, 2, 3});
       node.Set("keepdims", int64_t{0});
     }},
    {"ReduceMean with axes as an input", 18,
     [](auto& b) {
       b.Ints("axes", {1}, {-4}).Add("ReduceMean", {"a", "axes"}, {"y"});
     }},
    {"Slice with a negative step", 13,
     [](auto& b) {
       b.Ints("from", {2}, {-1, 0}).Ints("to", {2}, {-9, 1}).Ints("axes", {2}, {-1, 0});
       b.Ints("steps", {2}, {-2, 1}).Add("Slice", {"a", "from", "to", "axes", "steps"}, {"y"});
     }},
    {"Slice of the first axes with steps", 13,
     [](auto& b) {
       b.Ints("from", {3}, {0, 1, 0}).Ints("to", {3}, {9, 9, 9}).Ints("steps", {3}, {1, 1, 2});
       b.Add("Slice", {"a", "from", "to", "", "steps"}, {"y"});
     }},
    {"Pad of all axes", 13,
     [](auto& b) {
       b.Ints("pads", {8}, {0, 1, 2, 0, 3, 0, 1, -1}).Floats("v", {}, {0.5F});
       b.Add("Pad", {"a", "pads", "v"}, {"y"});
     }},
    {"Pad of one axis", 18,
     [](auto& b) {
       b.Ints("pads", {2}, {1, 1}).Ints("axes", {1}, {-2});
       b.Add("Pad", {"a", "pads", "", "axes"}, {"y"}).Set("mode", std::string("reflect"));
     }},
};

// x [2,3,4,5] -> Transpose -> nodes, and the last node in front of the Transpose it asks for.
TEST(PermuteAxesTest, TheNodeInFrontGivesTheSame) {
  const std::vector<Tensor> inputs = {RandomTensor("x", {2, 3, 4, 5}, 3)};
  for (const Case& test : kCases) {
    for (const Perm& perm : std::vector<Perm>{{3, 1, 0, 2}}) {
      SCOPED_TRACE(std::string(test.name) + " " + testing::PrintToString(perm));
      GraphBuilder behind(test.opset);
      const DataType type =
          std::string(test.name).starts_with("Arg") ? DataType::kInt64 : DataType::kFloat;
      behind.Input("x", {"2", "3", "4", "5"}).Output("y", type);
      behind.Add("Transpose", {"x"}, {"a"}).Set("perm", perm);
      test.nodes(behind);
      GraphBuilder front(test.opset);
      front.Input("x", {"2", "3", "4", "5"}).Output("y", type);
      test.nodes(front);
      Graph& graph = front.model.graph;
      const std::optional<Perm> left = PermBehind(graph, graph.nodes[0], perm);
      ASSERT_TRUE(left);
      NameMaker names(graph);
      PermuteAxes(perm, names, graph, graph.nodes[0]);
      graph.nodes[0].inputs[0] = "x";
      graph.nodes[0].outputs[0] = "b";
      front.Add("Transpose", {"b"}, {"y"}).Set("perm", *left);
      const Tensor expected = RunModel(behind.model, inputs)[0];
      const Tensor got = RunModel(front.model, inputs)[0];
      ASSERT_EQ(got.dims, expected.dims) << PrintGraph(graph);
      if (type == DataType::kInt64) {
        EXPECT_EQ(ToInt64s(got), ToInt64s(expected));
      } else {
        EXPECT_LT(MaxDifference(got, expected), 1e-6F) << PrintGraph(graph);
      }
    }
  }
}

// Squeeze wants axes of 1, wherever the Transpose puts them.
TEST(PermuteAxesTest, SqueezedAxesAreThoseOfTheInput) {
  GraphBuilder b;
  b.Ints("axes", {2}, {1, -1}).Add("Squeeze", {"a", "axes"}, {"y"});
  const Perm perm = {2, 3, 0, 1};  // x [5,1,4,1] is written as [4,1,5,1]
  EXPECT_THAT(*PermBehind(b.model.graph, b.model.graph.nodes[0], perm), ElementsAre(1, 0));
  NameMaker names(b.model.graph);
  PermuteAxes(perm, names, b.model.graph, b.model.graph.nodes[0]);
  const Node& node = b.model.graph.nodes[0];
  EXPECT_THAT(ToInt64s(b.model.graph.initializers.at(node.inputs[1])), ElementsAre(3, 1));
  EXPECT_THAT(ToInt64s(b.model.graph.initializers.at("axes")), ElementsAre(1, -1))
      << "others may read the old ones";
}

TEST(PermBehindTest, AxesThatAreTakenAwayCloseUp) {
  GraphBuilder b;
  Node& node = b.Add("ReduceMean", {"a"}, {"y"});
  node.Set("keepdims", int64_t{0});
  const auto behind = [&](std::vector<int64_t> axes, const Perm& perm) {
    node.Set("axes", std::move(axes));
    return *PermBehind(b.model.graph, node, perm);
  };
  // Written as [x2, x0, x3, x1].
  const Perm perm = {2, 0, 3, 1};
  EXPECT_THAT(behind({0}, perm), ElementsAre(0, 2, 1)) << "x0, x3, x1 without x2";
  EXPECT_THAT(behind({1}, perm), ElementsAre(1, 2, 0)) << "x2, x3, x1 without x0";
  EXPECT_THAT(behind({1, 2}, perm), ElementsAre(1, 0)) << "x2, x1";
  EXPECT_THAT(behind({-4, -1}, perm), ElementsAre(0, 1)) << "x0, x3";
}

TEST(PermBehindTest, WhatDoesNotSayItsAxesStays) {
  const std::vector<Case> cases = {
      {"other operators", 13, [](auto& b) { b.Add("Relu", {"a"}, {"y"}); }},
      {"another domain", 13, [](auto& b) { b.Add("Softmax", {"a"}, {"y"}).domain = "mine"; }},
      {"an axis too many", 13,
       [](auto& b) { b.Add("Softmax", {"a"}, {"y"}).Set("axis", int64_t{3}); }},
      {"an axis too few", 13,
       [](auto& b) { b.Add("Softmax", {"a"}, {"y"}).Set("axis", int64_t{-4}); }},
      {"all axes", 13, [](auto& b) { b.Add("ReduceMean", {"a"}, {"y"}); }},
      {"no axes", 18,
       [](auto& b) {
         b.Ints("n", {0}, {}).Add("ReduceMax", {"a", "n"}, {"y"});
       }},
      {"computed axes", 13,
       [](auto& b) {
         b.Input("n", {"1"}, DataType::kInt64).Add("ReduceSum", {"a", "n"}, {"y"});
       }},
      {"axes of 1 wherever", 13, [](auto& b) { b.Add("Squeeze", {"a"}, {"y"}); }},
      {"computed pads", 13,
       [](auto& b) {
         b.Input("p", {"6"}, DataType::kInt64).Add("Pad", {"a", "p"}, {"y"});
       }},
      {"pads of another rank", 13,
       [](auto& b) {
         b.Ints("p", {4}, {0, 0, 1, 1}).Add("Pad", {"a", "p"}, {"y"});
       }},
      {"computed starts", 13,
       [](auto& b) {
         b.Input("from", {"1"}, DataType::kInt64).Ints("to", {1}, {1}).Ints("axes", {1}, {0});
         b.Add("Slice", {"a", "from", "to", "axes"}, {"y"});
       }},
      {"axes that are floats", 13,
       [](auto& b) {
         b.Floats("n", {1}, {0}).Add("ReduceSum", {"a", "n"}, {"y"});
       }},
      {"axes in a matrix", 13,
       [](auto& b) {
         b.Ints("n", {1, 1}, {0}).Add("ReduceSum", {"a", "n"}, {"y"});
       }},
  };
  for (const Case& test : cases) {
    GraphBuilder b(test.opset);
    test.nodes(b);
    EXPECT_FALSE(PermBehind(b.model.graph, b.model.graph.nodes.back(), {0, 2, 1})) << test.name;
  }
  GraphBuilder b;
  b.Add("Softmax", {"a"}, {"y"});
  EXPECT_FALSE(PermBehind(b.model.graph, b.model.graph.nodes[0], {0, 2, 2})) << "no permutation";
}

// Slice wants one type for its constants: new ones are int64.
TEST(PermBehindTest, SlicesOfOtherIntegersStay) {
  GraphBuilder b;
  const std::vector<int32_t> numbers = {1};
  for (const char* name : {"from", "to", "axes"})
    b.model.graph.initializers[name] = MakeTensor<int32_t>(name, DataType::kInt32, {1}, numbers);
  b.Add("Slice", {"a", "from", "to", "axes"}, {"y"});
  EXPECT_FALSE(PermBehind(b.model.graph, b.model.graph.nodes[0], {1, 0}));
}

}  // namespace
}  // namespace qconvert
