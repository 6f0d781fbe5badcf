// Free dimensions followed through shape arithmetic: what is said, and that it is true in the
// engine.
#include "qconvert/transform/infer_symbolic_shapes.h"

#include <gtest/gtest.h>

#include "qconvert/ir/graph_printer.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// "N,S,64"; "?" for what nobody knows.
std::string ShapeText(const Graph& graph, const std::string& value) {
  std::string out;
  for (const Dim& dim : *graph.value_info.at(value).type.shape) {
    if (!out.empty()) out += ",";
    out += dim.known() ? std::to_string(dim.value) : dim.symbol.empty() ? "?" : dim.symbol;
  }
  return out;
}

// Token and position embeddings as PyTorch exports them: ids int64[N, S] -> y float[N, S, 8].
GraphBuilder Embeddings(std::vector<int64_t> positions_shape = {1, 16}) {
  GraphBuilder b(17);
  b.Input("ids", {"N", "S"}, DataType::kInt64).Output("y");
  b.Random("table", {10, 8}).Random("places", {16, 8}).Random("w", {8}).Random("b", {8});
  std::vector<int64_t> positions(static_cast<size_t>(positions_shape[1]));
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<int64_t>(i);
  b.Ints("positions", std::move(positions_shape), positions);
  b.Ints("zero", {1}, {0}).Ints("one", {1}, {1}).Ints("index", {}, {1});
  b.Add("Shape", {"ids"}, {"shape"});
  b.Add("Gather", {"shape", "index"}, {"length"});
  b.Add("Unsqueeze", {"length", "zero"}, {"end"});
  b.Add("Slice", {"positions", "zero", "end", "one"}, {"slice"});
  b.Add("Gather", {"table", "ids"}, {"token"});
  b.Add("Gather", {"places", "slice"}, {"place"});
  b.Add("Add", {"token", "place"}, {"sum"});
  b.Add("LayerNormalization", {"sum", "w", "b"}, {"y"});
  return b;
}

TEST(InferSymbolicShapesTest, PositionsCutToTheLengthOfTheInputHaveThatLength) {
  GraphBuilder b = Embeddings();
  InferTypes(b.model, "m");
  EXPECT_EQ(ShapeText(b.model.graph, "sum"), "?,?,8") << "what the engine infers";
  EXPECT_GT(InferSymbolicShapes(b.model.graph), 0U);
  EXPECT_EQ(ShapeText(b.model.graph, "sum"), "N,S,8");
  EXPECT_EQ(ShapeText(b.model.graph, "slice"), "1,?") << "min(16, S) has no name";
  EXPECT_TRUE(b.model.graph.declared.contains("sum"));
  EXPECT_FALSE(b.model.graph.declared.contains("y")) << "an output says what its file says";
  EXPECT_EQ(InferSymbolicShapes(b.model.graph), 0U) << "all is said";
}

TEST(InferSymbolicShapesTest, AnEmptyOrUnknownAxisIsNoRowOfTheLength) {
  GraphBuilder b = Embeddings({1, 0});
  InferTypes(b.model, "m");
  InferSymbolicShapes(b.model.graph);
  EXPECT_EQ(ShapeText(b.model.graph, "sum"), "N,?,8");
}

// Numbers of a file that no product of sizes reaches say nothing, whatever they would wrap to.
TEST(InferSymbolicShapesTest, ProductsBeyondAllSizesAreUnknown) {
  for (const auto& [factor, expected] :
       {std::pair{int64_t{2}, "8"}, {(int64_t{1} << 62) + 1, "?"}, {INT64_MIN, "?"}}) {
    GraphBuilder b(17);
    b.Input("x", {"N", "4"}).Output("y").Ints("a", {1}, {factor}).Ints("four", {1}, {4});
    b.Add("Mul", {"a", "four"}, {"n"});
    b.Add("Reshape", {"x", "n"}, {"r"});
    b.Add("Relu", {"r"}, {"y"});
    b.model.graph.value_info["r"] = {"r", FloatType({"?"}), {}, {}};
    InferSymbolicShapes(b.model.graph);
    EXPECT_EQ(ShapeText(b.model.graph, "r"), expected) << factor;
  }
}

TEST(InferSymbolicShapesTest, DifferentSymbolsStayApart) {
  GraphBuilder b;
  b.Input("x", {"N", "8"}).Input("z", {"M", "8"}).Output("y");
  b.Add("Add", {"x", "z"}, {"s"});
  b.Add("Relu", {"s"}, {"y"});
  InferTypes(b.model, "m");
  InferSymbolicShapes(b.model.graph);
  EXPECT_EQ(ShapeText(b.model.graph, "s"), "?,8") << "one of them may be 1";
}

// x [N, S, 8] -> heads and back, as attention does, with shapes computed from x.
TEST(InferSymbolicShapesTest, ReshapesToComputedShapes) {
  GraphBuilder b(17);
  b.Input("x", {"N", "S", "8"}).Output("y").Ints("zero", {1}, {0});
  b.Ints("first", {}, {0}).Ints("second", {}, {1}).Ints("heads", {2}, {2, 4}).Ints("all", {1}, {8});
  b.Add("Shape", {"x"}, {"shape"});
  b.Add("Gather", {"shape", "first"}, {"n"});
  b.Add("Gather", {"shape", "second"}, {"s"});
  b.Add("Unsqueeze", {"n", "zero"}, {"n1"});
  b.Add("Unsqueeze", {"s", "zero"}, {"s1"});
  b.Add("Concat", {"n1", "s1", "heads"}, {"split"}).Set("axis", int64_t{0});
  b.Add("Concat", {"n1", "s1", "all"}, {"joined"}).Set("axis", int64_t{0});
  b.Add("Reshape", {"x", "split"}, {"r"});
  b.Add("Transpose", {"r"}, {"t"}).Set("perm", std::vector<int64_t>{0, 2, 1, 3});
  b.Add("Transpose", {"t"}, {"u"}).Set("perm", std::vector<int64_t>{0, 2, 1, 3});
  b.Add("Reshape", {"u", "joined"}, {"v"});
  b.Add("Add", {"v", "x"}, {"y"});
  InferTypes(b.model, "m");
  InferSymbolicShapes(b.model.graph);
  EXPECT_EQ(ShapeText(b.model.graph, "r"), "N,S,2,4");
  EXPECT_EQ(ShapeText(b.model.graph, "t"), "N,2,S,4");
  EXPECT_EQ(ShapeText(b.model.graph, "v"), "N,S,8");
}

// Exporters write Expand with "-1 is as it was": a dimension that is compared with -1 is none.
TEST(InferSymbolicShapesTest, ExpandsByAMaskOfComputedDimensions) {
  GraphBuilder b(17);
  b.Input("ids", {"N", "S"}, DataType::kInt64).Output("y", DataType::kInt64);
  b.Ints("one", {1, 1}, {7}).Ints("minus", {2}, {-1, -1}).Ints("ones", {2}, {1, 1});
  b.Add("Shape", {"ids"}, {"shape"});
  b.Add("Equal", {"shape", "minus"}, {"mask"});
  b.Add("Where", {"mask", "ones", "shape"}, {"to"});
  b.Add("Expand", {"one", "to"}, {"e"});
  b.Add("Identity", {"e"}, {"y"});
  InferTypes(b.model, "m");
  InferSymbolicShapes(b.model.graph);
  EXPECT_EQ(ShapeText(b.model.graph, "e"), "N,S");
}

// What symbols fold makes work for the passes before: a second conversion finds nothing more.
TEST(InferSymbolicShapesTest, WhatIsFoldedIsCleanedUp) {
  GraphBuilder b(17);
  b.Input("x", {"N", "S", "8"}).Input("z", {"N", "S", "2", "4"}).Output("y").Ints("zero", {1}, {0});
  b.Ints("first", {}, {0}).Ints("second", {}, {1}).Ints("heads", {2}, {2, 4}).Ints("all", {1}, {8});
  const auto shape_of = [&](const std::string& value, const std::string& k,
                            const std::string& rest) {
    b.Add("Shape", {value}, {"shape" + k});
    for (const std::string d : {"first", "second"}) {
      b.Add("Gather", {"shape" + k, d}, {d + k});
      b.Add("Unsqueeze", {d + k, "zero"}, {d + "1" + k});
    }
    b.Add("Concat", {"first1" + k, "second1" + k, rest}, {"to" + k}).Set("axis", int64_t{0});
  };
  shape_of("x", "a", "heads");
  b.Add("Reshape", {"x", "toa"}, {"r"});
  b.Add("Add", {"r", "z"}, {"s"});
  shape_of("s", "b", "all");
  b.Add("Reshape", {"s", "tob"}, {"t"});
  b.Add("Relu", {"t"}, {"u"});
  shape_of("u", "c", "heads");
  b.Add("Reshape", {"u", "toc"}, {"v"});
  shape_of("v", "d", "all");
  b.Add("Reshape", {"v", "tod"}, {"w"});
  b.Add("Neg", {"w"}, {"y"});
  PrepareModel(b.model, "m");
  const size_t once = b.model.graph.nodes.size();
  PrepareModel(b.model, "m");
  EXPECT_EQ(b.model.graph.nodes.size(), once);
  EXPECT_EQ(once, 5U) << PrintGraph(b.model.graph);
}

// With the types written the engine joins a sum and its normalization, and computes the same.
TEST(InferSymbolicShapesTest, TheEngineKeepsItsFusion) {
  GraphBuilder plain = Embeddings();
  plain.Add("Add", {"y", "token"}, {"again"});
  plain.model.graph.outputs[0].name = "z";
  plain.Add("LayerNormalization", {"again", "w", "b"}, {"z"});
  Model written = plain.model;
  InferTypes(written, "m");
  InferSymbolicShapes(written.graph);
  DropInferredTypes(written.graph);
  EXPECT_EQ(OptimizedOperators(plain.model).count("SkipLayerNormalization"), 0U);
  EXPECT_EQ(OptimizedOperators(written).at("SkipLayerNormalization"), 1);
  for (const int64_t length : {1, 5, 16}) {
    const std::vector<int64_t> ids(static_cast<size_t>(2 * length), 3);
    const std::vector<Tensor> input = {MakeInt64Tensor("ids", {2, length}, ids)};
    EXPECT_LT(MaxDifference(RunModel(plain.model, input)[0], RunModel(written, input, true)[0]),
              1e-5F)
        << length;
  }
}

}  // namespace
}  // namespace qconvert
