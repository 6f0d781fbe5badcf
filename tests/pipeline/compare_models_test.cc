#include "../../src/pipeline/compare_models.h"

#include <gtest/gtest.h>

#include <atomic>

#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

// Of "x", {k, 1} each.
struct FewSamples {
  explicit FewSamples(int count) : source(Open(count)), feeder(source, inputs, {}) {}

  SampleSource Open(int count) const {
    for (int k = 0; k < count; ++k) {
      const std::vector<float> values = {static_cast<float>(k), 1};
      dir.Write(fmt::format("{}.npy", k), NpyFloats({2}, values));
    }
    return OpenSamples(dir.path(), inputs, SampleSourceOptions{});
  }

  const TempDir dir;
  const std::vector<Value> inputs = {{"x", FloatType({"2"}), {}, {}}};
  const SampleSource source;
  const InputFeeder feeder;
};

// Draws a number per run, from the same start whenever it is opened.
class Drawing : public Session {
 public:
  const std::vector<Value>& inputs() const override { return inputs_; }
  const std::vector<Value>& outputs() const override { return outputs_; }
  std::vector<Tensor> Run(std::span<const Tensor> inputs,
                          ValueObserver* /*observer*/) const override {
    draw_ = 1.5F * draw_ + 1;
    const std::vector<float> values = {inputs[0].values<float>()[0], draw_};
    return {MakeFloatTensor("y", {2}, values)};
  }

 private:
  std::vector<Value> inputs_ = {{"x", FloatType({"2"}), {}, {}}};
  std::vector<Value> outputs_ = {{"y", FloatType({"2"}), {}, {}}};
  mutable float draw_ = 0;
};

TEST(CompareModelsTest, RandomModelsDrawTheSameHoweverManyOutputsAreKept) {
  const FewSamples samples(6);
  for (const int64_t outputs : {0, 2, 6}) {
    ModelComparer comparer(std::make_unique<Drawing>(), samples.feeder,
                           {{"y", {}, {}, false, false}}, {0, 1, 2, 3, 4, 5},
                           {.count = 6,
                            .workers = 2,
                            .in_step = true,
                            .reopen = [] { return std::make_unique<Drawing>(); },
                            .kept_bytes = 8 * outputs});
    for (int comparison = 0; comparison < 2; ++comparison) {
      const OutputComparison seen = comparer.Compare(Drawing()).at(0);
      EXPECT_EQ(seen.sums.count, 12);
      EXPECT_EQ(seen.sums.error_power, 0) << outputs << " kept, comparison " << comparison;
    }
  }
}

// Gives its input and counts its runs.
class Counting : public Session {
 public:
  explicit Counting(std::atomic<int>& runs) : runs_(runs) {}
  const std::vector<Value>& inputs() const override { return values_; }
  const std::vector<Value>& outputs() const override { return values_; }
  std::vector<Tensor> Run(std::span<const Tensor> inputs,
                          ValueObserver* /*observer*/) const override {
    ++runs_;
    return {inputs[0]};
  }

 private:
  std::atomic<int>& runs_;
  std::vector<Value> values_ = {{"x", FloatType({"2"}), {}, {}}};
};

TEST(CompareModelsTest, WhatTheReferenceHasGivenIsNotRunAgain) {
  const FewSamples samples(3);
  std::atomic<int> runs = 0;
  ModelComparer comparer(std::make_unique<Counting>(runs), samples.feeder,
                         {{"x", {}, {}, false, false}}, {0, 1, 2}, {.count = 3, .workers = 2});
  const OutputComparison same = comparer.CompareWithItself().at(0);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(comparer.comparisons(), 1U);
  EXPECT_EQ(comparer.sample_names().size(), 3U);
  const OutputComparison run = comparer.Compare(Counting(runs)).at(0);
  EXPECT_EQ(runs, 6);
  EXPECT_EQ(same.sums.count, run.sums.count);
  EXPECT_EQ(same.sums.error_power, 0);
  EXPECT_EQ(same.sqnr_db(), run.sqnr_db());
  EXPECT_EQ(comparer.CompareWithItself({1}).at(0).sums.count, 2);
}

}  // namespace
}  // namespace qconvert
