#include "qconvert/transform/insert_preprocessing.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/ir/graph_validator.h"
#include "qconvert/ir/topology.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

constexpr double kTolerance = 1e-4;  // of a level
constexpr int64_t kGrid = 9;         // 0, 32, ..., 224, 255
constexpr int64_t kSide = 2 * kGrid * kGrid;

using Pixel = std::array<double, 3>;

// Y, U, V of JPEG BT.601 as the vendor's node has them, and of ITU-R BT.601 8 bit to more digits
// than levels in double precision tell apart.
Pixel Reference(const InputSettings& input, const Pixel& p) {
  const bool from_yuv = input.kind_rt == InputKind::kNv12 || input.kind_rt == InputKind::kYuv444;
  if (input.kind_train == InputKind::kYuv444 || input.kind_train == InputKind::kGray) return p;
  if (!from_yuv) return input.kind_rt == input.kind_train ? p : Pixel{p[2], p[1], p[0]};
  const double u = p[1] - 128;
  const double v = p[2] - 128;
  Pixel rgb{p[0] + 1.4017 * v, p[0] - 0.3437 * u - 0.7142 * v, p[0] + 1.7722 * u};
  if (input.range == YuvRange::kVideo) {
    const double y = 1.1643835616438356 * (p[0] - 16);
    rgb = {y + 1.5960267857142858 * v, y - 0.39176229009491361 * u - 0.81296764723777068 * v,
           y + 2.0172321428571428 * u};
  }
  if (input.kind_train == InputKind::kBgr) std::swap(rgb[0], rgb[2]);
  return rgb;
}

// Every triple of the grid, one per 2x2 block: chroma is the same in all of a block's pixels, and
// luma differs between them.
double GridLevel(int64_t step) { return static_cast<double>(std::min<int64_t>(32 * step, 255)); }
Pixel PixelAt(int64_t row, int64_t column) {
  const int64_t block = (row / 2) * kGrid * kGrid + column / 2;
  const int64_t index = block % (kGrid * kGrid * kGrid);
  const int64_t luma = (index + row % 2 + 2 * (column % 2)) % kGrid;
  return {GridLevel(luma), GridLevel(index / kGrid % kGrid), GridLevel(index / (kGrid * kGrid))};
}

struct Picture {
  int64_t height;
  int64_t width;
  std::function<Pixel(int64_t row, int64_t column)> at;
};

const Picture& Grid() {
  static const Picture grid{kSide, kSide, PixelAt};
  return grid;
}

// A frame of the camera example.
Picture RealFrame() {
  constexpr int64_t kHeight = 48;
  constexpr int64_t kWidth = 80;
  const std::string folder = QCONVERT_SOURCE_DIR "/examples/camera/frames/";
  const std::string y = ReadFile(folder + "image_y/07.bin");
  const std::string uv = ReadFile(folder + "image_uv/07.bin");
  const auto level = [](const std::string& plane, int64_t k) {
    return static_cast<double>(static_cast<uint8_t>(plane.at(static_cast<size_t>(k))));
  };
  return {kHeight, kWidth, [=](int64_t row, int64_t column) {
            const int64_t block = row / 2 * (kWidth / 2) + column / 2;
            return Pixel{level(y, row * kWidth + column), level(uv, 2 * block),
                         level(uv, 2 * block + 1)};
          }};
}

// What an input holds when `value` gives the level at a row, column and channel.
Tensor Bytes(const Value& input, const std::function<double(int64_t, int64_t, int64_t)>& value) {
  std::vector<int64_t> dims;
  for (const Dim& dim : *input.type.shape) dims.push_back(dim.value);
  const bool chroma = input.name.ends_with("_uv");
  const bool nchw = dims[1] <= 3;
  std::vector<uint8_t> bytes;
  for (int64_t i = 0; i < dims[1] * dims[2] * dims[3]; ++i) {
    const int64_t a = i / (dims[2] * dims[3]);
    const int64_t b = i / dims[3] % dims[2];
    const int64_t c = i % dims[3];
    const int64_t step = chroma ? 2 : 1;
    double level = nchw ? value(b, c, a) : value(step * a, step * b, c + (chroma ? 1 : 0));
    if (input.type.element == DataType::kInt8) level -= 128;
    bytes.push_back(static_cast<uint8_t>(static_cast<int>(level)));
  }
  return MakeTensor<uint8_t>(input.name, input.type.element, dims, bytes);
}

Model Identity(const InputSettings& input, DataType type = DataType::kFloat,
               const Picture& picture = Grid()) {
  const std::string channels = input.kind_train == InputKind::kGray ? "1" : "3";
  const std::string height = std::to_string(picture.height);
  const std::string width = std::to_string(picture.width);
  GraphBuilder b;
  b.Input("x",
          input.layout_train == InputLayout::kNhwc
              ? std::vector<std::string>{"1", height, width, channels}
              : std::vector<std::string>{"1", channels, height, width},
          type);
  b.Output("out", type).Add("Identity", {"x"}, {"out"});
  return b.model;
}

// The largest difference to the reference, in levels.
double WorstError(const InputSettings& input, Generation generation,
                  const Picture& picture = Grid()) {
  Model model = Identity(input, DataType::kFloat, picture);
  EXPECT_TRUE(InsertPreprocessing(input, generation, "m.onnx", model.graph));
  ValidateModel(model, "m.onnx");
  std::vector<Tensor> feeds;
  for (const Value& one : model.graph.inputs) {
    feeds.push_back(Bytes(one, [&](int64_t row, int64_t column, int64_t channel) {
      return picture.at(row, column)[static_cast<size_t>(channel)];
    }));
  }
  const Tensor out = RunModel(model, feeds).at(0);
  const auto values = out.values<float>();
  const bool nhwc = input.layout_train == InputLayout::kNhwc;
  const int64_t channels = input.kind_train == InputKind::kGray ? 1 : 3;
  double worst = 0;
  const int64_t pixels = picture.height * picture.width;
  for (int64_t i = 0; i < pixels; ++i) {
    const Pixel expected = Reference(input, picture.at(i / picture.width, i % picture.width));
    for (int64_t c = 0; c < channels; ++c) {
      const auto k = static_cast<size_t>(c);
      const double mean = input.mean.empty() ? 0 : input.mean[input.mean.size() > 1 ? k : 0];
      const double scale = input.scale.empty() ? 1 : input.scale[input.scale.size() > 1 ? k : 0];
      const double got = static_cast<double>(
          values[static_cast<size_t>(nhwc ? channels * i + c : c * pixels + i)]);
      worst = std::max(worst, std::abs(got / scale - (expected[k] - mean)));
    }
  }
  return worst;
}

InputSettings Settings(InputKind rt, InputKind train) {
  return {.name = "x", .kind_rt = rt, .kind_train = train, .layout_train = InputLayout::kNchw};
}

TEST(InsertPreprocessingTest, EveryPairEqualsTheReferenceOverTheGrid) {
  using K = InputKind;
  for (const auto& [train, rt] : {std::pair{K::kRgb, K::kNv12},
                                  {K::kRgb, K::kYuv444},
                                  {K::kRgb, K::kRgb},
                                  {K::kRgb, K::kBgr},
                                  {K::kBgr, K::kNv12},
                                  {K::kBgr, K::kYuv444},
                                  {K::kBgr, K::kRgb},
                                  {K::kBgr, K::kBgr},
                                  {K::kYuv444, K::kNv12},
                                  {K::kYuv444, K::kYuv444},
                                  {K::kGray, K::kGray}}) {
    for (const Generation generation : {Generation::kJ5, Generation::kJ6}) {
      for (const InputLayout layout : {InputLayout::kNchw, InputLayout::kNhwc}) {
        InputSettings input = Settings(rt, train);
        input.layout_train = layout;
        const std::string which = fmt::format(
            "{} -> {}, generation {}, layout {}", static_cast<int>(rt), static_cast<int>(train),
            static_cast<int>(generation), static_cast<int>(layout));
        EXPECT_LE(WorstError(input, generation), kTolerance) << which;
        input.mean = {127.5};
        input.scale = {1 / 64.0};
        EXPECT_LE(WorstError(input, generation), kTolerance) << which;
      }
    }
  }
}

TEST(InsertPreprocessingTest, VideoRangeAndNumbersPerChannelOfTheTrainingOrder) {
  for (const InputKind train : {InputKind::kRgb, InputKind::kBgr, InputKind::kYuv444}) {
    InputSettings input = Settings(InputKind::kNv12, train);
    input.range = YuvRange::kVideo;
    input.mean = {123.675, 116.28, 103.53};
    input.scale = {1 / 58.395, 1 / 57.12, 1 / 57.375};
    EXPECT_LE(WorstError(input, Generation::kJ6), kTolerance);
    EXPECT_LE(WorstError(input, Generation::kJ5), kTolerance);
  }
}

TEST(InsertPreprocessingTest, ARealFrameInBothRangesEqualsTheReference) {
  const Picture frame = RealFrame();
  for (const InputKind train : {InputKind::kRgb, InputKind::kBgr, InputKind::kYuv444}) {
    for (const YuvRange range : {YuvRange::kFull, YuvRange::kVideo}) {
      for (const InputLayout layout : {InputLayout::kNchw, InputLayout::kNhwc}) {
        InputSettings input = Settings(InputKind::kNv12, train);
        input.range = range;
        input.layout_train = layout;
        input.mean = {123.675, 116.28, 103.53};
        input.scale = {1 / 58.395, 1 / 57.12, 1 / 57.375};
        EXPECT_LE(WorstError(input, Generation::kJ6, frame), kTolerance);
        EXPECT_LE(WorstError(input, Generation::kJ5, frame), kTolerance);
      }
    }
  }
}

TEST(InsertPreprocessingTest, ADeployedModelOfJ5TakesTheLayoutThatItIsToldTo) {
  for (const auto& [train, rt] : {std::pair{InputLayout::kNchw, InputLayout::kNhwc},
                                  {InputLayout::kNhwc, InputLayout::kNchw},
                                  {InputLayout::kNhwc, InputLayout::kNhwc}}) {
    InputSettings input = Settings(InputKind::kBgr, InputKind::kRgb);
    input.layout_train = train;
    input.layout_rt = rt;
    EXPECT_LE(WorstError(input, Generation::kJ5), kTolerance);
  }
}

std::string Interface(const Graph& graph) {
  std::string out;
  for (const Value& input : graph.inputs) {
    out += fmt::format("{} {}", input.name, DataTypeName(input.type.element));
    for (const Dim& dim : *input.type.shape) out += fmt::format(" {}", dim.value);
    out += "; ";
  }
  return out;
}

std::string InterfaceOf(const InputSettings& input, Generation generation) {
  Model model = Identity(input);
  InsertPreprocessing(input, generation, "m.onnx", model.graph);
  return Interface(model.graph);
}

TEST(InsertPreprocessingTest, InputsOfTheDeployedModel) {
  InputSettings gray = Settings(InputKind::kGray, InputKind::kGray);
  EXPECT_EQ(InterfaceOf(gray, Generation::kJ6), "x uint8 1 1 162 162; ");
  gray.source = InputSource::kPyramid;
  EXPECT_EQ(InterfaceOf(gray, Generation::kJ6), "x_y uint8 1 162 162 1; ");
  EXPECT_EQ(InterfaceOf(gray, Generation::kJ5), "x int8 1 1 162 162; ");
  const InputSettings nv12 = Settings(InputKind::kNv12, InputKind::kRgb);
  EXPECT_EQ(InterfaceOf(nv12, Generation::kJ6), "x_y uint8 1 162 162 1; x_uv uint8 1 81 81 2; ");
  EXPECT_EQ(InterfaceOf(nv12, Generation::kJ5), "x int8 1 3 162 162; ");
  InputSettings bgr = Settings(InputKind::kBgr, InputKind::kRgb);
  EXPECT_EQ(InterfaceOf(bgr, Generation::kJ6), "x int8 1 162 162 3; ");
  bgr.layout_rt = InputLayout::kNhwc;
  EXPECT_EQ(InterfaceOf(bgr, Generation::kJ5), "x int8 1 162 162 3; ");
}

TEST(InsertPreprocessingTest, AFeaturemapIsLeftAlone) {
  Model model = Identity(Settings(InputKind::kRgb, InputKind::kRgb));
  EXPECT_FALSE(InsertPreprocessing({.name = "x"}, Generation::kJ6, "m.onnx", model.graph));
  EXPECT_EQ(model.graph.nodes.size(), 1U);
}

TEST(InsertPreprocessingTest, AFeaturemapInAnotherLayoutIsTransposed) {
  GraphBuilder b;
  b.Input("x", {"1", "2", "2", "3"}).Output("out").Add("Identity", {"x"}, {"out"});
  const InputSettings input{
      .name = "x", .layout_train = InputLayout::kNchw, .layout_rt = InputLayout::kNhwc};
  const auto insert = [&](Graph& graph) {
    return InsertPreprocessing(input, Generation::kJ5, "m.onnx", graph);
  };
  EXPECT_TRUE(insert(b.model.graph));
  ValidateModel(b.model, "m.onnx");
  EXPECT_EQ(Interface(b.model.graph), "x float 1 2 3 2; ");
  std::vector<float> by_pixel(12);
  for (size_t k = 0; k < by_pixel.size(); ++k) by_pixel[k] = static_cast<float>(k);
  const Tensor out = RunModel(b.model, {MakeFloatTensor("x", {1, 2, 3, 2}, by_pixel)}).at(0);
  EXPECT_EQ(out.dims, (std::vector<int64_t>{1, 2, 2, 3}));
  EXPECT_THAT(out.values<float>(), testing::ElementsAre(0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11));
  Model flat = b.model;
  flat.graph.inputs[0].type.shape->pop_back();
  EXPECT_THROW(insert(flat.graph), Error);
}

TEST(InsertPreprocessingTest, AHalfPrecisionModelGetsItsOwnType) {
  const InputSettings input = Settings(InputKind::kNv12, InputKind::kRgb);
  Model model = Identity(input, DataType::kFloat16);
  InsertPreprocessing(input, Generation::kJ6, "m.onnx", model.graph);
  std::vector<Tensor> feeds;
  for (const Value& one : model.graph.inputs)
    feeds.push_back(Bytes(one, [](int64_t, int64_t, int64_t) { return 128.0; }));
  const Tensor out = RunModel(model, feeds).at(0);
  EXPECT_EQ(out.type, DataType::kFloat16);
  EXPECT_EQ(HalfToFloat(out.values<uint16_t>()[0]), 128.0F);
}

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
        Reference(input, ResizedReference(resizer, region, i / kResized, i % kResized));
    for (int64_t c = 0; c < 3; ++c) {
      const auto at = static_cast<size_t>(c * kResized * kResized + i);
      EXPECT_NEAR(static_cast<double>(out.values<float>()[at]), expected[static_cast<size_t>(c)],
                  2 * kTolerance)
          << region.width << "x" << region.height << " from " << region.roi[0] << " at " << i
          << " channel " << c << " interp " << static_cast<int>(resizer.interp) << " pad "
          << static_cast<int>(resizer.pad);
    }
  }
}

TEST(InsertPreprocessingTest, TheResizerEqualsTheReferenceInsideAndOutsideThePicture) {
  const InputSettings input = Settings(InputKind::kNv12, InputKind::kRgb);
  for (const ResizerSettings& resizer : ResizerForms()) {
    const Model model = ResizerModel(input, resizer);
    EXPECT_EQ(Interface(model.graph),
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

TEST(InsertPreprocessingTest, AGrayResizerTakesLumaAndARegion) {
  const InputSettings input = Settings(InputKind::kGray, InputKind::kGray);
  for (const ResizerSettings& resizer : ResizerForms()) {
    const Model model = ResizerModel(input, resizer);
    EXPECT_EQ(Interface(model.graph), "x_y uint8 1 -1 -1 1; x_roi int32 1 4; ");
    const Region region{12, 8, {2, 1, 12, 8}};
    const Tensor roi = MakeTensor<int32_t>("x_roi", DataType::kInt32, {1, 4}, region.roi);
    const Tensor out = RunModel(model, {Plane("x_y", 8, 12, 0, 1), roi}).at(0);
    for (int64_t i = 0; i < kResized * kResized; ++i) {
      EXPECT_NEAR(static_cast<double>(out.values<float>()[static_cast<size_t>(i)]),
                  ResizedReference(resizer, region, i / kResized, i % kResized)[0], kTolerance);
    }
  }
}

std::string ErrorOf(const InputSettings& input, Model model) {
  try {
    InsertPreprocessing(input, Generation::kJ6, "m.onnx", model.graph);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kModel);
    return e.what();
  }
  return "no error";
}

TEST(InsertPreprocessingTest, WhatCannotBeFedWithPixelsIsTold) {
  const InputSettings input = Settings(InputKind::kNv12, InputKind::kRgb);
  Model model = Identity(input);
  model.graph.inputs[0].type.shape.reset();
  EXPECT_EQ(ErrorOf(input, model),
            "m.onnx: input \"x\" has no shape of four dimensions, expected input_shape");
  model = Identity(input);
  (*model.graph.inputs[0].type.shape)[2] = {};
  EXPECT_EQ(ErrorOf(input, model),
            "m.onnx: input \"x\" has a free height or width, expected input_shape");
  EXPECT_EQ(ErrorOf(input, Identity(input, DataType::kInt64)),
            "m.onnx: input \"x\" is int64, expected a float image");
  InputSettings resized = input;
  resized.source = InputSource::kResizer;
  model = Identity(input);
  (*model.graph.inputs[0].type.shape)[0] = {2, {}};
  EXPECT_EQ(ErrorOf(resized, model),
            "m.onnx: input \"x\" has a batch other than 1, the resizer "
            "takes one picture: expected separate_batch");
  model = Identity(input);
  model.graph.nodes.push_back(MakeNode("Identity", {"x"}, {"x_uv"}));
  EXPECT_EQ(ErrorOf(input, model),
            "m.onnx: input \"x\" needs \"x_uv\", which the model has already");
}

}  // namespace
}  // namespace qconvert
