#include "prefixed_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "measure_layers.h"
#include "support/graph_builder.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

// x -> Conv -> Relu -> two branches, one of which is a mean of the whole -> Mul -> Gemm -> y; and a
// second output that nothing behind the first Conv has a part in.
GraphBuilder Branches() {
  GraphBuilder b;
  b.Input("x", {"1", "3", "8", "8"}).Output("y").Output("early");
  b.Random("w1", {8, 3, 3, 3}, 0.3F).Random("w2", {8, 8, 1, 1}, 0.4F).Random("w3", {8, 5}, 0.5F);
  b.Add("GlobalAveragePool", {"x"}, {"early"});
  b.Add("Conv", {"x", "w1"}, {"c1"});
  b.Add("Relu", {"c1"}, {"r1"});
  b.Add("GlobalAveragePool", {"r1"}, {"m"});
  b.Add("Conv", {"m", "w2"}, {"c2"});
  b.Add("Mul", {"r1", "c2"}, {"s"});
  b.Add("GlobalAveragePool", {"s"}, {"g"});
  b.Add("Flatten", {"g"}, {"f"});
  b.Add("Gemm", {"f", "w3"}, {"y"});
  return b;
}

std::vector<Tensor> Sample(uint32_t seed) { return {RandomTensor("x", {1, 3, 8, 8}, seed)}; }

class PrefixedModelTest : public testing::Test {
 protected:
  // What the whole switched model gives with one switch on.
  std::vector<Tensor> Whole(size_t s, uint32_t seed) const {
    const std::shared_ptr<const Session> session = OpenSwitched(switched_.model, "whole");
    return SwitchedSession(session, switched_, {s}).Run(Sample(seed), nullptr);
  }

  const QuantizedModel model_ = QuantizeModel(Branches().model, {Sample(1), Sample(2), Sample(3)});
  const SwitchedModel switched_ = MakeSwitched(model_.float_model, model_.model);
};

TEST_F(PrefixedModelTest, GivesWhatTheWholeGivesWhereverItIsCut) {
  ASSERT_GE(switched_.switches.size(), 4U);
  size_t fewest = 1000;
  size_t most = 0;
  for (size_t s = 0; s < switched_.switches.size(); ++s) {
    const SwitchedModel one =
        MakeSwitchedAt(model_.float_model, model_.model, {switched_.switches[s].node});
    ASSERT_EQ(one.switches.size(), 1U);
    EXPECT_EQ(one.switches[0].values, switched_.switches[s].values);
    PrefixedModel cut(one.model, one.input, "cut");
    fewest = std::min(fewest, cut.nodes_behind());
    most = std::max(most, cut.nodes_behind());
    for (const uint32_t seed : {1U, 7U}) {
      ASSERT_TRUE(cut.SetSample(Sample(seed)));
      const std::vector<Tensor> expected = Whole(s, seed);
      const std::vector<Tensor> found = cut.Run(SwitchFlags(one, {0}));
      ASSERT_EQ(found.size(), expected.size());
      for (size_t o = 0; o < found.size(); ++o)
        EXPECT_LT(MaxDifference(found[o], expected[o]), 1e-5) << s << " " << o;
      const Tensor off = cut.Run(SwitchFlags(one, {})).at(0);
      EXPECT_LT(MaxDifference(off, RunModel(model_.float_model, Sample(seed))[0]), 1e-5);
    }
  }
  EXPECT_LT(fewest, most) << "what comes before is not run again";
}

TEST_F(PrefixedModelTest, SwitchesTogetherAreStillApart) {
  std::set<size_t> places;
  for (const Switch& one : switched_.switches) places.insert(one.node);
  const SwitchedModel all = MakeSwitchedAt(model_.float_model, model_.model, places);
  PrefixedModel cut(all.model, all.input, "cut");
  ASSERT_TRUE(cut.SetSample(Sample(5)));
  for (size_t s = 0; s < switched_.switches.size(); ++s)
    EXPECT_LT(MaxDifference(cut.Run(SwitchFlags(all, {s})).at(0), Whole(s, 5).at(0)), 1e-5);
}

TEST_F(PrefixedModelTest, OutputsThatNoSwitchReachesComeFromBefore) {
  const size_t last = switched_.switches.back().node;
  const SwitchedModel one = MakeSwitchedAt(model_.float_model, model_.model, {last});
  PrefixedModel cut(one.model, one.input, "cut");
  ASSERT_TRUE(cut.SetSample(Sample(2)));
  EXPECT_LT(MaxDifference(cut.Run(SwitchFlags(one, {0})).at(1),
                          RunModel(model_.float_model, Sample(2))[1]),
            1e-5);
}

TEST(PrefixedModelCutTest, ATensorOfAnotherShapeFollowsItsSample) {
  GraphBuilder b;
  b.Input("x", {"N"}).Input("on", {}, DataType::kBool).Output("y");
  b.Add("Neg", {"x"}, {"n"});
  b.Add("Where", {"on", "n", "x"}, {"y"});
  PrefixedModel cut(b.model, "on", "cut");
  EXPECT_EQ(cut.nodes_behind(), 1U);
  const uint8_t yes = 1;
  const Tensor on = MakeTensor<uint8_t>("on", DataType::kBool, {}, std::span(&yes, 1));
  for (const int64_t length : {3, 5}) {
    const Tensor x = RandomTensor("x", {length}, 3);
    ASSERT_TRUE(cut.SetSample({x}));
    const Tensor y = cut.Run(on).at(0);
    ASSERT_EQ(y.dims, x.dims);
    EXPECT_EQ(y.values<float>()[0], -x.values<float>()[0]);
  }
}

}  // namespace
}  // namespace qconvert
