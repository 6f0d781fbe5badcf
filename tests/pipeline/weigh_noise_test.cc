// Nodes quantized at run time below 30 dB, against the time that they save.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/conversion_job.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

class WeighNoiseTest : public testing::Test {
 protected:
  // An LSTM that saturates, where small errors grow: about 25 dB are left at run time.
  // `is_streaming`: it goes on from the state that it gave.
  ConversionReport Converted(bool is_streaming, double min_sqnr_db = 20) {
    GraphBuilder b;
    b.Input("x", {"16", "1", "64"}).Output("y");
    b.Random("W", {1, 256, 64}, kSpread).Random("R", {1, 256, 64}, kSpread);
    b.Random("B", {1, 512}, 0.1F);
    std::vector<std::string> inputs = {"x", "W", "R", "B"};
    std::vector<std::string> outputs = {"y"};
    if (is_streaming) {
      b.Add("ReduceMax", {"x"}, {"state"}).Set("axes", std::vector<int64_t>{0});
      inputs.insert(inputs.end(), {"", "state", "state"});
      outputs.insert(outputs.end(), {"next", "cell"});
      b.Output("next").Output("cell");
    }
    b.Add("LSTM", inputs, outputs).Set("hidden_size", int64_t{64});
    ConvertOptions options = PrepareConversion(folder_, b, {16, 1, 64}, 1, 24);
    options.gate.min_sqnr_db = min_sqnr_db;
    return Convert(options);
  }

  static std::string ReasonOf(const ConversionReport& report) {
    for (const auto& [why, nodes] : report.float_reasons)
      if (why.first == "LSTM") return why.second;
    return "";
  }

  static constexpr float kSpread = 0.5F;
  TempDir folder_;
};

TEST_F(WeighNoiseTest, TimeIsWorthDecibelsBelowTheAim) {
  const ConversionReport report = Converted(false);
  EXPECT_EQ(ReasonOf(report), "quantized at run time");
  EXPECT_LT(report.outputs.at(0).sqnr_db(), 30) << "else it says nothing";
}

TEST_F(WeighNoiseTest, NotWhatMissesTheGateAndTheReasonSaysSo) {
  const ConversionReport report = Converted(false, 34);
  EXPECT_THAT(ReasonOf(report), HasSubstr("quantized at run time it would leave the outputs with"));
}

TEST_F(WeighNoiseTest, AStateBringsItsErrorBack) {
  const ConversionReport report = Converted(true);
  EXPECT_THAT(ReasonOf(report), HasSubstr("quantized at run time it would leave the outputs with"));
}

}  // namespace
}  // namespace qconvert
