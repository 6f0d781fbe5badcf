// Corrections of a whole plan, which come before its nodes go back to float.
#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "support/conversion_job.h"

namespace qconvert {
namespace {

// Three convolutions with weights of 4 bits and values of 8, of which all learn.
class WholePlanTest : public testing::Test {
 protected:
  WholePlanTest() {
    GraphBuilder b;
    b.Input("x", {"1", "3", "8", "8"}).Output("y");
    b.Random("w0", {8, 3, 1, 1}).Random("w1", {8, 8, 1, 1}).Random("w2", {8, 8, 1, 1});
    b.Add("Conv", {"x", "w0"}, {"c0"});
    b.Add("Relu", {"c0"}, {"r0"});
    b.Add("Conv", {"r0", "w1"}, {"c1"});
    b.Add("Relu", {"c1"}, {"r1"});
    b.Add("Conv", {"r1", "w2"}, {"y"});
    options_ = PrepareConversion(folder_, b, {1, 3, 8, 8}, 1, 24);
    options_.config.scheme = Scheme::kStatic;
    options_.config.effort = Effort::kHigh;
    options_.config.tensors.weights.bit_width = 4;
    options_.learning = [this](size_t) { ++learned_; };
  }

  // How often learning told of itself where outputs have to have so many decibels.
  size_t LearnedFor(double min_sqnr_db) {
    learned_ = 0;
    options_.gate.min_sqnr_db = min_sqnr_db;
    try {
      Convert(options_);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kNumeric) << e.what();  // nothing is left on integers
    }
    return learned_;
  }

  TempDir folder_;
  ConvertOptions options_;
  size_t learned_ = 0;
};

TEST_F(WholePlanTest, IsNotCorrectedWhereItsRoundedValuesAloneMissTheGate) {
  EXPECT_GT(LearnedFor(30), 0U) << "values alone have about 40 dB, rounded weights 17";
  EXPECT_EQ(LearnedFor(70), 0U) << "no weights could make up for that";
}

}  // namespace
}  // namespace qconvert
