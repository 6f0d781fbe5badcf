// Choosing a calibration method by the noise it leaves on few and on more samples.
#include "choose_method.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

namespace qconvert {
namespace {

using M = CalibrationMethod;
using testing::ElementsAre;

const std::vector<M> kCandidates = {M::kAuto, M::kMaxMin, M::kPercentile, M::kMse};
const std::vector<size_t> kFew = {0, 5};
const std::vector<size_t> kMore = {0, 2, 4, 5, 6};

// Noises of methods on kFew and on kMore, and what was measured on the latter.
struct Noises {
  std::map<M, double> few;
  std::map<M, double> more;
  std::vector<M> again;

  M Choose(const std::vector<size_t>& samples = kMore) {
    return ChooseMethodByNoise(kCandidates, kFew, samples,
                               [&](const std::vector<M>& methods, const std::vector<size_t>& on) {
                                 std::vector<MethodNoise> noises;
                                 for (const M method : methods) {
                                   if (on == kFew) {
                                     noises.push_back({few.at(method), 0});
                                     continue;
                                   }
                                   EXPECT_EQ(on, kMore);
                                   again.push_back(method);
                                   noises.push_back({0, more.at(method)});
                                 }
                                 return noises;
                               });
  }
};

TEST(ChooseMethodTest, TheFirstThatNoneBeats) {
  Noises noises{{{M::kAuto, .010}, {M::kMaxMin, .0096}, {M::kPercentile, .03}, {M::kMse, .03}}};
  EXPECT_EQ(noises.Choose({}), M::kAuto) << "4 % are no difference on few samples";
  noises.few[M::kMaxMin] = .0094;
  EXPECT_EQ(noises.Choose({}), M::kMaxMin);
  EXPECT_TRUE(noises.again.empty());
}

TEST(ChooseMethodTest, ThoseNearTheBestAreMeasuredOnMore) {
  Noises noises{{{M::kAuto, .0019}, {M::kMaxMin, .001}, {M::kPercentile, .0021}, {M::kMse, .1}},
                {{M::kAuto, .0026}, {M::kMaxMin, .0030}}};
  EXPECT_EQ(noises.Choose(), M::kAuto);
  EXPECT_THAT(noises.again, ElementsAre(M::kMaxMin, M::kAuto)) << "the best of few first";
}

TEST(ChooseMethodTest, TheBestOfFewStaysUnlessAnotherIsClearlyBetter) {
  Noises noises{{{M::kAuto, .0019}, {M::kMaxMin, .001}, {M::kPercentile, .1}, {M::kMse, .1}},
                {{M::kAuto, .0029}, {M::kMaxMin, .0030}}};
  EXPECT_EQ(noises.Choose(), M::kMaxMin);
}

TEST(ChooseMethodTest, OneAloneIsNotMeasuredAgain) {
  Noises noises{{{M::kAuto, .1}, {M::kMaxMin, .001}, {M::kPercentile, .1}, {M::kMse, .1}}};
  EXPECT_EQ(noises.Choose(), M::kMaxMin);
  EXPECT_TRUE(noises.again.empty());
}

TEST(ChooseMethodTest, WhatDoesNotRunIsNotMeasuredAgain) {
  const double none = std::numeric_limits<double>::infinity();
  Noises noises{{{M::kAuto, none}, {M::kMaxMin, none}, {M::kPercentile, none}, {M::kMse, none}}};
  EXPECT_EQ(noises.Choose(), M::kAuto);
  EXPECT_TRUE(noises.again.empty());
}

}  // namespace
}  // namespace qconvert
