// What a constant node may become, before it is computed: never less than what it is.
#include "constant_size.h"

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

std::optional<int64_t> BoundOf(const GraphBuilder& b, const Node& node) {
  const Graph& graph = b.model.graph;
  return BoundOutputBytes(node,
                          [&](const std::string& name) { return graph.FindInitializer(name); });
}

// The engine's outputs of a node whose inputs are all constants.
int64_t RealBytes(GraphBuilder b, const Node& node) {
  b.model.graph.nodes.push_back(node);
  for (const std::string& output : node.outputs) {
    b.Output(output);
    b.model.graph.outputs.back().type = {};
  }
  int64_t bytes = 0;
  for (const Tensor& tensor : RunModel(b.model, {})) bytes += tensor.byte_size();
  return bytes;
}

GraphBuilder Constants() {
  GraphBuilder b(17);
  b.Random("a", {5, 7}).Random("b", {7, 3}).Random("row", {1, 7}).Random("column", {5, 1});
  b.Ints("shape", {2}, {5, 7}).Ints("twice", {2}, {2, 2}).Ints("index", {3}, {0, 2, 4});
  b.Ints("scalar", {}, {3}).Random("few", {2});
  return b;
}

TEST(ConstantSizeTest, IsNeverBelowWhatTheEngineMakes) {
  Node cast = MakeNode("Cast", {"a"}, {"y"});
  cast.Set("to", int64_t{11});  // double
  Node split = MakeNode("Split", {"a"}, {"y", "z", "u", "v", "w"});
  split.Set("axis", int64_t{0});
  for (const Node& node :
       {MakeNode("Add", {"row", "column"}, {"y"}), MakeNode("Mul", {"a", "row"}, {"y"}),
        MakeNode("MatMul", {"a", "b"}, {"y"}), MakeNode("Gemm", {"a", "b"}, {"y"}),
        MakeNode("Gather", {"a", "index"}, {"y"}), MakeNode("Tile", {"a", "twice"}, {"y"}),
        MakeNode("Expand", {"column", "shape"}, {"y"}), MakeNode("Transpose", {"a"}, {"y"}),
        MakeNode("ConstantOfShape", {"shape"}, {"y"}), MakeNode("Shape", {"a"}, {"y"}),
        MakeNode("Concat", {"index", "shape"}, {"y"}), MakeNode("NonZero", {"a"}, {"y"}), cast,
        split}) {
    Node made = node;
    if (node.Is("Concat")) made.Set("axis", int64_t{0});
    const GraphBuilder b = Constants();
    const auto bound = BoundOf(b, made);
    ASSERT_TRUE(bound.has_value()) << node.op_type;
    EXPECT_GE(*bound, RealBytes(b, made)) << node.op_type;
    EXPECT_LE(*bound, 100'000) << node.op_type << ": a bound that folds nothing is of no use";
  }
}

// Sizes that a file only names: a few bytes of it would be gigabytes of memory.
TEST(ConstantSizeTest, NamedSizesAreMultipliedWithoutOverflow) {
  GraphBuilder b = Constants();
  b.Ints("large", {2}, {1 << 20, 1 << 20}).Ints("beyond", {3}, {1LL << 40, 1LL << 40, 1LL << 40});
  b.Ints("negative", {1}, {-5});
  EXPECT_GE(*BoundOf(b, MakeNode("ConstantOfShape", {"large"}, {"y"})), int64_t{1} << 43);
  EXPECT_GE(*BoundOf(b, MakeNode("Expand", {"few", "large"}, {"y"})), int64_t{1} << 42);
  for (const char* size : {"beyond", "negative"}) {
    EXPECT_FALSE(BoundOf(b, MakeNode("ConstantOfShape", {size}, {"y"}))) << size;
    EXPECT_FALSE(BoundOf(b, MakeNode("Tile", {"few", size}, {"y"}))) << size;
  }
  EXPECT_FALSE(BoundOf(b, MakeNode("ConstantOfShape", {"few"}, {"y"}))) << "no integers";
}

TEST(ConstantSizeTest, OperatorsThatComputeTheirSizeHaveNoBound) {
  const GraphBuilder b = Constants();
  for (const char* type : {"Range", "Resize", "Pad", "OneHot", "Einsum", "Conv"})
    EXPECT_FALSE(BoundOf(b, MakeNode(type, {"a", "b"}, {"y"}))) << type;
}

}  // namespace
}  // namespace qconvert
