#include "../../src/pipeline/compare_models.h"

#include <gtest/gtest.h>

#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

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
  const TempDir dir;
  for (int k = 0; k < 6; ++k) {
    const std::vector<float> values = {static_cast<float>(k), 1};
    dir.Write(fmt::format("{}.npy", k), NpyFloats({2}, values));
  }
  const std::vector<Value> inputs = {{"x", FloatType({"2"}), {}, {}}};
  const SampleSource samples = OpenSamples(dir.path(), inputs, SampleSourceOptions{});
  const InputFeeder feeder(samples, inputs, {});
  for (const int64_t outputs : {0, 2, 6}) {
    ModelComparer comparer(std::make_unique<Drawing>(), feeder, {{"y", {}, {}, false, false}},
                           {0, 1, 2, 3, 4, 5},
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

}  // namespace
}  // namespace qconvert
