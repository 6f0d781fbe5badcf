#include "normalize_pixels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_files.h"
#include "support/errors.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

Tensor Of(std::vector<int64_t> dims, std::vector<float> values) {
  return MakeFloatTensor("x", std::move(dims), values);
}

PixelScaling PerChannel(size_t axis) {
  PixelScaling scaling;
  scaling.mean = {1, 10};
  scaling.scale = {2, 0.5};
  scaling.channel_axis = axis;
  return scaling;
}

TEST(NormalizePixelsTest, EveryChannelHasItsOwnMeanAndScale) {
  EXPECT_THAT(ToFloats(NormalizePixels(Of({1, 2, 1, 2}, {1, 2, 10, 12}), PerChannel(1), "p")),
              ElementsAre(0, 2, 0, 1));
  EXPECT_THAT(ToFloats(NormalizePixels(Of({1, 1, 2, 2}, {1, 10, 2, 12}), PerChannel(3), "p")),
              ElementsAre(0, 0, 2, 1))
      << "channels last";
  EXPECT_THAT(ToFloats(NormalizePixels(Of({2}, {1, 10}), PixelScaling(), "p")), ElementsAre(1, 10))
      << "none";
}

// 0.017 and means of three decimals: one rounding in the end, as the float model's own would be.
TEST(NormalizePixelsTest, IsComputedInDouble) {
  PixelScaling scaling;
  scaling.mean = {123.675};
  scaling.scale = {0.01712475};
  scaling.channel_axis = 0;
  for (int level = 0; level < 256; ++level) {
    const Tensor out = NormalizePixels(Of({1, 1}, {static_cast<float>(level)}), scaling, "p");
    EXPECT_EQ(out.values<float>()[0], static_cast<float>((level - 123.675) * 0.01712475)) << level;
  }
}

TEST(NormalizePixelsTest, OtherChannelsAreToldWithTheirShape) {
  for (const auto& [dims, axis] : {std::pair{std::vector<int64_t>{1, 3, 1, 1}, size_t{1}},
                                   {std::vector<int64_t>{3}, size_t{1}}}) {
    EXPECT_THAT(
        [&] {
          NormalizePixels(Of(dims, {1, 2, 3}), PerChannel(axis), "a.npy");
        },
        ThrowsError(ExitCode::kData, "expected 2 channels on axis 1 for mean and scale"));
  }
}

TEST(SampleFilesTest, KindsGoByTheExtensionInAnyCase) {
  using Kind = SampleFileKind;
  for (const auto& [name, kind] : {std::pair{"a.npy", Kind::kNpy},
                                   {"a.NPZ", Kind::kNpz},
                                   {"a.b.Jpeg", Kind::kPicture},
                                   {"a.JPG", Kind::kPicture},
                                   {"a.png", Kind::kPicture},
                                   {"a.bin", Kind::kRaw},
                                   {"a.YUV", Kind::kRaw},
                                   {"npy", Kind::kNone},
                                   {".npy", Kind::kNone},
                                   {"a.npy.txt", Kind::kNone},
                                   {"a", Kind::kNone}})
    EXPECT_EQ(KindOf(name), kind) << name;
}

TEST(SampleFilesTest, ShapesAreShownAsTheyAreDeclared) {
  Value input{"x", FloatType({"1", "N", "?"}), {}, {}};
  EXPECT_EQ(ShapeText(input), "[1,N,?]");
  input.type.shape = std::vector<Dim>();
  EXPECT_EQ(ShapeText(input), "[]");
  input.type.shape.reset();
  EXPECT_EQ(ShapeText(input), " of any shape");
}

}  // namespace
}  // namespace qconvert
