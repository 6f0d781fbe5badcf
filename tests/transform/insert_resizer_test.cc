// The resizer of preprocessing nodes: any picture, and the part of it that the model looks at.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "qconvert/ir/graph_validator.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/insert_preprocessing.h"
#include "support/graph_builder.h"
#include "support/pixels.h"

namespace qconvert {
namespace {

// A picture of another size than the model's, and where in it the model looks.
struct Region {
  int64_t width;
  int64_t height;
  std::array<int32_t, 4> roi;  // left, top, right, bottom
};

double Level(int64_t row, int64_t column, int64_t channel) {
  return static_cast<double>((37 * row + 11 * column + 101 * channel + row * column) % 256);
}

using ElementAt = std::function<double(int64_t, int64_t)>;

// Bilinear between the centers of a plane's elements, the nearest ones up to its edge.
double Bilinear(int64_t height, int64_t width, double y, double x, const ElementAt& at) {
  const double row = std::floor(y);
  const double column = std::floor(x);
  double sum = 0;
  for (const double r : {row, row + 1}) {
    for (const double c : {column, column + 1}) {
      sum += (1 - std::abs(y - r)) * (1 - std::abs(x - c)) *
             at(std::clamp<int64_t>(static_cast<int64_t>(r), 0, height - 1),
                std::clamp<int64_t>(static_cast<int64_t>(c), 0, width - 1));
    }
  }
  return sum;
}

double Sampled(const ResizerSettings& resizer, int64_t height, int64_t width, double y, double x,
               double outside, const ElementAt& at) {
  const bool inside = y >= -0.5 && y <= static_cast<double>(height) - 0.5 && x >= -0.5 &&
                      x <= static_cast<double>(width) - 0.5;
  if (!inside && resizer.pad == PadMode::kConstant) return outside;
  if (resizer.interp == InterpMode::kBilinear) return Bilinear(height, width, y, x, at);
  return at(std::clamp<int64_t>(static_cast<int64_t>(std::floor(y + 0.5)), 0, height - 1),
            std::clamp<int64_t>(static_cast<int64_t>(std::floor(x + 0.5)), 0, width - 1));
}

constexpr int64_t kResized = 6;

Pixel ResizedReference(const ResizerSettings& resizer, const Region& region, int64_t row,
                       int64_t column) {
  const auto source = [](int64_t i, int32_t first, int32_t last) {
    return (static_cast<double>(i) + 0.5) * (last - first + 1) / static_cast<double>(kResized) -
           0.5 + first;
  };
  const double x = source(column, region.roi[0], region.roi[2]);
  const double y = source(row, region.roi[1], region.roi[3]);
  Pixel yuv{Sampled(resizer, region.height, region.width, y, x, resizer.pad_luma,
                    [](int64_t r, int64_t c) { return Level(r, c, 0); })};
  for (const int64_t channel : {1, 2}) {
    yuv[static_cast<size_t>(channel)] = Sampled(
        resizer, region.height / 2, region.width / 2, (y + 0.5) / 2 - 0.5, (x + 0.5) / 2 - 0.5,
        resizer.pad_chroma, [&](int64_t r, int64_t c) { return Level(r, c, channel); });
  }
  return yuv;
}

Tensor Plane(const char* name, int64_t height, int64_t width, int64_t first, int64_t channels) {
  std::vector<uint8_t> bytes;
  for (int64_t i = 0; i < height * width * channels; ++i)
    bytes.push_back(static_cast<uint8_t>(
        Level(i / channels / width, i / channels % width, first + i % channels)));
  return MakeTensor<uint8_t>(name, DataType::kUint8, {1, height, width, channels}, bytes);
}

Model ResizerModel(InputSettings input, const ResizerSettings& resizer = {},
                   DataType type = DataType::kFloat) {
  const std::string channels = input.kind_train == InputKind::kGray ? "1" : "3";
  GraphBuilder b;
  b.Input("x", {"1", channels, "6", "6"}, type).Output("out", type);
  b.Add("Identity", {"x"}, {"out"});
  input.source = InputSource::kResizer;
  input.resizer = resizer;
  InsertPreprocessing(input, Generation::kJ6, "m.onnx", b.model.graph);
  ValidateModel(b.model, "m.onnx");
  return b.model;
}

// Parts, wholes, a region around the picture, one beside it, and one that ends on the edge of a
// pixel between two of what comes out.
std::vector<Region> Regions() {
  return {{6, 6, {0, 0, 5, 5}},     {20, 14, {3, 2, 16, 11}}, {8, 10, {2, 2, 3, 3}},
          {10, 8, {-4, -3, 12, 9}}, {2, 2, {5, 5, 9, 9}},     {64, 40, {1, 0, 63, 39}},
          {4, 4, {-9, -9, -5, -5}}, {12, 12, {0, 0, 11, 11}}};
}

std::vector<ResizerSettings> ResizerForms() {
  std::vector<ResizerSettings> forms;
  for (const InterpMode interp : {InterpMode::kBilinear, InterpMode::kNearest}) {
    forms.push_back({.interp = interp});
    forms.push_back({.interp = interp, .pad_luma = 127, .pad_chroma = 30});
    forms.push_back({.interp = interp, .pad = PadMode::kBorder});
    forms.push_back({.interp = interp, .pad = PadMode::kBorder, .pad_luma = 99, .pad_chroma = 99});
  }
  return forms;
}

void ExpectResized(const InputSettings& input, const ResizerSettings& resizer, const Region& region,
                   const Tensor& out) {
  ASSERT_EQ(out.dims, (std::vector<int64_t>{1, 3, kResized, kResized}));
  for (int64_t i = 0; i < kResized * kResized; ++i) {
    const Pixel expected =
        ReferencePixel(input, ResizedReference(resizer, region, i / kResized, i % kResized));
    for (int64_t c = 0; c < 3; ++c) {
      const auto at = static_cast<size_t>(c * kResized * kResized + i);
      EXPECT_NEAR(static_cast<double>(out.values<float>()[at]), expected[static_cast<size_t>(c)],
                  2 * kLevelTolerance)
          << region.width << "x" << region.height << " from " << region.roi[0] << " at " << i
          << " channel " << c << " interp " << static_cast<int>(resizer.interp) << " pad "
          << static_cast<int>(resizer.pad);
    }
  }
}

TEST(InsertResizerTest, TheResizerEqualsTheReferenceInsideAndOutsideThePicture) {
  const InputSettings input = CameraInput(InputKind::kNv12, InputKind::kRgb);
  for (const ResizerSettings& resizer : ResizerForms()) {
    const Model model = ResizerModel(input, resizer);
    EXPECT_EQ(TextOfInputs(model.graph),
              "x_y uint8 1 -1 -1 1; x_uv uint8 1 -1 -1 2; x_roi int32 1 4; ");
    const Topology topology(model.graph);
    for (const auto& [name, tensor] : model.graph.initializers)
      EXPECT_FALSE(topology.Uses(name).empty()) << name << ": the engine warns of it";
    for (const Region& region : Regions()) {
      const Tensor roi = MakeTensor<int32_t>("x_roi", DataType::kInt32, {1, 4}, region.roi);
      const Tensor y = Plane("x_y", region.height, region.width, 0, 1);
      const Tensor uv = Plane("x_uv", region.height / 2, region.width / 2, 1, 2);
      ExpectResized(input, resizer, region, RunModel(model, {y, uv, roi}).at(0));
    }
  }
}

TEST(InsertResizerTest, AGrayResizerTakesLumaAndARegion) {
  const InputSettings input = CameraInput(InputKind::kGray, InputKind::kGray);
  for (const ResizerSettings& resizer : ResizerForms()) {
    const Model model = ResizerModel(input, resizer);
    EXPECT_EQ(TextOfInputs(model.graph), "x_y uint8 1 -1 -1 1; x_roi int32 1 4; ");
    const Region region{12, 8, {2, 1, 12, 8}};
    const Tensor roi = MakeTensor<int32_t>("x_roi", DataType::kInt32, {1, 4}, region.roi);
    const Tensor out = RunModel(model, {Plane("x_y", 8, 12, 0, 1), roi}).at(0);
    for (int64_t i = 0; i < kResized * kResized; ++i) {
      EXPECT_NEAR(static_cast<double>(out.values<float>()[static_cast<size_t>(i)]),
                  ResizedReference(resizer, region, i / kResized, i % kResized)[0],
                  kLevelTolerance);
    }
  }
}

}  // namespace
}  // namespace qconvert
