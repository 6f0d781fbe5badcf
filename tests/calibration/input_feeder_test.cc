// Complete inputs: samples from files and states from runs before, and whose fault a failure is.
#include "qconvert/calibration/input_feeder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "support/errors.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

Value Input(const std::string& name, const std::vector<std::string>& dims,
            DataType type = DataType::kFloat) {
  return {name, TypeOf(type, dims), {}, {}};
}

class InputFeederTest : public testing::Test {
 protected:
  InputFeederTest() {
    for (const char* name : {"0.npy", "1.npy"})
      folder_.Write(name, NpyFloats({4, 3}, std::vector<float>(12, 7)));
  }
  // x [N,T] from files, the states as said.
  Sample Read(const std::vector<Value>& states, const std::vector<StateInput>& fed,
              const std::vector<Tensor>& previous = {}) {
    const Value x = Input("x", {"N", "T"});
    std::vector<Value> inputs = states;
    inputs.push_back(x);
    const SampleSource samples = OpenSamples(folder_.path(), {x}, {});
    const InputFeeder feeder(samples, inputs, fed);
    EXPECT_EQ(feeder.size(), 2U);
    return feeder.Read(1, previous);
  }
  TempDir folder_;
};

TEST_F(InputFeederTest, StatesAreZerosOfTheSizesThatTheSampleHas) {
  const Sample sample = Read(
      {Input("h", {"2", "N", "8"}), Input("c", {"T", "?", "K"}), Input("n", {}, DataType::kInt64)},
      {{"h", ""}, {"c", ""}, {"n", ""}});
  ASSERT_EQ(sample.inputs.size(), 4U);
  EXPECT_EQ(sample.inputs[0].name, "x");
  EXPECT_EQ(sample.inputs[1].name, "h");
  EXPECT_THAT(sample.inputs[1].dims, ElementsAre(2, 4, 8)) << "N is 4 in x";
  EXPECT_THAT(sample.inputs[1].values<float>(), Each(0.0F));
  EXPECT_THAT(sample.inputs[2].dims, ElementsAre(3, 1, 1)) << "what nobody knows is 1";
  EXPECT_EQ(sample.inputs[3].type, DataType::kInt64);
  EXPECT_THAT(sample.inputs[3].dims, IsEmpty());
  EXPECT_THAT(sample.inputs[3].values<int64_t>(), ElementsAre(0));
}

TEST_F(InputFeederTest, StatesOfARunBeforeTakeTheNameOfTheirInput) {
  const std::vector<Tensor> previous = {
      MakeFloatTensor("other", {1}, std::vector<float>{1}),
      MakeFloatTensor("h_out", {2, 4}, RandomFloats(8, 3)),
  };
  const Sample sample =
      Read({Input("h", {"2", "N"}), Input("z", {"2"})}, {{"h", "h_out"}, {"z", ""}}, previous);
  EXPECT_EQ(sample.inputs[1].name, "h");
  EXPECT_EQ(sample.inputs[1].bytes, previous[1].bytes) << "not copied";
  EXPECT_THAT(sample.inputs[2].values<float>(), Each(0.0F)) << "always zeros";
  EXPECT_THAT(Read({Input("h", {"2", "N"})}, {{"h", "h_out"}}).inputs[1].values<float>(),
              Each(0.0F))
      << "in front of the first sample";
}

TEST_F(InputFeederTest, AStateOfNoSizeIsRefused) {
  EXPECT_THAT(
      [&] {
        Read({Input("s", {"2"}, DataType::kString)}, {{"s", ""}});
      },
      ThrowsError(ExitCode::kModel, "input \"s\" cannot be a state"));
  EXPECT_THAT(
      [&] {
        Read({Input("s", {"4611686018427387904", "4"})}, {{"s", ""}});
      },
      ThrowsError(ExitCode::kModel, "input \"s\" cannot be a state"));
}

TEST_F(InputFeederTest, FeedbackIsAnOutputThatIsNamed) {
  const SampleSource samples = OpenSamples(folder_.path(), {Input("x", {"N", "T"})}, {});
  const auto has = [&](std::vector<StateInput> states) {
    return InputFeeder(samples, {}, std::move(states)).has_feedback();
  };
  EXPECT_FALSE(has({}));
  EXPECT_FALSE(has({{"h", ""}}));
  EXPECT_TRUE(has({{"h", ""}, {"c", "c_out"}}));
}

// Fails as it is told, or gives what it is fed.
class Scripted : public Session {
 public:
  explicit Scripted(std::optional<ExitCode> fails) : fails_(fails) {
    inputs_ = {Input("a", {"n", "k"}), Input("b", {"n"}), Input("c", {"?"})};
  }
  const std::vector<Value>& inputs() const override { return inputs_; }
  const std::vector<Value>& outputs() const override { return inputs_; }
  std::vector<Tensor> Run(std::span<const Tensor> inputs,
                          ValueObserver* /*observer*/) const override {
    if (fails_) throw Error(*fails_, "", "the engine says no");
    return {inputs.begin(), inputs.end()};
  }

 private:
  std::optional<ExitCode> fails_;
  std::vector<Value> inputs_;
};

Sample Sized(int64_t n_of_a, int64_t n_of_b) {
  return {"s.npy", {RandomTensor("a", {n_of_a, 2}, 1), RandomTensor("b", {n_of_b}, 2)}};
}

TEST(RunSampleTest, AFailureNamesTheSample) {
  EXPECT_EQ(RunSample(Scripted({}), Sized(2, 3)).size(), 2U) << "sizes that differ may run";
  EXPECT_THAT([] { RunSample(Scripted(ExitCode::kModel), Sized(2, 2)); },
              ThrowsError(ExitCode::kModel, "s.npy: the engine says no"));
  EXPECT_THAT([] { RunSample(Scripted(ExitCode::kResource), Sized(2, 3)); },
              ThrowsError(ExitCode::kResource, "s.npy: the engine says no"));
}

TEST(RunSampleTest, SizesThatDifferAreTheSamplesFault) {
  EXPECT_THAT([] { RunSample(Scripted(ExitCode::kModel), Sized(2, 3)); },
              ThrowsError(ExitCode::kData,
                          "s.npy: \"n\" is 2 in input \"a\" and 3 in input \"b\": the engine"));
}

}  // namespace
}  // namespace qconvert
