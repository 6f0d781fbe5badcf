// What the engine makes of constants before it looks for kernels.
#include "qconvert/targets/constant_readers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/targets/kept_pairs.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Net : public GraphBuilder {
 public:
  Net() {
    Input("x", {"2", "2"}).Output("y").Floats("w", {2, 2}, {1, 2, 3, 4});
    Floats("s", {}, {0.5F}).Floats("v", {2}, {1, 2});
    model.graph.initializers["q"] =
        MakeTensor<int8_t>("q", DataType::kInt8, {2, 2}, std::vector<int8_t>{1, 2, 3, 4});
  }
  std::set<std::string> Folded() const {
    return FindFoldedValues(model.graph, Topology(model.graph));
  }
  size_t Count(const std::string& constant) const {
    return ConstantReaders(model.graph, Topology(model.graph)).Count(constant);
  }
};

TEST(FoldedValuesTest, ConstantsOfConstantsButForDequantizedOnes) {
  Net b;
  b.Add("Neg", {"w"}, {"n"});
  b.Add("Add", {"n", "v"}, {"a"});
  b.Add("Add", {"a", "x"}, {"y"});
  b.Add("DequantizeLinear", {"q", "s"}, {"d"});
  b.Add("Neg", {"d"}, {"nd"});
  b.Add("Add", {"nd", "n"}, {"sum"});
  EXPECT_THAT(b.Folded(), ElementsAre("a", "n")) << "what codes are read into stays";
}

TEST(FoldedValuesTest, ADequantizeBetweenCodesIsFoldedWithWhatStandsThere) {
  Net b;
  b.Add("DequantizeLinear", {"q", "s"}, {"d"});
  b.Add("Neg", {"d"}, {"n"});
  b.Add("QuantizeLinear", {"n", "s"}, {"codes"});
  b.Add("DequantizeLinear", {"codes", "s"}, {"y"});
  EXPECT_TRUE(b.Folded().contains("n"));
  EXPECT_FALSE(b.Folded().contains("d"));
  EXPECT_FALSE(b.Folded().contains("y"));
  b.Add("Abs", {"n"}, {"other"});
  EXPECT_FALSE(b.Folded().contains("n")) << "somebody reads the floats";
}

TEST(FoldedValuesTest, NodesWithoutOutputsFoldNothing) {
  Net b;
  b.Add("DequantizeLinear", {"q", "s"}, {"d"});
  b.Add("Sink", {"d"}, {}).domain = "mine";
  EXPECT_THAT(b.Folded(), IsEmpty());
}

TEST(ConstantReadersTest, EachNodeThatTheEngineKeepsCountsOnce) {
  Net b;
  b.Add("Mul", {"w", "w"}, {"square"});  // folded
  b.Add("MatMul", {"x", "w"}, {"m"});
  b.Add("Add", {"m", "w"}, {"y"});
  EXPECT_EQ(b.Count("w"), 2U);
  EXPECT_EQ(b.Count("v"), 0U);
  EXPECT_EQ(b.Count("x"), 0U) << "no constant";
}

TEST(ConstantReadersTest, EqualNumbersAreOne) {
  Net b;
  b.Floats("s_again", {}, {0.5F}).Floats("row", {1}, {0.5F}).Floats("grid", {1, 1}, {0.5F});
  b.Floats("other", {}, {0.25F});
  b.Add("Mul", {"x", "s"}, {"a"});
  b.Add("Mul", {"a", "s_again"}, {"b"});
  b.Add("Mul", {"b", "row"}, {"c"});
  b.Add("Mul", {"c", "grid"}, {"d"});
  b.Add("Mul", {"d", "other"}, {"y"});
  EXPECT_EQ(b.Count("s"), 2U);
  EXPECT_EQ(b.Count("s_again"), 2U);
  EXPECT_EQ(b.Count("row"), 1U) << "of another rank";
  EXPECT_EQ(b.Count("grid"), 1U);
  EXPECT_EQ(b.Count("other"), 1U);
}

// One DequantizeLinear for each node that reads it, outputs and bodies share one more.
TEST(ConstantReadersTest, ADequantizeIsCopiedForItsReaders) {
  GraphBuilder branch;
  branch.Output("t").Add("Neg", {"d"}, {"t"});
  branch.model.graph.name = "then";
  Net b;
  b.Add("DequantizeLinear", {"q", "s"}, {"d"});
  b.Add("MatMul", {"x", "d"}, {"a"});
  EXPECT_EQ(b.Count("q"), 1U);
  b.Add("Add", {"a", "d"}, {"y"});
  EXPECT_EQ(b.Count("q"), 2U);
  b.Output("d");
  EXPECT_EQ(b.Count("q"), 3U);
  b.Add("If", {"c"}, {"i"}).Set("then_branch", Subgraph(branch.model.graph));
  EXPECT_EQ(b.Count("q"), 3U);
}

// Two DQ of int8 codes, each with so many readers.
bool Stays(DataType type, size_t dequantizers, size_t readers, size_t more,
           bool is_output = false) {
  GraphBuilder b;
  b.Input("x", {"2"}).Floats("s", {}, {0.5F});
  b.Add("QuantizeLinear", {"x", "s"}, {"q"});
  for (size_t d = 0; d < dequantizers; ++d) {
    const std::string value = "d" + std::to_string(d);
    b.Add("DequantizeLinear", {"q", "s"}, {value});
    for (size_t r = 0; r < readers; ++r) b.Add("Neg", {value}, {value + "r" + std::to_string(r)});
    if (is_output) b.Output(value);
  }
  const KeptPair kept{{type, -1, {0.5F}, {0}}, "q", 0, false};
  return StaysSigned(b.model.graph, Topology(b.model.graph), kept, more);
}

TEST(StaysSignedTest, WhereSeveralReadTheCodes) {
  EXPECT_FALSE(Stays(DataType::kInt8, 1, 1, 0));
  EXPECT_TRUE(Stays(DataType::kInt8, 1, 2, 0));
  EXPECT_TRUE(Stays(DataType::kInt8, 2, 1, 0));
  EXPECT_TRUE(Stays(DataType::kInt8, 1, 1, 1)) << "with one more it is two";
  EXPECT_FALSE(Stays(DataType::kInt8, 1, 0, 1));
  EXPECT_FALSE(Stays(DataType::kInt8, 1, 0, 0, true));
  EXPECT_TRUE(Stays(DataType::kInt8, 1, 1, 0, true)) << "a graph output is a reader";
  EXPECT_FALSE(Stays(DataType::kUint8, 2, 2, 2)) << "unsigned anyway";
  EXPECT_FALSE(Stays(DataType::kInt8, 0, 0, 0)) << "nobody";
}

TEST(StaysSignedTest, WhereOneReaderIsNoDequantize) {
  GraphBuilder b;
  b.Input("x", {"2"}).Floats("s", {}, {0.5F});
  b.Add("QuantizeLinear", {"x", "s"}, {"q"});
  b.Add("Reshape", {"q", "shape"}, {"r"});
  const KeptPair kept{{DataType::kInt8, -1, {0.5F}, {0}}, "q", 0, false};
  EXPECT_TRUE(StaysSigned(b.model.graph, Topology(b.model.graph), kept, 0));
}

}  // namespace
}  // namespace qconvert
