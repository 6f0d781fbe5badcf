// Arithmetic that gives its input back to the bit, and what does nothing in front of an output.
#include "qconvert/transform/eliminate_no_ops.h"

#include <gtest/gtest.h>

#include "qconvert/ir/graph_printer.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// x [2, 3, 4] -> `type` with a constant of these dimensions -> Relu -> y: how many go.
size_t Gone(const std::string& type, std::vector<int64_t> dims, float number) {
  GraphBuilder b;
  b.Input("x", {"2", "3", "4"}).Output("y");
  int64_t count = 1;
  for (const int64_t dim : dims) count *= dim;
  b.Floats("c", std::move(dims), std::vector<float>(static_cast<size_t>(count), number));
  b.Add(type, {"x", "c"}, {"z"});
  b.Add("Relu", {"z"}, {"y"});
  InferTypes(b.model, "m");
  return EliminateNoOps(b.model.graph);
}

TEST(EliminateNoOpsTest, ArithmeticThatKeepsEveryBitGoes) {
  for (const std::vector<int64_t>& dims :
       std::vector<std::vector<int64_t>>{{}, {1}, {1, 1, 1}, {4}, {2, 3, 4}}) {
    EXPECT_EQ(Gone("Mul", dims, 1), 1U);
    EXPECT_EQ(Gone("Div", dims, 1), 1U);
    EXPECT_EQ(Gone("Sub", dims, 0), 1U);
    EXPECT_EQ(Gone("Add", dims, 0), 0U) << "-0 + 0 is 0";
    EXPECT_EQ(Gone("Sub", dims, -0.0F), 0U) << "the same";
    EXPECT_EQ(Gone("Mul", dims, -1), 0U);
  }
  EXPECT_EQ(Gone("Mul", {1, 1, 1, 1}, 1), 0U) << "a dimension more";
  EXPECT_EQ(Gone("Mul", {5, 1, 1, 1}, 1), 0U) << "x five times";
}

TEST(EliminateNoOpsTest, ARepeatedRowOfAFreeLengthStays) {
  GraphBuilder b;
  b.Input("x", {"S", "4"}).Output("y").Floats("c", {3, 4}, std::vector<float>(12, 1));
  b.Add("Mul", {"x", "c"}, {"z"});
  b.Add("Relu", {"z"}, {"y"});
  InferTypes(b.model, "m");
  EXPECT_EQ(EliminateNoOps(b.model.graph), 0U) << "S may be 1";
}

TEST(EliminateNoOpsTest, ASliceFromAsFarBackAsTheAxisIsLongGoes) {
  for (const auto& [from, gone] : {std::pair{-16, 1U}, {-17, 1U}, {-15, 0U}, {1, 0U}}) {
    GraphBuilder b;
    b.Input("x", {"2", "16"}).Output("y").Ints("from", {1}, {from}).Ints("to", {1}, {16});
    b.Ints("axes", {1}, {1}).Add("Slice", {"x", "from", "to", "axes"}, {"z"});
    b.Add("Relu", {"z"}, {"y"});
    InferTypes(b.model, "m");
    EXPECT_EQ(EliminateNoOps(b.model.graph), gone) << from;
  }
}

TEST(EliminateNoOpsTest, ACastToItsOwnTypeInFrontOfAnOutputGoes) {
  GraphBuilder b;
  b.Input("x", {"2", "4"}).Output("y").Output("z").Output("i", DataType::kInt32);
  b.Add("Relu", {"x"}, {"r"});
  b.Add("Cast", {"r"}, {"y"}).Set("to", int64_t{1});
  b.Add("Neg", {"x"}, {"n"});
  b.Add("Cast", {"n"}, {"i"}).Set("to", int64_t{6});
  b.Add("Cast", {"x"}, {"z"}).Set("to", int64_t{1});
  InferTypes(b.model, "m");
  EXPECT_EQ(EliminateNoOps(b.model.graph), 1U);
  EXPECT_EQ(b.model.graph.nodes.size(), 4U) << PrintGraph(b.model.graph);
  EXPECT_EQ(b.model.graph.nodes[0].outputs[0], "y");
}

}  // namespace
}  // namespace qconvert
