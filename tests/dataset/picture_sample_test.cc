// Sizes, places and colors of pictures, against Pillow 13 and OpenCV 4.
#include "picture_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "picture_file.h"
#include "qconvert/base/error.h"
#include "qconvert/dataset/show_sample.h"
#include "resize_picture.h"
#include "support/graph_builder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using Kind = CalibTransform::Kind;

// 7 pixels wide, 5 high; channel c of pixel x, y is 37 x + 61 y + 101 c, modulo 256.
Picture Scene() {
  Picture picture({5, 7}, 3);
  for (int64_t k = 0; k < 5 * 7 * 3; ++k) {
    const int64_t x = k / 3 % 7;
    const int64_t y = k / 21;
    picture.levels[static_cast<size_t>(k)] = static_cast<uint8_t>(37 * x + 61 * y + 101 * (k % 3));
  }
  return picture;
}

std::vector<int> Channel(const Picture& picture, size_t channel) {
  std::vector<int> levels;
  for (size_t k = channel; k < picture.levels.size(); k += static_cast<size_t>(picture.channels))
    levels.push_back(picture.levels[k]);
  return levels;
}

struct Resized {
  int64_t height;
  int64_t width;
  std::vector<int> pillow;   // BILINEAR
  std::vector<int> opencv;   // INTER_LINEAR
  std::vector<int> nearest;  // Pillow's NEAREST
};

// Of the green channel.
const Resized kResized[] = {
    {2, 3, {145, 124, 113, 92, 138, 154}, {171, 66, 88, 68, 154, 177}, {199, 17, 91, 65, 139, 213}},
    {9,
     10,
     {101, 121, 147, 173, 199, 225, 238, 85,  47, 67,  121, 141, 167, 193, 164, 160, 177, 84,
      67,  87,  155, 175, 201, 227, 106, 52,  76, 82,  101, 121, 189, 147, 121, 147, 81,  57,
      83,  109, 135, 155, 223, 103, 13,  39,  65, 91,  117, 143, 169, 189, 115, 72,  47,  73,
      99,  125, 151, 177, 203, 223, 35,  55,  81, 107, 133, 159, 183, 189, 208, 228, 69,  89,
      115, 141, 167, 193, 210, 117, 100, 120, 89, 109, 135, 161, 187, 213, 226, 73,  35,  55},
     {101, 121, 147, 173, 199, 225, 238, 85,  47, 67,  121, 142, 167, 193, 164, 160, 177, 84,
      67,  87,  155, 176, 201, 227, 105, 52,  76, 82,  101, 121, 189, 147, 121, 147, 81,  57,
      83,  109, 135, 155, 223, 103, 13,  39,  65, 91,  117, 143, 169, 189, 115, 72,  47,  73,
      99,  125, 151, 176, 202, 223, 35,  55,  81, 107, 133, 159, 183, 189, 208, 228, 69,  89,
      115, 141, 167, 192, 210, 116, 100, 120, 89, 109, 135, 161, 187, 213, 226, 73,  34,  55},
     {101, 138, 138, 175, 212, 212, 249, 30, 30, 67,  101, 138, 138, 175, 212, 212, 249, 30,
      30,  67,  162, 199, 199, 236, 17,  17, 54, 91,  91,  128, 162, 199, 199, 236, 17,  17,
      54,  91,  91,  128, 223, 4,   4,   41, 78, 78,  115, 152, 152, 189, 28,  65,  65,  102,
      139, 139, 176, 213, 213, 250, 28,  65, 65, 102, 139, 139, 176, 213, 213, 250, 89,  126,
      126, 163, 200, 200, 237, 18,  18,  55, 89, 126, 126, 163, 200, 200, 237, 18,  18,  55}},
    {2,
     7,
     {150, 129, 166, 98, 135, 91, 128, 98, 77, 114, 139, 176, 132, 169},
     {147, 184, 221, 66, 103, 76, 113, 43, 80, 117, 154, 191, 164, 201},
     {162, 199, 236, 17, 54, 91, 128, 28, 65, 102, 139, 176, 213, 250}},
    {5,
     4,
     {120, 178, 195, 60,  181, 167, 51,  109, 120, 44,
      112, 170, 47,  105, 173, 231, 108, 166, 183, 48},
     {115, 180, 244, 53,  176, 209, 49,  114, 141, 46,
      110, 175, 42,  107, 171, 236, 103, 168, 232, 41},
     {101, 175, 249, 67,  162, 236, 54, 128, 223, 41,
      115, 189, 28,  102, 176, 250, 89, 163, 237, 55}},
};

TEST(ResizePictureTest, IsPillowsAndNearlyOpenCvs) {
  for (const Resized& one : kResized) {
    const PictureSize size{one.height, one.width};
    EXPECT_EQ(Channel(ResizePicture(Scene(), size, ResizeMethod::kAntialias), 1), one.pillow);
    EXPECT_EQ(Channel(ResizePicture(Scene(), size, ResizeMethod::kNearest), 1), one.nearest);
    const auto two = Channel(ResizePicture(Scene(), size, ResizeMethod::kBilinear), 1);
    ASSERT_EQ(two.size(), one.opencv.size());
    for (size_t k = 0; k < two.size(); ++k) EXPECT_NEAR(two[k], one.opencv[k], 1) << k;
  }
}

TEST(ResizePictureTest, TheSameSizeIsTheSamePicture) {
  for (const ResizeMethod method :
       {ResizeMethod::kAntialias, ResizeMethod::kBilinear, ResizeMethod::kNearest})
    EXPECT_EQ(ResizePicture(Scene(), {5, 7}, method).levels, Scene().levels);
}

TEST(ResizePictureTest, WhiteStaysWhiteAtAnySize) {
  const Picture white({13, 9}, 1, 255);
  for (const PictureSize size : {PictureSize{1, 1}, PictureSize{29, 31}, PictureSize{12, 200}}) {
    for (const ResizeMethod method : {ResizeMethod::kAntialias, ResizeMethod::kBilinear}) {
      const Picture out = ResizePicture(white, size, method);
      EXPECT_EQ(*std::min_element(out.levels.begin(), out.levels.end()), 255);
    }
  }
}

Picture Step(const CalibTransform& step, Picture picture = Scene()) {
  return TransformPicture(std::move(picture), {&step, 1}, "x.png");
}

TEST(TransformTest, ShortSide) {
  const auto size = [](int64_t height, int64_t width, int64_t side) {
    return Step({.kind = Kind::kResize, .short_side = side}, Picture({height, width}, 1)).size;
  };
  EXPECT_EQ(size(5, 7, 10), (PictureSize{10, 14}));
  EXPECT_EQ(size(7, 5, 3), (PictureSize{4, 3}));  // 4.2
  EXPECT_EQ(size(5, 99, 1), (PictureSize{1, 19}));
}

TEST(TransformTest, CenterCropRoundsHalvesToEven) {
  const auto first = [](int64_t size, int64_t crop) {
    Picture line({1, size}, 1);
    for (int64_t x = 0; x < size; ++x)
      line.levels[static_cast<size_t>(x)] = static_cast<uint8_t>(x);
    return Step({.kind = Kind::kCenterCrop, .height = 1, .width = crop}, line).levels[0];
  };
  EXPECT_EQ(first(8, 4), 2);
  EXPECT_EQ(first(7, 4), 2);  // 1.5
  EXPECT_EQ(first(9, 4), 2);  // 2.5
  EXPECT_EQ(first(5, 5), 0);
  try {
    Step({.kind = Kind::kCenterCrop, .height = 6, .width = 7});
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "x.png: has 7 x 5 pixels before center_crop, expected at least 7 x 6");
  }
}

TEST(TransformTest, LetterboxKeepsTheRatio) {
  CalibTransform step{.kind = Kind::kLetterbox, .height = 8, .width = 14, .fill = 114};
  step.method = ResizeMethod::kNearest;
  Picture wide({2, 14}, 1, 9);
  Picture out = Step(step, wide);
  EXPECT_EQ(out.size, (PictureSize{8, 14}));
  for (int64_t y = 0; y < 8; ++y) EXPECT_EQ(*out.row(y), y == 3 || y == 4 ? 9 : 114) << y;
  step.position = PicturePosition::kTopLeft;
  out = Step(step, Picture({4, 4}, 1, 9));  // becomes 8 x 8
  EXPECT_EQ(out.row(7)[7], 9);
  EXPECT_EQ(out.row(0)[8], 114);
}

TEST(TransformTest, PadFillsUp) {
  CalibTransform step{.kind = Kind::kPad, .multiple = 4, .fill = 3};
  step.position = PicturePosition::kTopLeft;
  const Picture out = Step(step, Picture({4, 5}, 1, 9));
  EXPECT_EQ(out.size, (PictureSize{4, 8}));
  EXPECT_THAT(std::vector<int>(out.row(2), out.row(3)), ElementsAre(9, 9, 9, 9, 9, 3, 3, 3));
  EXPECT_THROW(Step({.kind = Kind::kPad, .height = 4, .width = 9}), Error);
}

TEST(TransformTest, NoStepMakesAGiant) {
  EXPECT_THROW(Step({.kind = Kind::kResize, .height = 65536, .width = 65536}), Error);
  EXPECT_THROW(Step({.kind = Kind::kPad, .height = 65536, .width = 65536}), Error);
}

// The first pixels, as Pillow converts them.
TEST(TransformTest, Colors) {
  const auto color = [](InputKind kind) { return Step({.kind = Kind::kColor, .color = kind}); };
  EXPECT_EQ(color(InputKind::kRgb).levels, Scene().levels);
  EXPECT_EQ(Channel(color(InputKind::kBgr), 0), Channel(Scene(), 2));
  EXPECT_EQ(Channel(color(InputKind::kBgr), 2), Channel(Scene(), 0));
  auto gray = Channel(color(InputKind::kGray), 0);
  gray.resize(7);
  EXPECT_THAT(gray, ElementsAreArray({82, 119, 127, 164, 201, 88, 125}));
  const std::vector<int> expected = {82, 195, 69, 119, 195, 69,  127, 67,  90,  164, 67,
                                     90, 201, 67, 90,  87,  152, 197, 124, 152, 197};
  const Picture yuv = color(InputKind::kYuv444);
  for (size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(yuv.levels[k], expected[k], 1) << k;
}

Value Input(const std::vector<std::string>& dims, DataType type = DataType::kFloat) {
  return {"x", TypeOf(type, dims), {}, {}};
}

TEST(PictureSampleTest, LayoutMeanAndScale) {
  PictureFormat format;
  format.scaling = {{1, 2, 3}, {0.5, 2, 1}, 1};
  const Tensor nchw = PictureSample(Scene(), format, Input({"n", "3", "5", "7"}), "x.png");
  EXPECT_THAT(nchw.dims, ElementsAre(1, 3, 5, 7));
  EXPECT_EQ(nchw.values<float>()[1], (37 - 1) * 0.5F);
  EXPECT_EQ(nchw.values<float>()[35], (101 - 2) * 2.F);
  format.scaling.channel_axis = 2;
  const Tensor hwc = PictureSample(Scene(), format, Input({"5", "7", "3"}), "x.png");
  EXPECT_THAT(hwc.dims, ElementsAre(5, 7, 3));
  EXPECT_EQ(hwc.values<float>()[1], (101 - 2) * 2.F);
}

TEST(PictureSampleTest, IntegersAreRoundedAndChecked) {
  PictureFormat format;
  format.scaling.channel_axis = 3;
  const std::vector<std::string> shape = {"1", "5", "7", "3"};
  const Tensor bytes = PictureSample(Scene(), format, Input(shape, DataType::kUint8), "x.png");
  const Picture scene = Scene();
  EXPECT_EQ(*bytes.bytes, std::string(scene.levels.begin(), scene.levels.end()));
  EXPECT_THROW(PictureSample(Scene(), format, Input(shape, DataType::kInt8), "x.png"), Error);
  format.scaling = {{128, 128, 128}, {1, 1, 1}, 3};
  const Tensor centered = PictureSample(Scene(), format, Input(shape, DataType::kInt8), "x.png");
  EXPECT_EQ(centered.values<int8_t>()[1], 101 - 128);
  try {
    PictureSample(Scene(), format, Input({"1", "5", "8", "3"}), "x.png");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "x.png: has shape [1,5,7,3], expected [1,5,8,3] for input \"x\"");
  }
}

TEST(PngOfSampleTest, ShowsWhatTheModelSees) {
  const TempDir folder;
  for (const InputKind color : {InputKind::kRgb, InputKind::kBgr, InputKind::kYuv444}) {
    for (const size_t axis : {1, 3}) {
      PictureFormat format;
      format.scaling = {{10, 20, 30}, {0.25, 0.5, 1 / 58.0}, axis};
      const Value input = Input({"1", "3", "5", "7"});
      const Value last = Input({"1", "5", "7", "3"});
      const Picture seen = Step({.kind = Kind::kColor, .color = color});
      const Tensor sample = PictureSample(seen, format, axis == 1 ? input : last, "x.png");
      const std::string png = PngOfSample(sample, format.scaling, color);
      const Picture back = ReadPicture(folder.Write("x.png", png));
      ASSERT_EQ(back.size, Scene().size);
      const int exact = color == InputKind::kYuv444 ? 2 : 0;  // levels of YUV are rounded
      for (size_t k = 0; k < back.levels.size(); ++k)
        EXPECT_NEAR(back.levels[k], Scene().levels[k], exact) << k;
    }
  }
}

TEST(PngOfSampleTest, ClipsAndRefusesWhatIsNoImage) {
  const TempDir folder;
  const PixelScaling none;
  const Tensor wide = MakeFloatTensor("x", {1, 1, 1, 3}, std::vector<float>{-9, 100.6F, 900});
  const Picture back =
      ReadPicture(folder.Write("x.png", PngOfSample(wide, none, InputKind::kGray)));
  EXPECT_THAT(Channel(back, 0), ElementsAre(0, 101, 255));
  for (const std::vector<int64_t>& dims :
       {std::vector<int64_t>{6}, {1, 2, 1, 3}, {0, 1, 1, 3}, {1, 1, 0, 3}}) {
    const std::vector<float> values(dims.back() == 6 || dims[1] == 2 ? 6 : 0);
    EXPECT_THROW(PngOfSample(MakeFloatTensor("x", dims, values), none, InputKind::kRgb), Error);
  }
}

}  // namespace
}  // namespace qconvert
