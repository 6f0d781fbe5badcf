// Which samples stand for all while parts of a plan are searched.
#include "../../src/pipeline/worst_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

OutputComparison OutputOf(const std::vector<double>& noise) {
  OutputComparison output;
  output.type = DataType::kFloat;
  for (const double one : noise) {
    output.samples.push_back({.float_power = 1, .error_power = one, .decisions = {}});
    output.sums.count += 1;
    output.sums.float_power += 1;
  }
  return output;
}

std::vector<size_t> Worst(const std::vector<OutputComparison>& outputs, const Gate& gate = {}) {
  return WorstSamples(outputs, gate);
}

TEST(WorstSamplesTest, AreTwoInTheirOrder) {
  EXPECT_THAT(Worst({OutputOf({0.1, 0.5, 0.2, 0.9})}), ElementsAre(1, 3));
}

TEST(WorstSamplesTest, OfSeveralOutputsTheWorstNumberCounts) {
  const auto a = OutputOf({0.1, 0.5, 0.2, 0.1});
  const auto b = OutputOf({0.9, 0.1, 0.1, 0.1});
  EXPECT_THAT(Worst({a, b}), ElementsAre(0, 1));
}

TEST(WorstSamplesTest, EqualOnesComeAsTheyStand) {
  EXPECT_THAT(Worst({OutputOf({0.3, 0.3, 0.3, 0.3})}), ElementsAre(0, 1));
}

TEST(WorstSamplesTest, NoMoreThanThatAreAll) {
  EXPECT_THAT(Worst({OutputOf({0.3, 0.3})}), IsEmpty());
}

TEST(WorstSamplesTest, WithoutOutputsTheFirst) { EXPECT_THAT(Worst({}), ElementsAre(0)); }

TEST(WorstSamplesTest, IntegersAndRandomOutputsSayNothing) {
  auto integers = OutputOf({9, 9, 0, 0});
  integers.type = DataType::kInt64;
  auto random = OutputOf({9, 9, 0, 0});
  random.value.is_random = true;
  EXPECT_THAT(Worst({integers, random, OutputOf({0, 0, 0.1, 0.2})}), ElementsAre(2, 3));
}

TEST(WorstSamplesTest, FlipsTakeMore) {
  OutputComparison output = OutputOf(std::vector<double>(20, 0.001));
  output.decisions = {.decided = 200, .flips = 40};
  for (const size_t k : {3U, 17U}) output.samples[k].decisions = {.decided = 10, .flips = 10};
  const std::vector<size_t> found = Worst({output}, Gate::AtSqnr(17));
  EXPECT_EQ(found.size(), 8U);
  EXPECT_THAT(found, testing::IsSupersetOf({3, 17}));
}

}  // namespace
}  // namespace qconvert
