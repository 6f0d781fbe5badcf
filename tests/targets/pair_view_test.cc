// What the engine does to pairs before it fuses, step by step.
#include "qconvert/targets/pair_view.h"

#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

class Net : public GraphBuilder {
 public:
  Net() {
    Input("x", {"1", "4", "6", "6"}).Output("y");
    Floats("s", {}, {0.1F});
    Code("z", DataType::kUint8, 0).Code("m", DataType::kUint8, 128).Code("i", DataType::kInt8, 0);
  }
  Net& Code(const std::string& name, DataType type, int value) {
    model.graph.initializers[name] =
        MakeTensor<uint8_t>(name, type, {}, std::vector<uint8_t>{static_cast<uint8_t>(value)});
    return *this;
  }
  Net& Q(const std::string& from, const std::string& to, const std::string& zero = "z") {
    Add("QuantizeLinear", {from, "s", zero}, {to});
    return *this;
  }
  Net& DQ(const std::string& from, const std::string& to, const std::string& zero = "z") {
    Add("DequantizeLinear", {from, "s", zero}, {to});
    return *this;
  }
  Net& Pair(const std::string& from, const std::string& to, const std::string& zero = "z") {
    return Q(from, from + "_q", zero).DQ(from + "_q", to, zero);
  }
  Net& Transpose(const std::string& from, const std::string& to) {
    Add("Transpose", {from}, {to}).Set("perm", std::vector<int64_t>{0, 1, 3, 2});
    return *this;
  }
  PairView View() {
    EXPECT_EQ(SortNodes(model.graph), "");
    InferTypes(model, "m");
    return PairView(model.graph);
  }
  size_t IndexOf(const std::string& output) const {
    for (size_t n = 0; n < model.graph.nodes.size(); ++n)
      if (model.graph.nodes[n].outputs[0] == output) return n;
    return Topology::kNpos;
  }
};

TEST(PairViewTest, APairMovesForwardOverMovementToAllReaders) {
  Net b;
  b.Pair("x", "d").Transpose("d", "t").Transpose("t", "u");
  b.Add("Abs", {"u"}, {"a"});
  b.Add("Add", {"u", "a"}, {"y"});
  const PairView view = b.View();
  EXPECT_EQ(view.InputEnd(b.IndexOf("u"), 0).type, DataType::kUint8);
  EXPECT_TRUE(view.InputEnd(b.IndexOf("a"), 0).exists());
  EXPECT_TRUE(view.InputEnd(b.IndexOf("y"), 0).exists());
  EXPECT_FALSE(view.InputEnd(b.IndexOf("y"), 1).exists()) << "Abs moves nothing";
  EXPECT_TRUE(view.Uses("t").OnlyQuantized());
  EXPECT_TRUE(view.Uses("u").OnlyQuantized());
  const PairView as_it_is(b.model.graph, kGpuTarget);
  EXPECT_FALSE(as_it_is.InputEnd(b.IndexOf("u"), 0).exists());
}

TEST(PairViewTest, APairMovesToTheOutputOfTheGraph) {
  Net b;
  b.Pair("x", "d").Transpose("d", "y");
  EXPECT_TRUE(b.View().Uses("y").OnlyQuantized()) << "a pair stands between it and the output";
}

TEST(PairViewTest, APairMovesToAnOutputThatIsReadToo) {
  Net b;
  b.Pair("x", "d").Transpose("d", "t").Add("Abs", {"t"}, {"y"});
  b.Output("t");
  const PairView view = b.View();
  EXPECT_TRUE(view.InputEnd(b.IndexOf("y"), 0).exists());
  EXPECT_TRUE(view.Uses("t").OnlyQuantized());
}

TEST(PairViewTest, AQuantizeAmongTheReadersStopsAPair) {
  Net b;
  b.Pair("x", "d").Transpose("d", "t").Pair("t", "e").Add("Abs", {"t"}, {"a"});
  b.Add("Add", {"a", "e"}, {"y"});
  EXPECT_FALSE(b.View().InputEnd(b.IndexOf("a"), 0).exists());
}

TEST(PairViewTest, AQuantizeMovesBackWhereNobodyElseReads) {
  for (const bool is_read : {false, true}) {
    Net b;
    b.Add("Tanh", {"x"}, {"a"});
    b.Transpose("a", "t").Pair("t", "d");
    b.Add("Abs", {"d"}, {"y"});
    if (is_read) b.Output("t");
    const PairView view = b.View();
    EXPECT_EQ(view.InputEnd(b.IndexOf("t"), 0).exists(), !is_read);
    EXPECT_EQ(view.Uses("a").OnlyQuantized(), !is_read);
  }
}

TEST(PairViewTest, AScalePerChannelStaysWhereItIs) {
  Net b;
  b.Floats("v", {4}, {0.1F, 0.2F, 0.3F, 0.4F});
  Node& quantize = b.Add("QuantizeLinear", {"x", "v"}, {"q"});
  quantize.Set("axis", int64_t{1});
  b.Add("DequantizeLinear", {"q", "v"}, {"d"}).Set("axis", int64_t{1});
  b.Transpose("d", "t").Add("Abs", {"t"}, {"y"});
  EXPECT_FALSE(b.View().InputEnd(b.IndexOf("y"), 0).exists());
}

TEST(PairViewTest, AClampGoesWhereTheCodesEndAnyway) {
  for (const auto& [zero, goes] : {std::pair{"z", true}, {"m", false}}) {
    Net b;
    b.Add("Tanh", {"x"}, {"a"});
    b.Add("Relu", {"a"}, {"r"});
    b.Pair("r", "d", zero).Add("Abs", {"d"}, {"y"});
    const PairView view = b.View();
    EXPECT_EQ(view.IsAbsorbed(b.IndexOf("r")), goes) << zero;
    EXPECT_EQ(view.Uses("a").OnlyQuantized(), goes) << zero;
  }
  // Codes from 0 to 25.5: a Clip to 6 does more than they do, one to 26 does not.
  for (const auto& [high, goes] : {std::pair{6.0F, false}, {26.0F, true}}) {
    Net b;
    b.Floats("low", {}, {0}).Floats("high", {}, {high});
    b.Add("Tanh", {"x"}, {"a"});
    b.Add("Clip", {"a", "low", "high"}, {"r"});
    b.Pair("r", "d").Add("Abs", {"d"}, {"y"});
    EXPECT_EQ(b.View().IsAbsorbed(b.IndexOf("r")), goes) << high;
  }
}

TEST(PairViewTest, FloatWeightsBetweenPairsAreQuantized) {
  for (const bool has_end : {true, false}) {
    Net b;
    b.Random("w", {4, 4, 1, 1}).Random("c", {4});
    b.Pair("x", "d");
    b.Add("Conv", {"d", "w", "c"}, {"a"});
    if (has_end) b.Pair("a", "e");
    b.Add("Abs", {has_end ? "e" : "a"}, {"y"});
    const PairView view = b.View();
    const size_t conv = b.IndexOf("a");
    EXPECT_EQ(view.InputEnd(conv, 1).type, has_end ? DataType::kInt8 : DataType::kUndefined);
    EXPECT_EQ(view.InputEnd(conv, 2).type, has_end ? DataType::kInt32 : DataType::kUndefined);
  }
}

TEST(PairViewTest, WeightsThatTheEngineComputesOnceAreQuantizedToo) {
  for (const bool is_constant : {true, false}) {
    Net b;
    b.Random("w", {4, 4, 1, 1}).Floats("s", {}, {0.5F});
    b.Pair("x", "d");
    b.Add("Mul", {"w", is_constant ? "s" : "x"}, {"ws"});
    b.Add("Conv", {"d", "ws"}, {"a"});
    b.Pair("a", "e").Add("Abs", {"e"}, {"y"});
    const PairView view = b.View();
    EXPECT_EQ(view.InputEnd(b.IndexOf("a"), 1).type,
              is_constant ? DataType::kInt8 : DataType::kUndefined);
  }
}

TEST(PairViewTest, AProductAndItsBiasAreAGemm) {
  for (const int64_t size : {5, 1}) {
    Net b;
    b.Random("w", {6, 5}).Random("c", {size});
    b.Pair("x", "d");
    b.Add("MatMul", {"d", "w"}, {"p"});
    b.Add("Add", {"c", "p"}, {"y"});
    const PairView view = b.View();
    const size_t n = b.IndexOf("p");
    EXPECT_EQ(view.IsGemm(n), size == 5) << "a number for each column";
    EXPECT_EQ(view.Output(n), size == 5 ? "y" : "p");
    EXPECT_EQ(view.Input(n, 2), size == 5 ? "c" : "");
    EXPECT_EQ(view.IsAbsorbed(b.IndexOf("y")), size == 5);
  }
}

TEST(PairViewTest, SignedCodesWithOneReaderAreUnsignedOnX86) {
  Net one;
  one.Pair("x", "d", "i").Add("Abs", {"d"}, {"y"});
  const size_t abs = one.IndexOf("y");
#if defined(__x86_64__)
  EXPECT_EQ(one.View().InputEnd(abs, 0).type, DataType::kUint8);
#endif
  EXPECT_EQ(PairView(one.model.graph, kArmTarget).InputEnd(abs, 0).type, DataType::kInt8);
  Net two;
  two.Pair("x", "d", "i").Add("Abs", {"d"}, {"a"});
  two.Add("Add", {"d", "a"}, {"y"});
  EXPECT_EQ(two.View().InputEnd(two.IndexOf("y"), 0).type, DataType::kInt8);
}

TEST(PairViewTest, ConstantsBehindAPairKeepTheirType) {
  Net b;
  b.Random("c", {6});
  b.Pair("x", "d", "i").Pair("c", "e", "i");
  b.Add("Add", {"d", "e"}, {"a"});
  b.Pair("a", "y", "i");
  const PairView view = b.View();
  const size_t sum = b.IndexOf("a");
  EXPECT_EQ(view.InputEnd(sum, 1).type, DataType::kInt8);
#if defined(__x86_64__)
  EXPECT_EQ(view.InputEnd(sum, 0).type, DataType::kUint8) << "so that the sum has two types";
#endif
}

// Behind movement stands a Q of its own: that of the codes in front decides nothing there.
TEST(PairViewTest, AMovedPairHasReadersOfItsOwn) {
  for (const bool is_shared : {false, true}) {
    Net b;
    b.Pair("x", "d", "i").Transpose("d", "t").Add("Abs", {"t"}, {"y"});
    if (is_shared) {
      b.Add("Tanh", {"d"}, {"other"});
      b.Output("other");
    }
    const PairView view = b.View();
#if defined(__x86_64__)
    EXPECT_EQ(view.InputEnd(b.IndexOf("t"), 0).type,
              is_shared ? DataType::kInt8 : DataType::kUint8);
    EXPECT_EQ(view.Uses("t").quantizers.at(0).type, DataType::kUint8);
    EXPECT_EQ(view.InputEnd(b.IndexOf("y"), 0).type, DataType::kUint8);
#endif
    const PairView arm(b.model.graph, kArmTarget);
    EXPECT_EQ(arm.InputEnd(b.IndexOf("t"), 0).type, DataType::kInt8);
    EXPECT_EQ(arm.InputEnd(b.IndexOf("y"), 0).type, DataType::kInt8);
  }
}

// Codes of an integer kernel stay int8, those of the pair behind movement do not.
TEST(PairViewTest, APairThatMovedAwayFromAnIntegerKernelIsUnsigned) {
  Net b;
  b.Q("x", "q", "i").Add("QLinearAdd", {"q", "s", "i", "q", "s", "i", "s", "i"}, {"p"}).domain =
      "com.microsoft";
  b.DQ("p", "d", "i").Transpose("d", "t").Add("Abs", {"t"}, {"y"});
  const PairView view = b.View();
  EXPECT_EQ(view.InputEnd(b.IndexOf("t"), 0).type, DataType::kInt8);
#if defined(__x86_64__)
  EXPECT_EQ(view.Uses("t").quantizers.at(0).type, DataType::kUint8);
#endif
}

TEST(ParametersOfTest, ReadsEveryTypeOfZeroPoint) {
  Net b;
  b.Pair("x", "d", "m").Add("Abs", {"d"}, {"y"});
  const std::vector<uint16_t> wide = {40000};
  Graph& graph = b.model.graph;
  const Node& dequantize = graph.nodes[1];
  EXPECT_EQ(ParametersOf(graph, dequantize).zero_point, 128);
  graph.initializers["m"] = MakeTensor<uint16_t>("m", DataType::kUint16, {}, wide);
  EXPECT_EQ(ParametersOf(graph, dequantize).zero_point, 40000);
  graph.initializers["m"] = MakeTensor<uint16_t>("m", DataType::kInt16, {}, wide);
  EXPECT_EQ(ParametersOf(graph, dequantize).zero_point, 40000 - 65536);
  graph.initializers["s"] = MakeFloatTensor("s", {1}, std::vector<float>{0.1F});
  EXPECT_TRUE(ParametersOf(graph, dequantize).has_vectors) << "one number all the same";
  graph.initializers["s"] = MakeFloatTensor("s", {2}, std::vector<float>{0.1F, 0.1F});
  EXPECT_FALSE(ParametersOf(graph, dequantize).is_scalar);
}

}  // namespace
}  // namespace qconvert
