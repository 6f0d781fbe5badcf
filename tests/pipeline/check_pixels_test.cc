#include "check_pixels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
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

using Samples = std::map<std::string, std::vector<float>>;

// Oddities of samples of 3x1x2 as the float model takes them.
std::vector<std::string> OdditiesOf(const DeploymentConfig& deployment, const Samples& samples) {
  const TempDir folder;
  for (const auto& [name, values] : samples) folder.Write(name, NpyFloats({1, 3, 1, 2}, values));
  const std::vector<Value> inputs = {{"x", FloatType({"1", "3", "1", "2"}), {}, {}}};
  const SampleSource source = OpenSamples(folder.path(), inputs, {});
  QuantConfig config;
  config.deployment = deployment;
  return CheckPixels(config, inputs, source, source.Digest(1).by_content);
}

std::vector<std::string> Oddities(const DeploymentConfig& deployment,
                                  const std::vector<float>& values) {
  return OdditiesOf(deployment, {{"frame.npy", values}});
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
                                    "expected (J6 rule): are they raw? (in frame.npy)")));
}

// Of many, those that it is said of: the first few and how many.
TEST(CheckPixelsTest, SamplesOfWhichSomethingIsSaidAreNamed) {
  Samples samples;
  for (int k = 0; k < 9; ++k) {
    std::vector<float> levels = {0, 255, 10, 200, 128, static_cast<float>(k)};
    samples[std::to_string(k) + ".npy"] = k == 4 ? levels : Normalized(levels);
  }
  const DeploymentConfig camera = Camera(CalibrationDomain::kNormalized);
  EXPECT_THAT(OdditiesOf(camera, samples), ElementsAre(HasSubstr("are they raw? (in 4.npy)")));
  for (auto& [name, values] : samples) values = Normalized(Normalized(values));
  samples.erase("4.npy");
  EXPECT_THAT(OdditiesOf(camera, samples),
              ElementsAre(HasSubstr("were they normalized twice? (in 0.npy, 1.npy, 2.npy, 3.npy, "
                                    "5.npy and 3 more)")));
}

TEST(CheckPixelsTest, NormalizedTwiceUnderTheJ5Rule) {
  const std::vector<float> twice = Normalized({-2, 2, -1, 1.5F, 0, 1});
  EXPECT_THAT(Oddities(Camera(CalibrationDomain::kRaw), twice),
              ElementsAre(HasSubstr("hold -2 to 2, pixels of 0 to 255 are expected (J5 rule): "
                                    "were they normalized already? (in frame.npy)")));
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

TEST(CheckPixelsTest, NormalizedTwiceUnderTheJ6Rule) {
  const std::vector<float> twice = Normalized(Normalized({0, 255, 10, 200, 128, 90}));
  EXPECT_THAT(Oddities(Camera(CalibrationDomain::kNormalized), twice),
              ElementsAre(HasSubstr("were they normalized twice?")));
}

TEST(CheckPixelsTest, ScaledButNotNormalized) {
  EXPECT_THAT(Oddities(Camera(CalibrationDomain::kNormalized), {0, 1, 0.1F, 0.9F, 0.5F, 0.2F}),
              ElementsAre(HasSubstr("hold 0 to 1, mean and scale make 4.4 numbers wide ranges of "
                                    "pixels: are they scaled to 0 to 1, but not normalized?")));
}

// The declared mean is 120, 116, 104. One picture may be blue.
TEST(CheckPixelsTest, SwappedChannels) {
  const DeploymentConfig camera = Camera(CalibrationDomain::kNormalized);
  const auto frames = [](std::vector<float> levels) {
    Samples samples;
    for (int k = 0; k < 8; ++k) {
      samples[std::to_string(k) + ".npy"] = Normalized(levels);
      levels[0] += 0.01F;
    }
    return samples;
  };
  EXPECT_THAT(Oddities(camera, Normalized({60, 150, 66, 166, 72, 170})), IsEmpty());
  EXPECT_THAT(OdditiesOf(camera, frames({60, 150, 66, 166, 72, 170})),
              ElementsAre(HasSubstr(
                  "have levels of 105, 116 and 121 by channel in the mean, nearer "
                  "to the declared mean turned around (104, 116, 120): are red "
                  "and blue swapped? (in 0.npy, 1.npy, 2.npy, 3.npy, 4.npy and 3 more)")));
  for (const std::vector<float>& levels : {std::vector<float>{70, 170, 66, 166, 60, 148},
                                           {60, 160, 60, 160, 60, 160},
                                           {20, 40, 20, 50, 20, 60}}) {
    EXPECT_THAT(OdditiesOf(camera, frames(levels)), IsEmpty()) << "right, gray, or dark";
  }
}

TEST(CheckPixelsTest, BlackPictures) {
  const DeploymentConfig camera = Camera(CalibrationDomain::kNormalized);
  EXPECT_THAT(OdditiesOf(camera, {{"night.npy", Normalized({0, 9, 1, 8, 2, 7})},
                                  {"day.npy", Normalized({0, 255, 10, 200, 128, 90})}}),
              ElementsAre("samples of input \"x\" that are black, with no level above 16: "
                          "night.npy"));
}

TEST(CheckPixelsTest, EqualAndConstantSamplesAreNamed) {
  const DeploymentConfig none;
  Samples samples;
  for (int k = 0; k < 8; ++k)
    samples[std::to_string(k) + ".npy"] = {1, 2, 3, 4, 5, static_cast<float>(k)};
  EXPECT_THAT(OdditiesOf(none, samples), IsEmpty());
  samples["a.npy"] = samples["3.npy"];
  samples["b.npy"] = samples["3.npy"];
  const std::vector<std::string> equal = OdditiesOf(none, samples);
  ASSERT_EQ(equal.size(), 1U);
  EXPECT_THAT(equal[0], HasSubstr("samples that are equal: 3.npy = a.npy, 3.npy = b.npy"));
  samples.clear();
  for (int k = 0; k < 8; ++k)
    samples[std::to_string(k) + ".npy"] = std::vector<float>(6, static_cast<float>(k));
  EXPECT_THAT(OdditiesOf(Camera(CalibrationDomain::kNormalized), samples),
              testing::Contains(testing::MatchesRegex(
                  ".*with one color alone: ..npy, ..npy, ..npy, ..npy, ..npy and 3 more")));
  EXPECT_THAT(OdditiesOf(none, samples), IsEmpty()) << "six numbers may be flags";
}

TEST(CheckPixelsTest, OnlyInputsMayNotBeConstantStatesMay) {
  const TempDir folder;
  const std::vector<float> zeros(16, 0);
  folder.Write("alone/x/0.npy", NpyFloats({1, 16}, zeros));
  folder.Write("both/x/0.npy", NpyFloats({1, 16}, RandomFloats(16, 1)));
  folder.Write("both/state/0.npy", NpyFloats({1, 16}, zeros));
  const Value x{"x", FloatType({"1", "16"}), {}, {}};
  const Value state{"state", FloatType({"1", "16"}), {}, {}};
  const auto oddities = [&](const std::string& data, const std::vector<Value>& inputs) {
    const SampleSource source = OpenSamples(folder / data, inputs, {});
    return CheckPixels({}, inputs, source, source.Digest(1).by_content);
  };
  EXPECT_THAT(oddities("alone", {x}),
              ElementsAre("samples of input \"x\" with one number in all of its elements: 0.npy"));
  EXPECT_THAT(oddities("both", {x, state}), IsEmpty());
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
