// calib_transforms, in both vendors' languages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/read_config.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = CalibTransform::Kind;

std::string Vitis(const std::string& list) {
  return "target_device: CPU\nscale_type: float\nmethod: maxmin\ncalib_statistic_method: all\n"
         "include_cle: false\ninclude_bias_corr: false\ncalibration:\n  calib_transforms: " +
         list + "\n";
}

std::string Horizon(const std::string& list, const std::string& march = "nash-e") {
  return "model_parameters: {onnx_model: net.onnx, march: " + march +
         "}\ninput_parameters: {input_type_rt: rgb, input_type_train: rgb, input_layout_train: "
         "NCHW}\ncalibration_parameters:\n  cal_data_dir: cal\n  calib_transforms: " +
         list + "\n";
}

std::vector<CalibTransform> Read(const std::string& list) {
  const auto steps = LoadText(Vitis(list)).config.calibration.transforms;
  EXPECT_EQ(steps, LoadText(Horizon(list)).config.calibration.transforms) << list;
  return steps;
}

TEST(TransformsConfigTest, EveryStep) {
  const auto steps = Read(
      "[{resize: {short_side: 256, method: bilinear}}, {center_crop: {size: [224, 200]}}, "
      "{letterbox: {fill: 114}}, {pad: {size: [640, 480], position: center}}, {color: bgr}, "
      "{layout: NHWC}, {mean: [1, 2, 3]}, {std: 57.5}]");
  ASSERT_EQ(steps.size(), 8U);
  EXPECT_EQ(steps[0],
            (CalibTransform{
                .kind = Kind::kResize, .short_side = 256, .method = ResizeMethod::kBilinear}));
  EXPECT_EQ(steps[1], (CalibTransform{.kind = Kind::kCenterCrop, .height = 224, .width = 200}));
  EXPECT_EQ(steps[2], (CalibTransform{.kind = Kind::kLetterbox, .fill = 114}));
  EXPECT_EQ(steps[3], (CalibTransform{.kind = Kind::kPad, .height = 640, .width = 480}));
  EXPECT_EQ(steps[4].color, InputKind::kBgr);
  EXPECT_EQ(steps[5].layout, InputLayout::kNhwc);
  EXPECT_THAT(steps[6].numbers, ElementsAre(1, 2, 3));
  EXPECT_THAT(steps[7].numbers, ElementsAre(57.5));
}

TEST(TransformsConfigTest, Defaults) {
  const auto steps = Read("[{resize: {}}, {letterbox: {}}, {pad: {}}]");
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0], CalibTransform{});
  EXPECT_EQ(steps[1].position, PicturePosition::kCenter);
  EXPECT_EQ(steps[1].fill, 127);
  EXPECT_EQ(steps[2].multiple, 128);
  EXPECT_EQ(steps[2].position, PicturePosition::kTopLeft);
}

TEST(TransformsConfigTest, Problems) {
  const std::pair<const char*, const char*> rows[] = {
      {"{resize: {}}", "calib_transforms is 'a map', expected a list"},
      {"[resize]", "calib_transforms is 'resize', expected maps in it"},
      {"[{resiz: {}}]", "unknown key 'resiz', did you mean 'resize'?"},
      {"[{resize: {}, color: bgr}]", "has 2 keys, expected one"},
      {"[{}]", "has 0 keys, expected one"},
      {"[{resize: 224}]", "resize is '224', expected a map"},
      {"[{resize: {size: 224}}]", "size is '224', expected [HEIGHT, WIDTH] of 1 to 65536"},
      {"[{resize: {size: [0, 8]}}]", "expected [HEIGHT, WIDTH]"},
      {"[{resize: {size: [8, 8, 8]}}]", "expected [HEIGHT, WIDTH]"},
      {"[{resize: {size: [8, 8], short_side: 9}}]", "resize has size and short_side, expected one"},
      {"[{pad: {size: [8, 8], multiple: 9}}]", "pad has size and multiple, expected one"},
      {"[{resize: {method: cubic}}]", "method is 'cubic', expected antialias, bilinear, nearest"},
      {"[{letterbox: {fill: 256}}]", "fill is '256'"},
      {"[{color: nv12}]", "color is 'nv12', expected rgb, bgr, yuv444, gray"},
      {"[{color: rgb}, {color: bgr}]", "calib_transforms has color twice"},
      {"[{mean: 1}, {resize: {}}]", "resize comes after mean, scale or std"},
      {"[{scale: 2}, {std: 2}]", "scale and std are both given"},
      {"[{mean: [1, 2]}]", "mean is 'a list', expected a number, or a list of three"},
      {"[{mean: one}]", "mean is 'one'"},
      {"[{mean: \"1\"}]", "mean is '1'"},
      {"[{std: 0}]", "expected a nonzero number"},
      {"[{std: 1e-310}]", "std is '1e-310', expected a nonzero number"},
      {"[{mean: 1e300}]", "mean is '1e300', expected a number"},
      {"[{scale: .nan}]", "scale is '.nan'"},
      {"[{scale: 0}]", "scale is '0', expected a nonzero number"},
      {"[{scale: [1, 0, 1]}]", "scale is 'a list', expected a nonzero number"},
  };
  for (const auto& [list, message] : rows) {
    EXPECT_TRUE(AnyHolds(ProblemsOf(Vitis(list)), message)) << list;
    EXPECT_TRUE(AnyHolds(ProblemsOf(Horizon(list)), message)) << list;
  }
}

TEST(TransformsConfigTest, PrintsWhatReadsBack) {
  for (const std::string& text :
       {Vitis("[{resize: {size: [224, 224]}}, {mean: [1, 2, 3]}]"), Horizon("[{color: bgr}]")}) {
    const LoadedConfig loaded = LoadText(text);
    const std::string printed = PrintConfig(loaded.effective);
    EXPECT_EQ(LoadText(printed).config.calibration.transforms, loaded.config.calibration.transforms)
        << printed;
  }
  EXPECT_EQ(LoadText(Vitis("[]"), {"calibration.calib_transforms=[{color: gray}]"})
                .config.calibration.transforms.size(),
            1U);
}

TEST(TransformsConfigTest, PreprocessOnWantsPictures) {
  const std::string text = Horizon("[]\n  preprocess_on: true", "bayes");
  EXPECT_TRUE(ProblemsOf(text).empty());
  EXPECT_EQ(LoadText(text).config.calibration.format, "picture");
  const LoadedConfig j6 = LoadText(Horizon("[]\n  preprocess_on: true"));
  EXPECT_EQ(j6.config.calibration.format, "");
  EXPECT_TRUE(AnyHolds(j6.warnings, "preprocess_on is deprecated"));
}

}  // namespace
}  // namespace qconvert
