#include "shared_rest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "compared_models.h"
#include "qconvert/base/error.h"
#include "qconvert/runtime/opened_models.h"
#include "support/graph_builder.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

constexpr size_t kLayers = 8;
constexpr size_t kLayerNodes = 4;
constexpr int64_t kWeightBytes = 8 * 8 * 4;  // of a layer

// x -> layers of MatMul, Relu, Neg, Add -> y; an output of the second layer, and what the first one
// gives is read at the end once more.
Model Chain() {
  GraphBuilder b;
  b.Input("x", {"n", "8"}).Output("y").Output("early");
  std::string last = "x";
  for (size_t k = 0; k < kLayers; ++k) {
    const std::string id = std::to_string(k);
    b.Random("w" + id, {8, 8}, 0.3F);
    b.Add("MatMul", {last, "w" + id}, {"m" + id});
    b.Add("Relu", {"m" + id}, {"r" + id});
    b.Add("Neg", {"r" + id}, {k == 1 ? "early" : "n" + id});
    b.Add("Add", {"r" + id, last}, {"a" + id});
    last = "a" + id;
  }
  b.Add("Mul", {last, "n0"}, {"y"});
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

class SharedRestTest : public testing::Test {
 protected:
  void ExpectWhole(const Model& model) {
    const auto whole = OpenForComparison(model, "whole");
    const auto found = rest_.Prepare(model)(model, true);
    ASSERT_EQ(found->outputs().size(), whole->outputs().size());
    for (const Sample& sample : Samples()) {
      const std::vector<Tensor> expected = whole->Run(sample.inputs, nullptr);
      const std::vector<Tensor> given = found->Run(sample.inputs, nullptr);
      ASSERT_EQ(given.size(), expected.size());
      for (size_t o = 0; o < given.size(); ++o) {
        EXPECT_EQ(given[o].name, expected[o].name);
        EXPECT_LT(MaxDifference(given[o], expected[o]), 1e-5) << given[o].name;
      }
    }
  }

  const Model base_ = Chain();
  SharedRest rest_{base_, Samples(), 2, "cut", true, kWeightBytes};
};

using Range = std::pair<size_t, size_t>;

TEST_F(SharedRestTest, FindsTheStretchThatDiffers) {
  EXPECT_EQ(rest_.Changed(Changed(base_, "w0")), Range(0, 1));
  EXPECT_EQ(rest_.Changed(Changed(base_, "w2")), Range(2 * kLayerNodes, 2 * kLayerNodes + 1));
  EXPECT_EQ(rest_.Changed(Changed(Changed(base_, "w2"), "w5")),
            Range(2 * kLayerNodes, 5 * kLayerNodes + 1));
  EXPECT_EQ(rest_.Changed(base_), Range(base_.graph.nodes.size(), base_.graph.nodes.size()));
  Model other = base_;
  other.graph.nodes[1].op_type = "Abs";
  EXPECT_EQ(rest_.Changed(other), Range(1, 2));
}

TEST_F(SharedRestTest, AnotherAttributeIsAChange) {
  const auto with_slope = [&](float slope) {
    Model model = base_;
    model.graph.nodes[1].op_type = "LeakyRelu";
    model.graph.nodes[1].attributes["alpha"].data = slope;
    return model;
  };
  const SharedRest rest(with_slope(0.5F), Samples(), 1, "cut");
  EXPECT_EQ(rest.Changed(with_slope(0.5F)).first, base_.graph.nodes.size());
  EXPECT_EQ(rest.Changed(with_slope(0.25F)), Range(1, 2));
}

TEST_F(SharedRestTest, GivesWhatTheWholeGivesWhereverItIsCut) {
  for (const char* weight : {"w2", "w3", "w1", "w7", "w0", "w3", "w2"})
    ExpectWhole(Changed(base_, weight));
  ExpectWhole(Changed(Changed(base_, "w1"), "w6"));
  ExpectWhole(base_);
}

// A node that reads another value than in the base belongs to the stretch.
TEST_F(SharedRestTest, TakesNodesInBetween) {
  Model rounded = base_;
  std::vector<Node>& nodes = rounded.graph.nodes;
  Node floor;
  floor.name = "floor";
  floor.op_type = "Floor";
  floor.inputs = {"r3"};
  floor.outputs = {"rounded"};
  nodes.insert(nodes.begin() + 14, floor);
  nodes[15].inputs[0] = "rounded";  // Neg of layer 3, which nobody reads
  nodes[16].inputs[0] = "rounded";
  ExpectWhole(rounded);
}

TEST_F(SharedRestTest, RunsWhatStandsInFrontOnce) {
  const Model changed = Changed(base_, "w7");
  const auto found = rest_.Prepare(changed)(changed, true);
  const std::vector<Tensor> x = Samples()[1].inputs;
  const auto before = RunModel(base_, x);
  const std::vector<Tensor> one = found->Run(x, nullptr);
  EXPECT_EQ(one.at(1).bytes, found->Run(x, nullptr).at(1).bytes);  // the same bytes in memory
  EXPECT_LT(MaxDifference(one.at(1), before.at(1)), 1e-6);
  EXPECT_GT(MaxDifference(one.at(0), before.at(0)), 1e-3);
}

TEST_F(SharedRestTest, OpensWhatIsSharedOnce) {
  const auto opened_for = [&](const std::string& weight) {
    const int64_t before = OpenedModels();
    const Model changed = Changed(base_, weight);
    rest_.Prepare(changed)(changed, true);
    return OpenedModels() - before;
  };
  EXPECT_GT(opened_for("w0"), static_cast<int64_t>(kLayers));
  // What runs before and comes behind is there: the layer itself.
  EXPECT_EQ(opened_for("w3"), 1);
  EXPECT_EQ(opened_for("w5"), 1);
}

// What comes behind a stretch takes the types that it has in the base.
TEST_F(SharedRestTest, RunsTheWholeWhereATypeDiffers) {
  Model other = base_;
  for (Node& node : other.graph.nodes) {
    if (node.outputs[0] != "a2") continue;
    node.op_type = "Cast";
    node.inputs.resize(1);
    node.attributes["to"].data = static_cast<int64_t>(DataType::kDouble);
  }
  EXPECT_THROW(rest_.Prepare(other)(other, true), Error);
}

TEST(SegmentedModelTest, IsCutBeforeWeights) {
  const SegmentedModel model(Chain(), "cut", true, kWeightBytes);
  ASSERT_EQ(model.count(), kLayers);
  for (size_t k = 2; k < model.count(); ++k) {
    EXPECT_EQ(model.First(k), k * kLayerNodes);
    EXPECT_THAT(model.Needed(k), testing::ElementsAre("a" + std::to_string(k - 1), "early", "n0"));
  }
  EXPECT_THAT(model.Needed(0), testing::ElementsAre("x"));
  EXPECT_THAT(model.Needed(model.count()), testing::ElementsAre("early", "y"));
  EXPECT_EQ(SegmentedModel(Chain(), "cut", true).count(), 1U);
}

}  // namespace
}  // namespace qconvert
