#include "picture_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = CalibTransform::Kind;
using Steps = std::vector<CalibTransform>;

PictureFormat FormatFor(const std::vector<std::string>& dims, const Steps& steps = {},
                        const InputSettings* settings = nullptr) {
  return MakePictureFormat(steps, settings, {"x", FloatType(dims), {}, {}});
}

std::vector<Kind> Kinds(const PictureFormat& format) {
  std::vector<Kind> kinds;
  for (const CalibTransform& step : format.steps) kinds.push_back(step.kind);
  return kinds;
}

TEST(PictureFormatTest, TheShapeAlone) {
  const PictureFormat nchw = FormatFor({"n", "3", "20", "30"});
  EXPECT_EQ(nchw.unfit, "");
  ASSERT_THAT(Kinds(nchw), ElementsAre(Kind::kResize, Kind::kColor));
  EXPECT_EQ(nchw.steps[0].height, 20);
  EXPECT_EQ(nchw.steps[0].width, 30);
  EXPECT_EQ(nchw.steps[1].color, InputKind::kRgb);
  EXPECT_EQ(nchw.scaling.channel_axis, 1U);
  EXPECT_THAT(nchw.scaling.mean, IsEmpty());
  const PictureFormat nhwc = FormatFor({"1", "20", "30", "1"});
  EXPECT_EQ(nhwc.steps[0].width, 30);
  EXPECT_EQ(nhwc.steps[1].color, InputKind::kGray);
  EXPECT_EQ(nhwc.scaling.channel_axis, 3U);
  EXPECT_EQ(FormatFor({"20", "30", "3"}).scaling.channel_axis, 2U);
  EXPECT_EQ(FormatFor({"3", "20", "30"}).scaling.channel_axis, 0U);
  EXPECT_THAT(Kinds(FormatFor({"1", "3", "h", "30"})), ElementsAre(Kind::kColor));
}

TEST(PictureFormatTest, WhatTakesNoPictures) {
  EXPECT_THAT(FormatFor({"1", "3"}).unfit, HasSubstr("three or four dimensions"));
  EXPECT_THAT(FormatFor({"4", "3", "8", "8"}).unfit, HasSubstr("has a batch of 4"));
  EXPECT_THAT(FormatFor({"1", "8", "8", "8"}).unfit, HasSubstr("has 8 channels on axis 3"));
  EXPECT_THAT(FormatFor({"1", "3", "h", "w"}, {{.kind = Kind::kLetterbox}}).unfit,
              HasSubstr("free height or width, expected a size"));
  CalibTransform mean{.kind = Kind::kMean};
  mean.numbers = {1, 2, 3};
  EXPECT_THAT(FormatFor({"1", "1", "8", "8"}, {mean}).unfit, HasSubstr("has 1 channels"));
}

TEST(PictureFormatTest, ACameraFileSaysTheRest) {
  InputSettings settings{.kind_train = InputKind::kBgr, .layout_train = InputLayout::kNhwc};
  settings.mean = {1, 2, 3};
  settings.scale = {0.5};
  const PictureFormat format = FormatFor({"1", "20", "30", "3"}, {}, &settings);
  EXPECT_EQ(format.unfit, "");
  EXPECT_EQ(format.steps[1].color, InputKind::kBgr);
  EXPECT_EQ(format.scaling.channel_axis, 3U);
  EXPECT_THAT(format.scaling.mean, ElementsAre(1, 2, 3));
  EXPECT_THAT(format.scaling.scale, ElementsAre(0.5, 0.5, 0.5));
}

TEST(PictureFormatTest, TheListWins) {
  InputSettings settings{.kind_train = InputKind::kBgr, .layout_train = InputLayout::kNchw};
  settings.mean = {9};
  Steps steps = {{.kind = Kind::kResize, .short_side = 24},
                 {.kind = Kind::kCenterCrop},
                 {.kind = Kind::kColor, .color = InputKind::kRgb},
                 {.kind = Kind::kStd}};
  steps.back().numbers = {4};
  const PictureFormat format = FormatFor({"1", "3", "20", "30"}, steps, &settings);
  EXPECT_THAT(Kinds(format), ElementsAre(Kind::kResize, Kind::kCenterCrop, Kind::kColor));
  EXPECT_EQ(format.steps[0].height, 0);  // the short side counts
  EXPECT_EQ(format.steps[1].height, 20);
  EXPECT_EQ(format.steps[2].color, InputKind::kRgb);
  EXPECT_THAT(format.scaling.mean, ElementsAre(0, 0, 0));  // none of the settings' beside the list
  EXPECT_THAT(format.scaling.scale, ElementsAre(0.25, 0.25, 0.25));
  steps = {{.kind = Kind::kLayout, .layout = InputLayout::kNhwc}};
  EXPECT_EQ(FormatFor({"1", "3", "30", "3"}, steps).steps[0].width, 30);
}

}  // namespace
}  // namespace qconvert
