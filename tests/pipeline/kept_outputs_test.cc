#include "../../src/pipeline/kept_outputs.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "../../src/pipeline/compare_models.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/peak_bytes.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

std::vector<Tensor> Floats(float first, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count), first);
  return {MakeFloatTensor("y", {count}, values)};
}

TEST(KeptOutputsTest, WhatIsInTheFileComesBackAsItWas) {
  const TempDir folder;
  setenv("TMPDIR", folder.path().c_str(), 1);
  KeptOutputs kept(4, /*memory_bytes=*/10, /*all_bytes=*/1000);
  for (size_t k = 0; k < 4; ++k) {
    std::vector<Tensor> outputs = Floats(static_cast<float>(k), 2);
    outputs.push_back(MakeFloatTensor("none", {0, 3}, {}));
    outputs.push_back({});  // no tensor
    EXPECT_TRUE(kept.Keep(k, outputs));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "a file that nobody sees";
  for (size_t k = 0; k < 4; ++k) {
    const std::vector<Tensor> back = kept.Get(k);
    ASSERT_EQ(back.size(), 3U);
    EXPECT_TRUE(HaveSameElements(back[0], Floats(static_cast<float>(k), 2)[0]));
    EXPECT_EQ(back[0].name, "y");
    EXPECT_EQ(back[1].dims, (std::vector<int64_t>{0, 3}));
    EXPECT_NE(back[1].bytes, nullptr);
    EXPECT_EQ(back[2].bytes, nullptr);
  }
  unsetenv("TMPDIR");
}

TEST(KeptOutputsTest, NoMoreIsKeptThanFits) {
  KeptOutputs kept(3, /*memory_bytes=*/8, /*all_bytes=*/16);
  EXPECT_TRUE(kept.Keep(0, Floats(1, 2)));
  EXPECT_TRUE(kept.Keep(1, Floats(1, 2)));
  EXPECT_FALSE(kept.Keep(2, Floats(1, 1)));
  EXPECT_FALSE(kept.Has(2));
  kept.Clear();
  EXPECT_FALSE(kept.Has(0));
}

TEST(KeptOutputsTest, WithoutAFileTheRestIsNotKept) {
  setenv("TMPDIR", "/no/such/folder", 1);
  KeptOutputs kept(2, /*memory_bytes=*/8, /*all_bytes=*/1000);
  EXPECT_TRUE(kept.Keep(0, Floats(1, 2)));
  EXPECT_FALSE(kept.Keep(1, Floats(1, 2)));
  unsetenv("TMPDIR");
}

// A megabyte for every sample.
class Wide : public Session {
 public:
  const std::vector<Value>& inputs() const override { return values_; }
  const std::vector<Value>& outputs() const override { return values_; }
  std::vector<Tensor> Run(std::span<const Tensor> inputs,
                          ValueObserver* /*observer*/) const override {
    return Floats(inputs[0].values<float>()[0], 1 << 18);
  }

 private:
  std::vector<Value> values_ = {{"x", FloatType({"1"}), {}, {}}};
};

TEST(KeptOutputsTest, MemoryDoesNotGrowWithTheNumberOfSamples) {
  if (PeakBytes() == 0) GTEST_SKIP() << "this system has no VmHWM";
  if (kKeepsFreedMemory) GTEST_SKIP() << "a sanitizer keeps what was freed";
  const std::vector<Value> inputs = {{"x", FloatType({"1"}), {}, {}}};
  const auto peak = [&](size_t count) {
    const TempDir dir;
    std::vector<size_t> order;
    for (size_t k = 0; k < count; ++k) {
      const std::vector<float> value = {static_cast<float>(k + 1)};
      dir.Write(fmt::format("{:03}.npy", k), NpyFloats({1}, value));
      order.push_back(k);
    }
    const SampleSource source = OpenSamples(dir.path(), inputs, SampleSourceOptions{});
    const InputFeeder feeder(source, inputs, {});
    PeakBytes();
    const int64_t before = PeakBytes();  // what is resident now
    ModelComparer comparer(std::make_unique<Wide>(), feeder, {{"x", {}, {}, false, false}}, order,
                           {.count = count});
    EXPECT_EQ(comparer.Compare(Wide()).at(0).sums.error_power, 0);
    return PeakBytes() - before;
  };
  EXPECT_LT(peak(250), kKeptInMemory + (int64_t{16} << 20));
}

}  // namespace
}  // namespace qconvert
