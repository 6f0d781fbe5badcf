#include "../../src/pipeline/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// A chain of `count` MatMuls; node k adds noise[k] to the output when it is integer.
class GuardTest : public testing::Test {
 protected:
  explicit GuardTest(int count = 40) {
    b_.Input("x", {"1", "8"}).Output("v" + std::to_string(count - 1)).Random("w", {8, 8});
    for (int k = 0; k < count; ++k) {
      const std::string in = k == 0 ? "x" : "v" + std::to_string(k - 1);
      b_.Add("MatMul", {in, "w"}, {"v" + std::to_string(k)}).name = "n" + std::to_string(k);
    }
    InferTypes(b_.model, "test");
  }

  GuardResult Run(double min_cosine = 0.99) {
    GuardOptions options{.min_cosine = min_cosine};
    options.measure = [&](Placement placement) {
      OutputComparison output;
      output.type = DataType::kFloat;
      output.count = 1;
      output.float_power = 1;
      for (size_t n = 0; n < placement.nodes.size(); ++n) {
        if (placement.nodes[n].domain == NodeDomain::kInteger) output.error_power += Noise(n);
      }
      output.quantized_power = 1 + output.error_power;
      output.dot = 1;
      return std::vector<OutputComparison>{output};
    };
    return RunGuard(b_.model.graph, {}, options);
  }

  double Noise(size_t n) const {
    const auto it = noise_.find(n);
    return it == noise_.end() ? 1e-5 : it->second;
  }

  GraphBuilder b_;
  std::map<size_t, double> noise_;
};

TEST_F(GuardTest, AGoodModelIsLeftAloneAfterOneLook) {
  const GuardResult result = Run();
  EXPECT_TRUE(result.passed);
  EXPECT_EQ(result.measurements, 1);
  EXPECT_TRUE(result.kept_float.empty());
}

TEST_F(GuardTest, FindsTheNodesThatHarmAndNoOthers) {
  noise_ = {{7, 0.5}, {23, 0.2}, {24, 3.0}};
  const GuardResult result = Run();
  EXPECT_TRUE(result.passed);
  EXPECT_THAT(result.kept_float, testing::UnorderedElementsAre("n7", "n23", "n24"));
  EXPECT_LT(result.measurements, 40) << "fewer looks than nodes";
}

TEST_F(GuardTest, SaysWhenNothingHelps) {
  for (size_t n = 0; n < 40; ++n) noise_[n] = 0;
  noise_[0] = 1;
  EXPECT_TRUE(Run(0.999999).passed);
  const GuardResult impossible = Run(1.0000001);
  EXPECT_FALSE(impossible.passed);
  EXPECT_LT(impossible.measurements, 500);
}

TEST(WorstCosineTest, JudgesFloatOutputsAndPunishesNaN) {
  OutputComparison good;
  good.type = DataType::kFloat;
  good.count = 2;
  good.dot = good.float_power = good.quantized_power = 1;
  OutputComparison index = good;
  index.type = DataType::kInt64;
  index.dot = 0;
  EXPECT_EQ(WorstCosine({good, index}), 1);
  EXPECT_EQ(WorstCosine({index}), 0);
  good.non_finite = 1;
  EXPECT_EQ(WorstCosine({good}), -1);
  EXPECT_EQ(WorstCosine({}), 1);
}

}  // namespace
}  // namespace qconvert
