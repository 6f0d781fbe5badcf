#include "qconvert/calibration/calibrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <stdexcept>

#include "qconvert/base/error.h"
#include "qconvert/ir/graph_printer.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

// y = x + state, observed as value 0; no engine needed.
class FakeSession : public Session {
 public:
  const std::vector<Value>& inputs() const override { return inputs_; }
  const std::vector<Value>& outputs() const override { return outputs_; }
  std::vector<Tensor> Run(std::span<const Tensor> inputs, ValueObserver* observer) const override {
    std::vector<float> sum = ToFloats(inputs[0]);
    for (size_t k = 1; k < inputs.size(); ++k) {
      const std::vector<float> more = ToFloats(inputs[k]);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
    }
    if (observer != nullptr) observer->Observe(0, sum);
    return {MakeFloatTensor("y", inputs[0].dims, sum)};
  }

 private:
  std::vector<Value> inputs_;
  std::vector<Value> outputs_;
};

class CalibratorTest : public testing::Test {
 protected:
  CalibratorTest() {
    for (int i = 0; i < 23; ++i) {
      folder_.Write(fmt::format("{:02}.npy", i),
                    NpyFloats({1, 500}, RandomFloats(500, static_cast<uint32_t>(i),
                                                     static_cast<float>(1 + i))));
    }
  }
  CalibrationTable Run(int workers, const std::vector<StateInput>& states = {}) {
    const Value x{"x", FloatType({"1", "500"}), {}, {}};
    const Value s{"s", FloatType({"1", "500"}), {}, {}};
    const SampleSource samples = OpenSamples(folder_.path(), {x}, {});
    const InputFeeder feeder(samples, {x, s}, states);
    return Calibrate(FakeSession(), feeder, {"y"},
                     {.workers = workers, .progress = [&](size_t done, size_t) { done_ = done; }});
  }
  TempDir folder_;
  size_t done_ = 0;
};

TEST_F(CalibratorTest, TheWorkerCountDoesNotChangeABit) {
  const CalibrationTable one = Run(1);
  EXPECT_EQ(one.samples, 23U);
  EXPECT_EQ(one.values.at("y").count, 23 * 500);
  EXPECT_EQ(done_, 23U);
  for (const int workers : {2, 3, 4, 8}) EXPECT_EQ(Run(workers).values, one.values) << workers;
}

TEST_F(CalibratorTest, FeedsStatesBack) {
  const float without = Run(1).values.at("y").max;
  EXPECT_EQ(Run(4, {{"s", ""}}).values.at("y").max, without) << "zeros";
  EXPECT_GT(Run(4, {{"s", "y"}}).values.at("y").max, without) << "a running sum";
}

TEST_F(CalibratorTest, NaNNamesValueSampleAndCount) {
  folder_.Write("99.npy", NpyFloats({1, 500}, std::vector<float>(500, 3e38F)));
  class NanSession : public FakeSession {
   public:
    std::vector<Tensor> Run(std::span<const Tensor> inputs,
                            ValueObserver* observer) const override {
      std::vector<float> values = ToFloats(inputs[0]);
      for (float& v : values) v = v > 1e38F ? NAN : v;
      observer->Observe(0, values);
      return {};
    }
  };
  const Value x{"x", FloatType({"1", "500"}), {}, {}};
  const SampleSource samples = OpenSamples(folder_.path(), {x}, {});
  try {
    Calibrate(NanSession(), InputFeeder(samples, {x}, {}), {"y"}, {.workers = 2});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kNumeric);
    EXPECT_STREQ(e.what(), "99.npy: 500 values of \"y\" are NaN in the float model");
  }
}

TEST(InsertObserversTest, KeepsNamesOfInputsAndOutputs) {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Relu", {"x"}, {"a"});
  b.Add("Neg", {"a"}, {"y"});
  EXPECT_EQ(PrintGraph(InsertObservers(b.model.graph, {"x", "y"})),
            "input x float[2]\n"
            "observed_0 = qconvert.observe:Observe(x) {id=0}\n"
            "a = Relu(observed_0)\n"
            "observed_1 = Neg(a)\n"
            "y = qconvert.observe:Observe(observed_1) {id=1}\n"
            "output y float\n");
}

TEST(ParallelForTest, RunsEachOnceAndRethrowsTheFirst) {
  std::vector<std::atomic<int>> runs(100);
  ParallelFor(100, 4, [&](size_t i, size_t) { ++runs[i]; });
  for (const auto& count : runs) EXPECT_EQ(count, 1);
  try {
    ParallelFor(50, 4, [&](size_t i, size_t) {
      if (i == 7) throw std::runtime_error("seven");
    });
    FAIL();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "seven");
  }
  ParallelFor(0, 4, [&](size_t, size_t) { FAIL(); });
}

}  // namespace
}  // namespace qconvert
