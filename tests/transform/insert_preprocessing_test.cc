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
#include "support/pixels.h"
#include "support/project_folder.h"

namespace qconvert {
namespace {

constexpr int64_t kGrid = 9;  // 0, 32, ..., 224, 255
constexpr int64_t kSide = 2 * kGrid * kGrid;

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
  const std::string folder = ProjectFolder() / "examples/camera/frames/";
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
    const Pixel expected = ReferencePixel(input, picture.at(i / picture.width, i % picture.width));
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
        InputSettings input = CameraInput(rt, train);
        input.layout_train = layout;
        const std::string which = fmt::format(
            "{} -> {}, generation {}, layout {}", static_cast<int>(rt), static_cast<int>(train),
            static_cast<int>(generation), static_cast<int>(layout));
        EXPECT_LE(WorstError(input, generation), kLevelTolerance) << which;
        input.mean = {127.5};
        input.scale = {1 / 64.0};
        EXPECT_LE(WorstError(input, generation), kLevelTolerance) << which;
      }
    }
  }
}

TEST(InsertPreprocessingTest, VideoRangeAndNumbersPerChannelOfTheTrainingOrder) {
  for (const InputKind train : {InputKind::kRgb, InputKind::kBgr, InputKind::kYuv444}) {
    InputSettings input = CameraInput(InputKind::kNv12, train);
    input.range = YuvRange::kVideo;
    input.mean = {123.675, 116.28, 103.53};
    input.scale = {1 / 58.395, 1 / 57.12, 1 / 57.375};
    EXPECT_LE(WorstError(input, Generation::kJ6), kLevelTolerance);
    EXPECT_LE(WorstError(input, Generation::kJ5), kLevelTolerance);
  }
}

TEST(InsertPreprocessingTest, ARealFrameInBothRangesEqualsTheReference) {
  const Picture frame = RealFrame();
  for (const InputKind train : {InputKind::kRgb, InputKind::kBgr, InputKind::kYuv444}) {
    for (const YuvRange range : {YuvRange::kFull, YuvRange::kVideo}) {
      for (const InputLayout layout : {InputLayout::kNchw, InputLayout::kNhwc}) {
        InputSettings input = CameraInput(InputKind::kNv12, train);
        input.range = range;
        input.layout_train = layout;
        input.mean = {123.675, 116.28, 103.53};
        input.scale = {1 / 58.395, 1 / 57.12, 1 / 57.375};
        EXPECT_LE(WorstError(input, Generation::kJ6, frame), kLevelTolerance);
        EXPECT_LE(WorstError(input, Generation::kJ5, frame), kLevelTolerance);
      }
    }
  }
}

TEST(InsertPreprocessingTest, ADeployedModelOfJ5TakesTheLayoutThatItIsToldTo) {
  for (const auto& [train, rt] : {std::pair{InputLayout::kNchw, InputLayout::kNhwc},
                                  {InputLayout::kNhwc, InputLayout::kNchw},
                                  {InputLayout::kNhwc, InputLayout::kNhwc}}) {
    InputSettings input = CameraInput(InputKind::kBgr, InputKind::kRgb);
    input.layout_train = train;
    input.layout_rt = rt;
    EXPECT_LE(WorstError(input, Generation::kJ5), kLevelTolerance);
  }
}

std::string InterfaceOf(const InputSettings& input, Generation generation) {
  Model model = Identity(input);
  InsertPreprocessing(input, generation, "m.onnx", model.graph);
  return TextOfInputs(model.graph);
}

TEST(InsertPreprocessingTest, InputsOfTheDeployedModel) {
  InputSettings gray = CameraInput(InputKind::kGray, InputKind::kGray);
  EXPECT_EQ(InterfaceOf(gray, Generation::kJ6), "x uint8 1 1 162 162; ");
  gray.source = InputSource::kPyramid;
  EXPECT_EQ(InterfaceOf(gray, Generation::kJ6), "x_y uint8 1 162 162 1; ");
  EXPECT_EQ(InterfaceOf(gray, Generation::kJ5), "x int8 1 1 162 162; ");
  const InputSettings nv12 = CameraInput(InputKind::kNv12, InputKind::kRgb);
  EXPECT_EQ(InterfaceOf(nv12, Generation::kJ6), "x_y uint8 1 162 162 1; x_uv uint8 1 81 81 2; ");
  EXPECT_EQ(InterfaceOf(nv12, Generation::kJ5), "x int8 1 3 162 162; ");
  InputSettings bgr = CameraInput(InputKind::kBgr, InputKind::kRgb);
  EXPECT_EQ(InterfaceOf(bgr, Generation::kJ6), "x int8 1 162 162 3; ");
  bgr.layout_rt = InputLayout::kNhwc;
  EXPECT_EQ(InterfaceOf(bgr, Generation::kJ5), "x int8 1 162 162 3; ");
}

TEST(InsertPreprocessingTest, AFeaturemapIsLeftAlone) {
  Model model = Identity(CameraInput(InputKind::kRgb, InputKind::kRgb));
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
  EXPECT_EQ(TextOfInputs(b.model.graph), "x float 1 2 3 2; ");
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
  const InputSettings input = CameraInput(InputKind::kNv12, InputKind::kRgb);
  Model model = Identity(input, DataType::kFloat16);
  InsertPreprocessing(input, Generation::kJ6, "m.onnx", model.graph);
  std::vector<Tensor> feeds;
  for (const Value& one : model.graph.inputs)
    feeds.push_back(Bytes(one, [](int64_t, int64_t, int64_t) { return 128.0; }));
  const Tensor out = RunModel(model, feeds).at(0);
  EXPECT_EQ(out.type, DataType::kFloat16);
  EXPECT_EQ(HalfToFloat(out.values<uint16_t>()[0]), 128.0F);
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
  const InputSettings input = CameraInput(InputKind::kNv12, InputKind::kRgb);
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
