#include "qconvert/calibration/calibrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <stdexcept>

#include "qconvert/base/error.h"
#include "qconvert/base/parallel.h"
#include "qconvert/calibration/insert_observers.h"
#include "qconvert/calibration/table_file.h"
#include "qconvert/ir/graph_printer.h"
#include "support/errors.h"
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
    if (observer != nullptr)
      observer->Observe(0, {DataType::kFloat, inputs[0].dims, sum.data(), sum.size()});
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
  CalibrationTable Run(CalibrationOptions options, const std::vector<StateInput>& states = {}) {
    const Value x{"x", FloatType({"1", "500"}), {}, {}};
    const Value s{"s", FloatType({"1", "500"}), {}, {}};
    const SampleSource samples = OpenSamples(folder_.path(), {x}, {});
    const InputFeeder feeder(samples, {x, s}, states);
    options.progress = [&](size_t done, size_t) { done_ = done; };
    return Calibrate(FakeSession(), feeder, {"y"}, options);
  }
  CalibrationTable Run(int workers, const std::vector<StateInput>& states = {}) {
    return Run({.workers = workers}, states);
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
      observer->Observe(0, {DataType::kFloat, inputs[0].dims, values.data(), values.size()});
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
    EXPECT_STREQ(e.what(), "99.npy: the float model gives NaN in 500 values of \"y\"");
  }
}

// The number of values above half of a batch's maximum needs a second look.
class AboveHalf : public SecondLook {
 public:
  explicit AboveHalf(float max) : max_(max) {}
  void Observe(std::span<const float> values) override {
    for (const float v : values) count_ += v > max_ / 2 ? 1 : 0;
  }
  Range Decide() const override { return {0, static_cast<float>(count_)}; }

 private:
  float max_;
  int count_ = 0;
};

// Batches of 4: 23 samples make 6 of them.
CalibrationOptions Asking(int workers) {
  CalibrationOptions options{.workers = workers, .batch_size = 4};
  options.requests = {{.batches = {{.key = "half",
                                    .range = {},
                                    .second_look =
                                        [](const TensorStatistics& b) {
                                          return std::make_unique<AboveHalf>(b.max);
                                        }},
                                   {.key = "range",
                                    .range =
                                        [](const TensorStatistics& b) {
                                          return Range{b.min, b.max};
                                        },
                                    .second_look = {}}}}};
  return options;
}

TEST_F(CalibratorTest, BatchesAreAskedInOrderWhateverTheWorkers) {
  const CalibrationTable one = Run(Asking(1));
  const auto& answers = one.batches.at("y");
  ASSERT_EQ(answers.at("range").size(), 6U);
  float largest = 0;
  for (const Range& range : answers.at("range")) largest = std::max(largest, range.max);
  EXPECT_EQ(largest, one.values.at("y").max);
  EXPECT_EQ(one.values, Run(1).values);
  float above = 0;
  for (size_t b = 0; b < 6; ++b) {
    EXPECT_GT(answers.at("half")[b].max, 0);
    above += answers.at("half")[b].max;
  }
  EXPECT_LT(above, 23 * 500 / 4);
  for (const int workers : {2, 3, 8}) EXPECT_EQ(Run(Asking(workers)), one) << workers;
}

TEST_F(CalibratorTest, ASecondLookSeesTheSameStates) {
  const CalibrationTable fed = Run(Asking(3), {{"s", "y"}});
  CalibrationOptions first = Asking(1);
  first.requests[0].batches.erase(first.requests[0].batches.begin());
  EXPECT_EQ(Run(first, {{"s", "y"}}).values, fed.values);
  for (const Range& range : fed.batches.at("y").at("half")) EXPECT_GT(range.max, 0);
}

TEST_F(CalibratorTest, ShardsAndPiecesAddUpToTheWhole) {
  const CalibrationTable whole = Run(Asking(2));
  for (const size_t shards : {2U, 3U, 5U}) {
    std::vector<StoredTable> tables;
    for (size_t i = 0; i < shards; ++i) {
      CalibrationOptions options = Asking(2);
      options.shard = {i, shards};
      StoredTable stored{"m", "d", options.shard, {}, {}};
      for (options.batches = 1; options.first_batch < ShardBatches(23, 4, options.shard);
           ++options.first_batch) {
        AddTable(Run(options), stored.table);
      }
      EXPECT_EQ(done_, ShardSamples(23, 4, options.shard));
      tables.push_back(ParseTable(FormatTable(stored), "t"));
    }
    EXPECT_EQ(MergeTables(tables, {"0", "1", "2", "3", "4"}).table, whole) << shards;
  }
}

TEST_F(CalibratorTest, WhatNobodyAsksForIsNotInTheTable) {
  CalibrationOptions options = Asking(2);
  options.requests[0] = {.statistics = ValueRequests::Statistics::kNone};
  const CalibrationTable table = Run(options);
  EXPECT_EQ(table.samples, 23U);
  EXPECT_TRUE(table.values.empty());
  EXPECT_TRUE(table.batches.empty());
}

TEST_F(CalibratorTest, ARangeAloneHasNoHistogram) {
  CalibrationOptions options{.workers = 2};
  options.requests = {{.statistics = ValueRequests::Statistics::kRange}};
  const TensorStatistics seen = Run(options).values.at("y");
  EXPECT_TRUE(seen.histogram.counts().empty());
  EXPECT_EQ(seen.max, Run(1).values.at("y").max);
}

TEST_F(CalibratorTest, TheFirstInfiniteSampleIsNamed) {
  for (const char* name : {"05.npy", "17.npy"})
    folder_.Write(name, NpyFloats({1, 500}, std::vector<float>(500, 3e38F)));
  for (const int workers : {1, 2, 4}) {
    const CalibrationTable table = Run({.workers = workers}, {{"s", "y"}});
    EXPECT_EQ(table.infinite.at("y").name, "17.npy") << "the sum of both";
    EXPECT_EQ(table.infinite.at("y").index, 17U);
  }
}

TEST_F(CalibratorTest, TheMemoryLimitHoldsWorkersBack) {
  EXPECT_EQ(Run({.workers = 8, .memory_limit = int64_t{1} << 40}).values, Run(1).values);
  try {
    Run({.workers = 8, .memory_limit = 1});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kResource);
    EXPECT_TRUE(std::string(e.what()).find("memory_limit allows") != std::string::npos) << e.what();
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

// a [n,2] and b [n,2]; never runs.
class RefusingSession : public Session {
 public:
  explicit RefusingSession(ExitCode code) : code_(code) {}
  const std::vector<Value>& inputs() const override { return inputs_; }
  const std::vector<Value>& outputs() const override { return inputs_; }
  std::vector<Tensor> Run(std::span<const Tensor> /*inputs*/,
                          ValueObserver* /*observer*/) const override {
    throw Error(code_, "m.onnx", "running failed");
  }

 private:
  ExitCode code_;
  std::vector<Value> inputs_ = {{"a", FloatType({"n", "2"}), {}, {}},
                                {"b", FloatType({"n", "2"}), {}, {}}};
};

TEST(RunSampleTest, ASampleWithTwoSizesOfADimensionIsAtFault) {
  const auto sample = [](int64_t a, int64_t b) {
    return Sample{"3.npy", {RandomTensor("a", {a, 2}, 1), RandomTensor("b", {b, 2}, 2)}};
  };
  const RefusingSession model(ExitCode::kModel);
  EXPECT_THAT(
      [&] { RunSample(model, sample(2, 3)); },
      ThrowsError(ExitCode::kData,
                  "3.npy: \"n\" is 2 in input \"a\" and 3 in input \"b\": m.onnx: running"));
  EXPECT_THAT([&] { RunSample(model, sample(2, 2)); },
              ThrowsError(ExitCode::kModel, "3.npy: m.onnx: running failed"));
  EXPECT_THAT([&] { RunSample(RefusingSession(ExitCode::kResource), sample(2, 3)); },
              ThrowsError(ExitCode::kResource, "3.npy: m.onnx: running failed"));
}

}  // namespace
}  // namespace qconvert
