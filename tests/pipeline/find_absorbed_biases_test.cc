#include "find_absorbed_biases.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>

#include "qconvert/calibration/input_feeder.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

class FindAbsorbedBiasesTest : public testing::Test {
 protected:
  // One channel of four stays around 60.
  FindAbsorbedBiasesTest() {
    b_.Input("x", {"1", "2", "4", "4"}).Output("y");
    b_.Floats("w", {4, 2, 1, 1}, RandomFloats(8, 5, 0.5F)).Floats("b", {4}, {60, 0, 0, 0});
    b_.Floats("v", {2, 4, 1, 1}, RandomFloats(8, 11)).Floats("d", {2}, {0, 0});
    b_.Add("Conv", {"x", "w", "b"}, {"c"});
    b_.Add("Relu", {"c"}, {"r"});
    b_.Add("Conv", {"r", "v", "d"}, {"y"});
    InferTypes(b_.model, "test");
    for (uint32_t i = 0; i < kSamples; ++i)
      folder_.Write(fmt::format("{}.npy", i), NpyFloats({1, 2, 4, 4}, RandomFloats(32, i)));
  }

  FoundBiases Find(const std::function<bool(const AbsorbedRanges&)>& is_worth = {}) {
    const std::vector<Value>& inputs = b_.model.graph.inputs;
    const SampleSource samples = OpenSamples(folder_.path(), inputs, {});
    std::vector<size_t> order(samples.size());
    std::iota(order.begin(), order.end(), size_t{0});
    return FindAbsorbedBiases(b_.model, InputFeeder(samples, inputs, {}), order, "test", is_worth);
  }

  static constexpr uint32_t kSamples = 12;
  GraphBuilder b_;
  TempDir folder_;
};

TEST_F(FindAbsorbedBiasesTest, WhatFewSamplesSayIsNoMoreThanAllDo) {
  std::vector<double> ranges;
  const FoundBiases found = Find([&](const AbsorbedRanges& least) {
    ranges.push_back(least.at("r"));
    return true;
  });
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges[0], 0) << "before the first sample";
  EXPECT_GT(ranges[1], 0);
  EXPECT_LE(ranges[1], 61 * found.narrowed.at("r"));
  EXPECT_EQ(found.absorbed, Find().absorbed) << "who is asked and goes on changes nothing";
}

TEST_F(FindAbsorbedBiasesTest, EndsWhereItIsNotWorthIt) {
  EXPECT_TRUE(Find([](const AbsorbedRanges&) { return false; }).absorbed.empty());
  size_t asked = 0;
  const auto once = [&](const AbsorbedRanges&) { return ++asked == 1; };
  EXPECT_TRUE(Find(once).absorbed.empty());
  EXPECT_EQ(asked, 2U);
  EXPECT_FALSE(Find().absorbed.empty());
}

}  // namespace
}  // namespace qconvert
