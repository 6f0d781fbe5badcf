// What a model keeps of its own Q and DQ, and where its gaps are.
#include "qconvert/targets/kept_pairs.h"

#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

class Net : public GraphBuilder {
 public:
  Net() {
    Input("x", {"1", "4", "6", "6"}).Output("y");
    Floats("s", {}, {0.1F}).Floats("s2", {}, {0.2F}).Random("w", {4, 4, 1, 1});
    Floats("s4", {4}, {0.1F, 0.1F, 0.1F, 0.1F});
    model.graph.initializers["z"] =
        MakeTensor<uint8_t>("z", DataType::kUint8, {}, std::vector<uint8_t>{7});
    model.graph.initializers["wq"] =
        MakeTensor<int8_t>("wq", DataType::kInt8, {4, 4, 1, 1}, std::vector<int8_t>(16, 3));
    Add("DequantizeLinear", {"wq", "s"}, {"wd"});
  }
  Net& Q(const std::string& from, const std::string& to, const std::string& scale = "s") {
    Add("QuantizeLinear", {from, scale, "z"}, {to});
    return *this;
  }
  Net& DQ(const std::string& from, const std::string& to, const std::string& scale = "s") {
    Add("DequantizeLinear", {from, scale, "z"}, {to});
    return *this;
  }
  KeptPairs Find() {
    InferTypes(model, "m");
    return FindKeptPairs(model.graph);
  }
  // Of the node that writes `output`.
  bool IsDone(const std::string& output, const Target& target = kCpuTarget) {
    InferTypes(model, "m");
    const Topology topology(model.graph);
    return IsQuantizedAlready(model.graph, topology, target, topology.ProducerIndex(output));
  }
};

TEST(KeptPairsTest, BothEndsHaveTheCodesOfTheirValue) {
  Net b;
  b.Q("x", "q").DQ("q", "y");
  const KeptPairs kept = b.Find();
  ASSERT_EQ(kept.size(), 2U) << "weights are none";
  const QuantParams expected{DataType::kUint8, -1, {0.1F}, {7}};
  EXPECT_EQ(kept.at("x").params, expected);
  EXPECT_EQ(kept.at("x").codes, "q");
  EXPECT_FALSE(kept.at("x").is_dequantized);
  EXPECT_EQ(kept.at("y").params, expected);
  EXPECT_EQ(kept.at("y").codes, "q");
  EXPECT_TRUE(kept.at("y").is_dequantized);
}

TEST(KeptPairsTest, ADequantizedValueKeepsItsOwnCodesAndTheFirstQuantizerItsValue) {
  Net b;
  b.Q("x", "q").Q("x", "q2", "s2").DQ("q", "d").Q("d", "again", "s2").DQ("again", "y", "s2");
  const KeptPairs kept = b.Find();
  EXPECT_EQ(kept.at("d").codes, "q");
  EXPECT_EQ(kept.at("x").codes, "q");
  EXPECT_EQ(kept.at("y").params.scales[0], 0.2F);
}

TEST(KeptPairsTest, OneConstantScaleIsWanted) {
  Net b;
  b.Input("given", {}).Floats("zero", {}, {0});
  b.Add("QuantizeLinear", {"x", "s4"}, {"per_channel"}).Set("axis", int64_t{1});
  b.Add("DequantizeLinear", {"per_channel", "given"}, {"at_run_time"});
  b.Add("DequantizeLinear", {"per_channel", "zero"}, {"y"});
  EXPECT_TRUE(b.Find().empty());
}

TEST(KeptPairsTest, WeightsThatAreCodesAndTheirTailAreDone) {
  Net b;
  b.Add("Conv", {"x", "wd"}, {"c"});
  b.Add("Relu", {"c"}, {"r"});
  b.Add("Conv", {"r", "w"}, {"gap"});
  b.Add("Relu", {"gap"}, {"y"});
  EXPECT_TRUE(b.IsDone("wd"));
  EXPECT_TRUE(b.IsDone("c"));
  EXPECT_TRUE(b.IsDone("r"));
  EXPECT_FALSE(b.IsDone("gap"));
  EXPECT_FALSE(b.IsDone("y"));
}

TEST(KeptPairsTest, ABiasBehindAProductOfCodesIsItsTail) {
  Net b;
  b.Floats("bias", {6}, std::vector<float>(6, 1));
  b.model.graph.initializers["mq"] =
      MakeTensor<int8_t>("mq", DataType::kInt8, {6, 6}, std::vector<int8_t>(36, 3));
  b.Add("DequantizeLinear", {"mq", "s"}, {"md"});
  b.Add("MatMul", {"x", "md"}, {"m"});
  b.Add("Add", {"m", "bias"}, {"a"});
  b.Add("Relu", {"a"}, {"r"});
  b.Add("Add", {"r", "x"}, {"y"});
  for (const char* tail : {"m", "a", "r"}) EXPECT_TRUE(b.IsDone(tail)) << tail;
  EXPECT_FALSE(b.IsDone("y"));
}

TEST(KeptPairsTest, ArithmeticIsDoneWhereCodesComeInAndGoOut) {
  Net b;
  b.Q("x", "q").DQ("q", "d");
  b.Add("Add", {"d", "d"}, {"done"});
  b.Add("Relu", {"done"}, {"r"});
  b.Q("r", "rq").DQ("rq", "rd");
  b.Add("Add", {"rd", "x"}, {"floats_come_in"});
  b.Q("floats_come_in", "fq").DQ("fq", "fd");
  b.Add("Add", {"fd", "fd"}, {"floats_go_out"});
  b.Add("Abs", {"floats_go_out"}, {"y"});
  EXPECT_TRUE(b.IsDone("done"));
  EXPECT_FALSE(b.IsDone("floats_come_in"));
  EXPECT_FALSE(b.IsDone("floats_go_out"));
  EXPECT_TRUE(b.IsDone("floats_go_out", kGpuTarget)) << "pairs stand on inputs alone there";
  EXPECT_FALSE(b.IsDone("y"));
}

}  // namespace
}  // namespace qconvert
