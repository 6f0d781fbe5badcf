// Transposes that stand behind nodes with axes, values of several readers and operators written out
// in steps: how many are left, and the same numbers in the engine.
#include "qconvert/transform/cancel_transposes.h"

#include <gtest/gtest.h>

#include <functional>

#include "qconvert/ir/graph_printer.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

const std::vector<int64_t> kToLast = {0, 2, 3, 1};
const std::vector<int64_t> kToFirst = {0, 3, 1, 2};
const std::vector<int64_t> kDims = {1, 4, 5, 6};

void AddTranspose(GraphBuilder& b, const std::string& from, const std::string& to,
                  std::vector<int64_t> perm) {
  b.Add("Transpose", {from}, {to}).Set("perm", std::move(perm));
}

using Nodes = std::function<void(GraphBuilder&)>;

// x [1,4,5,6] -> to the last -> `nodes` from "a" on
GraphBuilder Behind(const Nodes& nodes, int64_t opset = 13) {
  GraphBuilder b(opset);
  b.Input("x", {"1", "4", "5", "6"}).Output("y");
  AddTranspose(b, "x", "a", kToLast);
  nodes(b);
  return b;
}

// The same with the way back from "b" to y.
GraphBuilder Between(const Nodes& nodes, int64_t opset = 13) {
  GraphBuilder b = Behind(nodes, opset);
  AddTranspose(b, "b", "c", kToFirst);
  b.Add("Neg", {"c"}, {"y"});
  return b;
}

// Transposes that are left; the outputs must be those of before.
int LeftOf(GraphBuilder b) {
  const std::vector<Tensor> inputs = {RandomTensor("x", kDims, 7)};
  const std::vector<Tensor> before = RunModel(b.model, inputs);
  InferTypes(b.model, "m");
  CancelTransposes(b.model.graph);
  const std::vector<Tensor> after = RunModel(b.model, inputs);
  for (size_t o = 0; o < before.size(); ++o) {
    EXPECT_EQ(before[o].dims, after[o].dims);
    if (before[o].type == DataType::kFloat) {
      EXPECT_LT(MaxDifference(before[o], after[o]), 1e-5F) << PrintGraph(b.model.graph);
    } else {
      EXPECT_EQ(*before[o].bytes, *after[o].bytes) << PrintGraph(b.model.graph);
    }
  }
  int left = 0;
  for (const Node& node : b.model.graph.nodes) left += node.Is("Transpose") ? 1 : 0;
  return left;
}

struct Case {
  std::string name;
  int64_t opset;
  Nodes nodes;
};

TEST(CancelTransposesAxesTest, IslandsAroundNodesWithAxesGo) {
  const std::vector<Case> cases = {
      {"Pad", 13,
       [](GraphBuilder& b) {
         b.Ints("pads", {8}, {0, 1, 2, 0, 0, 3, 0, 1}).Floats("v", {}, {0.5F});
         b.Add("Pad", {"a", "pads", "v"}, {"b"});
       }},
      {"Pad with axes", 18,
       [](GraphBuilder& b) {
         b.Ints("pads", {4}, {1, 0, 2, 1}).Ints("axes", {2}, {-1, 1});
         b.Add("Pad", {"a", "pads", "", "axes"}, {"b"}).Set("mode", std::string("edge"));
       }},
      {"Softmax", 13, [](GraphBuilder& b) { b.Add("Softmax", {"a"}, {"b"}); }},
      {"LogSoftmax", 13,
       [](GraphBuilder& b) { b.Add("LogSoftmax", {"a"}, {"b"}).Set("axis", int64_t{1}); }},
      {"Slice", 13,
       [](GraphBuilder& b) {
         b.Ints("from", {2}, {0, 4}).Ints("to", {2}, {2, 1}).Ints("axes", {2}, {3, -2});
         b.Ints("steps", {2}, {1, -1}).Add("Slice", {"a", "from", "to", "axes", "steps"}, {"b"});
       }},
      {"Slice of the first axes", 13,
       [](GraphBuilder& b) {
         b.Ints("from", {2}, {0, 1}).Ints("to", {2}, {1, 4});
         b.Add("Slice", {"a", "from", "to"}, {"b"});
       }},
      {"ReduceMean", 13,
       [](GraphBuilder& b) {
         b.Add("ReduceMean", {"a"}, {"b"}).Set("axes", std::vector<int64_t>{1, 2});
       }},
      {"ReduceMax", 18,
       [](GraphBuilder& b) {
         b.Ints("axes", {1}, {-1}).Add("ReduceMax", {"a", "axes"}, {"b"});
       }},
      {"Softmax behind arithmetic", 13,
       [](GraphBuilder& b) {
         b.Random("bias", {4}).Add("Add", {"a", "bias"}, {"s"});
         b.Add("Softmax", {"s"}, {"b"});
       }},
      {"SiLU", 13,
       [](GraphBuilder& b) {
         b.Add("Sigmoid", {"a"}, {"s"});
         b.Add("Mul", {"a", "s"}, {"b"});
       }},
      {"HardSwish in steps", 13,
       [](GraphBuilder& b) {
         b.Floats("three", {}, {3}).Floats("six", {}, {6}).Floats("zero", {}, {0});
         b.Add("Add", {"a", "three"}, {"s"});
         b.Add("Clip", {"s", "zero", "six"}, {"g"});
         b.Add("Mul", {"a", "g"}, {"m"});
         b.Add("Div", {"m", "six"}, {"b"});
       }},
      {"Concat with itself and a constant", 13,
       [](GraphBuilder& b) {
         b.Add("Relu", {"a"}, {"r"});
         b.Floats("more", {1, 1, 1, 4}, {1, 2, 3, 4});
         b.Ints("from", {1}, {0}).Ints("to", {1}, {1}).Ints("axes", {1}, {1});
         b.Add("Slice", {"r", "from", "to", "axes"}, {"row"});
         b.Ints("axes2", {1}, {2}).Add("Slice", {"row", "from", "to", "axes2"}, {"one"});
         b.Add("Concat", {"one", "more"}, {"b"}).Set("axis", int64_t{1});
       }},
  };
  for (const Case& one : cases) EXPECT_EQ(LeftOf(Between(one.nodes, one.opset)), 0) << one.name;
}

TEST(CancelTransposesAxesTest, WhatTakesTheMovedAxesAwayNeedsNone) {
  const auto reduces = [](const std::string& type, std::vector<int64_t> axes) {
    return [=](GraphBuilder& b) {
      Node& node = b.Add(type, {"a"}, {"y"});
      node.Set("axes", axes);
      node.Set("keepdims", int64_t{0});
    };
  };
  EXPECT_EQ(LeftOf(Behind(reduces("ReduceMean", {1, 2}))), 0);
  EXPECT_EQ(LeftOf(Behind(reduces("ReduceMax", {-1}))), 0) << "[1,5,6] of [1,4,5,6]";
  EXPECT_EQ(LeftOf(Behind(reduces("ReduceMean", {1}))), 1) << "[1,6,4] is [1,4,6] transposed";
  GraphBuilder arg_max = Behind([](GraphBuilder& b) {
    b.Add("ArgMax", {"a"}, {"y"}).Set("axis", int64_t{-1});
    b.model.graph.nodes.back().Set("keepdims", int64_t{0});
  });
  arg_max.model.graph.outputs[0].type.element = DataType::kInt64;
  EXPECT_EQ(LeftOf(arg_max), 0);
}

// x -> Conv -> Relu, channels last outside: the Relu's value goes back and into the next sum.
TEST(CancelTransposesAxesTest, ATrunkOfResidualSumsIsTransposedNowhere) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "5", "6"}).Output("y");
  b.Add("Relu", {"x"}, {"r0"});
  AddTranspose(b, "r0", "last0", kToLast);
  for (int i = 0; i < 6; ++i) {
    const std::string k = std::to_string(i);
    const std::string next = std::to_string(i + 1);
    b.Random("w" + k, {4, 4, 1, 1}, 0.3F);
    AddTranspose(b, "last" + k, "first" + k, kToFirst);
    b.Add("Conv", {"first" + k, "w" + k}, {"conv" + k});
    AddTranspose(b, "conv" + k, "back" + k, kToLast);
    b.Add("Add", {"back" + k, "last" + k}, {"sum" + k});
    b.Add("Relu", {"sum" + k}, {"last" + next});
  }
  AddTranspose(b, "last6", "y", kToFirst);
  EXPECT_EQ(LeftOf(b), 0);
}

TEST(CancelTransposesAxesTest, ConcatAndSplitOfTransposedParts) {
  const auto parts = [](bool all_back) {
    return Behind([=](GraphBuilder& b) {
      b.Ints("sizes", {2}, {1, 3});
      b.Add("Split", {"a", "sizes"}, {"p", "q"}).Set("axis", int64_t{-1});
      AddTranspose(b, "p", "p1", kToFirst);
      if (all_back) AddTranspose(b, "q", "q1", kToFirst);
      b.Random("w", {2, 1, 1, 1}).Add("Conv", {"p1", "w"}, {"c"});
      if (!all_back) b.Output("z").Add("Neg", {"q"}, {"z"});
      AddTranspose(b, "c", "c1", kToLast);
      if (all_back) {
        b.Add("Relu", {"q1"}, {"r"});
        AddTranspose(b, "r", "r1", kToLast);
        b.Add("Concat", {"c1", "r1"}, {"d"}).Set("axis", int64_t{3});
        AddTranspose(b, "d", "y", kToFirst);
      } else {
        b.Add("Neg", {"c1"}, {"y"});
      }
    });
  };
  EXPECT_EQ(LeftOf(parts(true)), 0);
  EXPECT_EQ(LeftOf(parts(false)), 3) << "a part is read as it is";
}

// a and b channels last, joined, and a read once more: its Transpose stays, as another node.
TEST(CancelTransposesAxesTest, ATransposeBesideOneThatStaysHasANameOfItsOwn) {
  for (const std::string type : {"Add", "Mul", "Concat"}) {
    GraphBuilder b;
    b.Input("x", {"1", "4", "5", "6"}).Output("y").Output("z");
    b.Add("Relu", {"x"}, {"p"});
    b.Add("Sigmoid", {"x"}, {"q"});
    AddTranspose(b, "p", "a", kToLast);
    AddTranspose(b, "q", "b", kToLast);
    Node& join = b.Add(type, {"a", "b"}, {"c"});
    if (type == "Concat") join.Set("axis", int64_t{-1});
    b.Add("Neg", {"c"}, {"y"});
    b.Add("Neg", {"a"}, {"z"});
    for (Node& node : b.model.graph.nodes) node.name = "node_" + node.outputs[0];
    EXPECT_EQ(LeftOf(b), 2) << type;  // the engine refuses a name twice
  }
  // x -> to the last -> Relu -> back, and what the first writes is read elsewhere.
  GraphBuilder b = Between([](GraphBuilder& inner) {
    inner.Add("Relu", {"a"}, {"b"});
    inner.Output("z").Output("u").Add("Softmax", {"a"}, {"z"});
    inner.Add("Softmax", {"b"}, {"u"});
  });
  for (Node& node : b.model.graph.nodes) node.name = "node_" + node.outputs[0];
  EXPECT_EQ(LeftOf(b), 2);
}

TEST(CancelTransposesAxesTest, PadInFrontOfAConvBecomesItsOwn) {
  GraphBuilder b;
  b.Input("x", {"1", "6", "7", "3"}).Output("y").Random("w", {4, 3, 3, 3}, 0.3F);
  b.Ints("pads", {8}, {0, 1, 2, 0, 0, 3, 0, 0});
  b.Add("Pad", {"x", "pads"}, {"p"});
  AddTranspose(b, "p", "t", kToFirst);
  b.Add("Conv", {"t", "w"}, {"y"});
  const Model before = b.model;
  PrepareModel(b.model, "m");
  ASSERT_EQ(b.model.graph.nodes.size(), 2U) << PrintGraph(b.model.graph);
  EXPECT_EQ(*b.model.graph.nodes[1].FindInts("pads"), (std::vector<int64_t>{1, 2, 3, 0}));
  const std::vector<Tensor> inputs = {RandomTensor("x", {1, 6, 7, 3}, 7)};
  EXPECT_LT(MaxDifference(RunModel(before, inputs)[0], RunModel(b.model, inputs)[0]), 1e-5F);
}

TEST(CancelTransposesAxesTest, LeavesAloneWhatWouldGainNothing) {
  const std::vector<Case> cases = {
      {"Softmax at the end", 13, [](GraphBuilder& b) { b.Add("Softmax", {"a"}, {"y"}); }},
      {"ReduceMean that keeps axes", 13,
       [](GraphBuilder& b) {
         b.Add("ReduceMean", {"a"}, {"y"}).Set("axes", std::vector<int64_t>{1, 2});
       }},
      {"SiLU at the end", 13,
       [](GraphBuilder& b) {
         b.Add("Sigmoid", {"a"}, {"s"});
         b.Add("Mul", {"a", "s"}, {"y"});
       }},
      {"a value that two others read", 13,
       [](GraphBuilder& b) {
         b.Output("z").Output("u");
         b.Add("Relu", {"a"}, {"y"});
         b.Add("Softmax", {"y"}, {"z"});
         b.Add("Softmax", {"a"}, {"u"});
       }},
  };
  for (const Case& one : cases) {
    GraphBuilder b = Behind(one.nodes, one.opset);
    InferTypes(b.model, "m");
    EXPECT_EQ(CancelTransposes(b.model.graph), 0U) << one.name;
  }
  const std::vector<Case> between = {
      {"computed pads", 13,
       [](GraphBuilder& b) {
         b.Ints("none", {8}, std::vector<int64_t>(8, 0));
         b.Add("Shape", {"a"}, {"s"});
         b.Add("Concat", {"s", "s"}, {"ss"}).Set("axis", int64_t{0});
         b.Add("Mul", {"ss", "none"}, {"pads"});
         b.Add("Pad", {"a", "pads"}, {"b"});
       }},
      {"a matrix that is added", 13,
       [](GraphBuilder& b) {
         b.Random("matrix", {6, 4}).Add("Add", {"a", "matrix"}, {"b"});
       }},
      {"the mean of all", 13,
       [](GraphBuilder& b) {
         b.Add("ReduceMean", {"a"}, {"m"});
         b.Random("row", {1, 1, 1, 4}).Add("Add", {"m", "row"}, {"b"});
       }},
  };
  for (const Case& one : between) {
    GraphBuilder b = Between(one.nodes, one.opset);
    InferTypes(b.model, "m");
    EXPECT_EQ(CancelTransposes(b.model.graph), 0U) << one.name;
  }
}

}  // namespace
}  // namespace qconvert
