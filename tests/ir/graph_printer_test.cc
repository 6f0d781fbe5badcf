#include "qconvert/ir/graph_printer.h"

#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

TEST(PrintTypeTest, EveryKindOfDimension) {
  EXPECT_EQ(PrintType(TypeOf(DataType::kInt8, {"1", "N", "?"})), "int8[1,N,?]");
  EXPECT_EQ(PrintType(FloatType({})), "float[]");
  EXPECT_EQ(PrintType({DataType::kFloat, {}, {}}), "float") << "rank unknown";
  EXPECT_EQ(PrintType({}), "?");
  EXPECT_EQ(PrintType({DataType::kUndefined, {}, "sequence"}), "opaque");
}

TEST(PrintGraphTest, OneLineEachInAFixedOrder) {
  GraphBuilder b;
  b.Input("x", {"N", "2"}).Output("y").Floats("w", {2}, {0.5F, -1}).Ints("shape", {2}, {-1, 4});
  b.model.graph.initializers["big"] = RandomTensor("big", {3, 3}, 1);
  Node& node = b.Add("Clip", {"x", "", "w"}, {"c", ""});
  node.Set("b", int64_t{1});
  node.Set("a", std::vector<float>{0.5F, 2});
  node.Set("mode", std::string("edge"));
  node.Set("names", std::vector<std::string>{"p", "q"});
  node.Set("t", MakeInt64Tensor("", {1}, std::vector<int64_t>{7}));
  b.Add("Custom", {"c"}, {"y"}).domain = "com.acme";
  EXPECT_EQ(PrintGraph(b.model.graph),
            "input x float[N,2]\n"
            "init big float[3,3]\n"
            "init shape int64[2] = [-1,4]\n"
            "init w float[2] = [0.5,-1]\n"
            "c, _ = Clip(x, _, w) {a=[0.5,2], b=1, mode=\"edge\", names=[p,q], t=int64[1] = [7]}\n"
            "y = com.acme:Custom(c)\n"
            "output y float\n");
}

TEST(PrintGraphTest, ValuesOfSmallTensorsByType) {
  GraphBuilder b;
  auto& tensors = b.model.graph.initializers;
  tensors["i8"] = MakeTensor<int8_t>("i8", DataType::kInt8, {2}, std::vector<int8_t>{-128, 65});
  tensors["u8"] = MakeTensor<uint8_t>("u8", DataType::kUint8, {2}, std::vector<uint8_t>{0, 255});
  tensors["i32"] = MakeTensor<int32_t>("i32", DataType::kInt32, {1}, std::vector<int32_t>{-9});
  tensors["f64"] = MakeTensor<double>("f64", DataType::kDouble, {1}, std::vector<double>{1});
  tensors["none"] = MakeFloatTensor("none", {0}, {});
  EXPECT_EQ(PrintGraph(b.model.graph),
            "init f64 double[1]\n"
            "init i32 int32[1] = [-9]\n"
            "init i8 int8[2] = [-128,65]\n"
            "init none float[0] = []\n"
            "init u8 uint8[2] = [0,255]\n");
}

TEST(PrintGraphTest, SubgraphsAreIndentedUnderTheirNode) {
  Graph innermost;
  innermost.nodes.push_back(MakeNode("Neg", {"x"}, {"n"}));
  Graph inner;
  Node nested = MakeNode("If", {"d"}, {"m"});
  nested.Set("then_branch", Subgraph(innermost));
  inner.nodes.push_back(nested);
  inner.outputs.push_back({"m", FloatType({"1"}), {}, {}});
  GraphBuilder b;
  b.Add("If", {"c"}, {"y"}).Set("then_branch", Subgraph(inner));
  EXPECT_EQ(PrintGraph(b.model.graph),
            "y = If(c) {then_branch=...}\n"
            "  m = If(d) {then_branch=...}\n"
            "    n = Neg(x)\n"
            "  output m float[1]\n");
}

TEST(PrintGraphTest, AReferenceToAFunctionsAttribute) {
  GraphBuilder b;
  b.Add("LeakyRelu", {"x"}, {"y"}).attributes["alpha"] = {OpaqueAttribute{}, "slope", {}};
  EXPECT_EQ(PrintGraph(b.model.graph), "y = LeakyRelu(x) {alpha=@slope}\n");
}

}  // namespace
}  // namespace qconvert
