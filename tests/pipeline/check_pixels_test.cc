#include "check_pixels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

DeploymentConfig Camera(CalibrationDomain domain) {
  InputSettings input{.name = "x",
                      .kind_rt = InputKind::kNv12,
                      .kind_train = InputKind::kRgb,
                      .layout_train = InputLayout::kNchw,
                      .mean = {120, 116, 104},
                      .scale = {1 / 58.0}};
  DeploymentConfig deployment;
  deployment.generation = domain == CalibrationDomain::kRaw ? Generation::kJ5 : Generation::kJ6;
  deployment.calibration_domain = domain;
  deployment.inputs.push_back(std::move(input));
  return deployment;
}

// Oddities of one sample of 3x1x2 as the float model takes it.
std::vector<std::string> Oddities(const DeploymentConfig& deployment,
                                  const std::vector<float>& values) {
  const TempDir folder;
  folder.Write("frame.npy", NpyFloats({1, 3, 1, 2}, values));
  const SampleSource source =
      OpenSamples(folder.path(), {{"x", FloatType({"1", "3", "1", "2"}), {}, {}}}, {});
  return CheckPixels(deployment, source, source.Digest(1).by_content);
}

std::vector<float> Normalized(const std::vector<float>& levels) {
  std::vector<float> out;
  constexpr std::array<float, 3> kMean = {120, 116, 104};
  for (size_t i = 0; i < levels.size(); ++i) out.push_back((levels[i] - kMean[i / 2]) / 58);
  return out;
}

TEST(CheckPixelsTest, PixelsOfEitherRuleArePixels) {
  const std::vector<float> values = Normalized({0, 255, 10, 200, 128, 90});
  EXPECT_THAT(Oddities(Camera(CalibrationDomain::kNormalized), values), IsEmpty());
  EXPECT_THAT(Oddities(Camera(CalibrationDomain::kRaw), values), IsEmpty());
}

TEST(CheckPixelsTest, RawPixelsUnderTheJ6Rule) {
  EXPECT_THAT(Oddities(Camera(CalibrationDomain::kNormalized), {0, 255, 10, 200, 128, 90}),
              ElementsAre(HasSubstr("samples of input \"x\" hold 0 to 255, which mean and scale "
                                    "make of levels 120 to 1.491e+04, normalized pixels are "
                                    "expected (J6 rule): are they raw?")));
}

TEST(CheckPixelsTest, NormalizedTwiceUnderTheJ5Rule) {
  const std::vector<float> twice = Normalized({-2, 2, -1, 1.5F, 0, 1});
  EXPECT_THAT(Oddities(Camera(CalibrationDomain::kRaw), twice),
              ElementsAre(HasSubstr("hold -2 to 2, pixels of 0 to 255 are expected (J5 rule): "
                                    "were they normalized already?")));
}

TEST(CheckPixelsTest, APictureOfOneColor) {
  EXPECT_THAT(Oddities(Camera(CalibrationDomain::kRaw), Normalized({0, 0, 0, 0, 0, 0})),
              ElementsAre("samples of input \"x\" with one color alone: frame.npy"));
}

TEST(CheckPixelsTest, AnOnlyInputWithoutANameInTheFileIsCalledAsInTheModel) {
  DeploymentConfig deployment = Camera(CalibrationDomain::kNormalized);
  deployment.inputs[0].name.clear();
  EXPECT_THAT(Oddities(deployment, {0, 255, 10, 200, 128, 90}),
              ElementsAre(HasSubstr("samples of input \"x\" hold")));
}

TEST(CheckPixelsTest, WithoutMeanAndScaleNothingIsKnown) {
  DeploymentConfig deployment = Camera(CalibrationDomain::kNormalized);
  deployment.inputs[0].mean.clear();
  deployment.inputs[0].scale.clear();
  EXPECT_THAT(Oddities(deployment, {0, 255, 10, 200, 128, 90}), IsEmpty());
  deployment = Camera(CalibrationDomain::kNormalized);
  deployment.inputs[0].kind_train = deployment.inputs[0].kind_rt = InputKind::kFeaturemap;
  EXPECT_THAT(Oddities(deployment, {0, 255, 10, 200, 128, 90}), IsEmpty());
}

}  // namespace
}  // namespace qconvert
