#include "shared_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compared_models.h"
#include "support/graph_builder.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

// x -> MatMul, Relu -> MatMul, Relu -> MatMul -> y; an output near the start, and a value that is
// read at the end once more.
Model Chain() {
  GraphBuilder b;
  b.Input("x", {"n", "8"}).Output("y").Output("early");
  b.Random("w1", {8, 8}, 0.3F).Random("w2", {8, 8}, 0.3F).Random("w3", {8, 8}, 0.3F);
  b.Add("MatMul", {"x", "w1"}, {"m1"});
  b.Add("Relu", {"m1"}, {"r1"});
  b.Add("Neg", {"r1"}, {"early"});
  b.Add("MatMul", {"r1", "w2"}, {"m2"});
  b.Add("Relu", {"m2"}, {"r2"});
  b.Add("Mul", {"r2", "r1"}, {"s"});
  b.Add("MatMul", {"s", "w3"}, {"y"});
  return b.model;
}

// Samples of different sizes.
std::vector<Sample> Samples() {
  std::vector<Sample> samples(3);
  for (size_t s = 0; s < samples.size(); ++s) {
    samples[s].name = "s" + std::to_string(s);
    samples[s].inputs = {
        RandomTensor("x", {static_cast<int64_t>(s + 1), 8}, static_cast<uint32_t>(s))};
  }
  return samples;
}

// With the weight of one product changed; the others are shared.
Model Changed(Model model, const std::string& weight) {
  Tensor& tensor = model.graph.initializers.at(weight);
  std::vector<float> floats = ToFloats(tensor);
  for (float& one : floats) one *= 1.5F;
  tensor = MakeFloatTensor(weight, tensor.dims, floats);
  return model;
}

class SharedStartTest : public testing::Test {
 protected:
  void ExpectWhole(const Model& model) {
    const auto whole = OpenForComparison(model, "whole");
    const auto found = start_.Prepare(model)(model, true);
    ASSERT_EQ(found->outputs().size(), whole->outputs().size());
    for (const Sample& sample : Samples()) {
      const std::vector<Tensor> expected = whole->Run(sample.inputs, nullptr);
      const std::vector<Tensor> given = found->Run(sample.inputs, nullptr);
      ASSERT_EQ(given.size(), expected.size());
      for (size_t o = 0; o < given.size(); ++o) {
        EXPECT_EQ(given[o].name, expected[o].name);
        EXPECT_LT(MaxDifference(given[o], expected[o]), 1e-6) << given[o].name;
      }
    }
  }

  const Model base_ = Chain();
  SharedStart start_{base_, Samples(), 2, "cut"};
};

TEST_F(SharedStartTest, CountsWhatStandsInFrontOfTheFirstChange) {
  EXPECT_EQ(start_.CountCommon(Changed(base_, "w1")), 0U);
  EXPECT_EQ(start_.CountCommon(Changed(base_, "w2")), 3U);
  EXPECT_EQ(start_.CountCommon(Changed(base_, "w3")), 6U);
  Model other = base_;
  other.graph.nodes[1].op_type = "Abs";
  EXPECT_EQ(start_.CountCommon(other), 1U);
}

TEST_F(SharedStartTest, AnotherAttributeIsAChange) {
  const auto with_slope = [&](float slope) {
    Model model = base_;
    model.graph.nodes[1].op_type = "LeakyRelu";
    model.graph.nodes[1].attributes["alpha"].data = slope;
    return model;
  };
  const SharedStart start(with_slope(0.5F), Samples(), 1, "cut");
  EXPECT_EQ(start.CountCommon(with_slope(0.5F)), 7U);
  EXPECT_EQ(start.CountCommon(with_slope(0.25F)), 1U);
}

TEST_F(SharedStartTest, GivesWhatTheWholeGivesWhereverItIsCut) {
  for (const char* weight : {"w2", "w3", "w1", "w3", "w2"}) ExpectWhole(Changed(base_, weight));
  ExpectWhole(base_);
}

TEST_F(SharedStartTest, RunsWhatModelsHaveInCommonOnce) {
  const Model changed = Changed(base_, "w3");
  const auto found = start_.Prepare(changed)(changed, true);
  const std::vector<Tensor> x = Samples()[1].inputs;
  const auto before = RunModel(base_, x);
  EXPECT_EQ(*found->Run(x, nullptr).at(1).bytes, *before.at(1).bytes);
  EXPECT_GT(MaxDifference(found->Run(x, nullptr).at(0), before.at(0)), 1e-3);
}

}  // namespace
}  // namespace qconvert
