// Chains of sums, and tensors read in parts.
#include "residual_sums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "float_blocks.h"
#include "node_way.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// from + f(from)
void AddSum(GraphBuilder& b, const std::string& from, const std::string& to,
            bool branch_first = false) {
  b.Random("w_" + to, {4, 4}).Add("MatMul", {from, "w_" + to}, {"f_" + to});
  b.Add("Add",
        branch_first ? std::vector<std::string>{"f_" + to, from}
                     : std::vector<std::string>{from, "f_" + to},
        {to});
}

std::map<std::string, std::pair<size_t, std::string>> Sums(const GraphBuilder& b) {
  std::map<std::string, std::pair<size_t, std::string>> out;
  for (const auto& [n, sum] : ResidualSums(b.model.graph))
    out[b.model.graph.nodes[n].outputs[0]] = {sum.number, sum.begin};
  return out;
}

using Expected = std::map<std::string, std::pair<size_t, std::string>>;

TEST(ResidualSumsTest, AChainCountsFromItsBeginning) {
  GraphBuilder b;
  b.Input("x", {"2", "4"}).Output("c");
  AddSum(b, "x", "a");
  AddSum(b, "a", "b", /*branch_first=*/true);
  AddSum(b, "b", "c");
  EXPECT_EQ(Sums(b), (Expected{{"a", {1, "x"}}, {"b", {2, "x"}}, {"c", {3, "x"}}}));
}

TEST(ResidualSumsTest, ActivationsBetweenBelongToIt) {
  for (const char* type : {"Relu", "Clip", "LeakyRelu", "PRelu", "Elu", "HardSwish"}) {
    GraphBuilder b;
    b.Input("x", {"2", "4"}).Output("b").Random("slope", {4});
    AddSum(b, "x", "a");
    b.Add(type, {"a", "slope"}, {"r"});
    AddSum(b, "r", "b");
    EXPECT_EQ(Sums(b), (Expected{{"a", {1, "x"}}, {"b", {2, "x"}}})) << type;
  }
  GraphBuilder b;
  b.Input("x", {"2", "4"}).Output("b");
  AddSum(b, "x", "a");
  b.Add("Softmax", {"a"}, {"r"});
  AddSum(b, "r", "b");
  EXPECT_EQ(Sums(b), (Expected{{"a", {1, "x"}}, {"b", {1, "r"}}})) << "another chain begins";
}

TEST(ResidualSumsTest, OtherSumsAreNone) {
  GraphBuilder b;
  b.Input("x", {"2", "4"}).Input("z", {"2", "4"}).Output("y").Random("bias", {4});
  b.Add("Add", {"x", "bias"}, {"a"});  // a constant
  b.Add("Neg", {"x"}, {"n"});
  b.Add("Neg", {"z"}, {"m"});
  b.Add("Add", {"n", "m"}, {"c"});  // both for this sum alone
  b.Add("Add", {"x", "x"}, {"d"});  // one value twice
  b.Add("Add", {"x", "z"}, {"e"});  // both are read elsewhere
  b.Add("Sum", {"x", "a"}, {"f"});
  EXPECT_THAT(ResidualSums(b.model.graph), IsEmpty());
  EXPECT_THAT(ResidualSums(Graph()), IsEmpty());
}

TEST(ResidualSumsTest, TwoChainsOfOneBeginning) {
  GraphBuilder b;
  b.Input("x", {"2", "4"}).Output("y");
  AddSum(b, "x", "a");
  AddSum(b, "x", "b");
  AddSum(b, "b", "c");
  EXPECT_EQ(Sums(b), (Expected{{"a", {1, "x"}}, {"b", {1, "x"}}, {"c", {2, "x"}}}));
}

TEST(FloatBlockTest, EveryTypeAsFloats) {
  const std::vector<float> values = {0, -1.5F, 65504, 0.0999755859375F, INFINITY};
  std::vector<double> doubles(values.begin(), values.end());
  doubles.push_back(0.1);
  std::vector<float> buffer;
  const Tensor floats = MakeFloatTensor("", {5}, values);
  const auto view = FloatBlock(floats, 1, 3, buffer);
  EXPECT_THAT(view, ElementsAre(-1.5F, 65504, 0.0999755859375F));
  EXPECT_THAT(buffer, IsEmpty()) << "nothing is copied";
  const Tensor half = Narrowed(floats, DataType::kFloat16);
  EXPECT_THAT(FloatBlock(half, 0, 5, buffer),
              ElementsAre(0, -1.5F, 65504, 0.0999755859375F, INFINITY));
  const Tensor brain = Narrowed(floats, DataType::kBfloat16);
  EXPECT_THAT(FloatBlock(brain, 1, 2, buffer), ElementsAre(-1.5F, 65536));
  const Tensor wide = MakeTensor<double>("", DataType::kDouble, {6}, doubles);
  EXPECT_THAT(FloatBlock(wide, 4, 2, buffer), ElementsAre(INFINITY, 0.1F));
  EXPECT_THAT(FloatBlock(wide, 6, 0, buffer), IsEmpty());
}

TEST(NodeWayTest, DynamicWinsOverThePlacement) {
  NodePlacement node;
  node.domain = NodeDomain::kFloat;
  EXPECT_EQ(WayOf(node, true), NodeWay::kDynamic);
  EXPECT_EQ(WayOf(node, false), NodeWay::kFloat);
  node.domain = NodeDomain::kInteger;
  EXPECT_EQ(WayOf(node, false), NodeWay::kInteger);
  node.domain = NodeDomain::kFused;
  EXPECT_EQ(WayOf(node, false), NodeWay::kFused);
  node.domain = NodeDomain::kOther;
  EXPECT_EQ(WayOf(node, false), NodeWay::kFloat);
}

}  // namespace
}  // namespace qconvert
