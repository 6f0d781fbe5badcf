#include "qconvert/transform/fold_normalization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

InputSettings Settings() {
  InputSettings settings{.name = "x", .layout_train = InputLayout::kNchw};
  settings.mean = {120, 110, 100};
  settings.scale = {0.02, 0.01, 0.03};
  return settings;
}

// What the folded model takes where the float one takes `image`, along the channels of `axis`.
Tensor Undone(const Tensor& image, const FoldedNormalization& folded, size_t axis) {
  std::vector<float> values(image.values<float>().begin(), image.values<float>().end());
  size_t inner = 1;
  for (size_t d = axis + 1; d < image.dims.size(); ++d) inner *= static_cast<size_t>(image.dims[d]);
  for (size_t k = 0; k < values.size(); ++k) {
    const size_t c = k / inner % 3;
    values[k] =
        static_cast<float>(static_cast<double>(values[k]) / folded.scale[c] + folded.mean[c]);
  }
  return MakeFloatTensor(image.name, image.dims, values);
}

// Folds, and compares both models on a random picture.
FoldedNormalization ExpectEqual(GraphBuilder& b, const InputSettings& settings = Settings()) {
  const bool is_nhwc = settings.layout_train == InputLayout::kNhwc;
  const Tensor image = RandomTensor(
      "x", is_nhwc ? std::vector<int64_t>{1, 6, 7, 3} : std::vector<int64_t>{1, 3, 6, 7}, 5);
  const Tensor before = RunModel(b.model, {image})[0];
  const FoldedNormalization folded = FoldNormalization(settings, "m.onnx", b.model.graph);
  EXPECT_EQ(folded.input, "x");
  const size_t axis = is_nhwc ? 3 : 1;
  const Tensor after = RunModel(b.model, {Undone(image, folded, axis)})[0];
  EXPECT_LT(MaxDifference(before, after), 2e-4);
  Model back = b.model;
  TakeNormalized(folded, axis, back.graph);
  EXPECT_LT(MaxDifference(before, RunModel(back, {image})[0]), 2e-4);
  return folded;
}

std::string FoldError(GraphBuilder& b, const InputSettings& settings = Settings()) {
  try {
    FoldNormalization(settings, "m.onnx", b.model.graph);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kConfig);
    return e.what();
  }
  return "";
}

GraphBuilder Plain(const std::vector<int64_t>& weight = {8, 3, 3, 3}) {
  GraphBuilder b;
  b.Input("x", {"1", "3", "6", "7"}).Output("y").Random("w", weight).Random("b", {weight[0]});
  return b;
}

TEST(FoldNormalizationTest, MeanAndScaleWithoutPadding) {
  GraphBuilder b = Plain();
  b.Add("Conv", {"x", "w", "b"}, {"y"}).Set("auto_pad", std::string("VALID"));
  const FoldedNormalization folded = ExpectEqual(b);
  EXPECT_THAT(folded.mean, ElementsAre(120, 110, 100));
  EXPECT_THAT(folded.scale, ElementsAre(0.02, 0.01, 0.03));
}

TEST(FoldNormalizationTest, ABiasComesWhereThereWasNone) {
  GraphBuilder b = Plain();
  b.Add("Conv", {"x", "w"}, {"y"});
  ExpectEqual(b);
  EXPECT_EQ(b.model.graph.nodes[0].inputs.size(), 3U);
}

TEST(FoldNormalizationTest, WithPaddingTheMeanStaysOutside) {
  for (const bool automatic : {false, true}) {
    GraphBuilder b = Plain();
    Node& conv = b.Add("Conv", {"x", "w", "b"}, {"y"});
    if (automatic) {
      conv.Set("auto_pad", std::string("SAME_UPPER"));
    } else {
      conv.Set("pads", std::vector<int64_t>{0, 0, 1, 0});
    }
    const FoldedNormalization folded = ExpectEqual(b);
    EXPECT_THAT(folded.mean, ElementsAre(0, 0, 0));
    EXPECT_THAT(folded.scale, ElementsAre(0.02, 0.01, 0.03));
  }
}

TEST(FoldNormalizationTest, GroupsReadTheirChannels) {
  GraphBuilder b = Plain({6, 1, 3, 3});
  b.Add("Conv", {"x", "w", "b"}, {"y"}).Set("group", int64_t{3});
  ExpectEqual(b);
}

TEST(FoldNormalizationTest, ATransposeMayStandBetween) {
  GraphBuilder b;
  b.Input("x", {"1", "6", "7", "3"}).Output("y").Random("w", {8, 3, 3, 3});
  b.Add("Transpose", {"x"}, {"t"}).Set("perm", std::vector<int64_t>{0, 3, 1, 2});
  b.Add("Conv", {"t", "w"}, {"y"});
  InputSettings settings = Settings();
  settings.layout_train = InputLayout::kNhwc;
  ExpectEqual(b, settings);
}

TEST(FoldNormalizationTest, OneNumberIsForAllChannels) {
  GraphBuilder b = Plain();
  b.Add("Conv", {"x", "w", "b"}, {"y"});
  InputSettings settings = Settings();
  settings.mean = {127.5};
  settings.scale.clear();
  EXPECT_THAT(ExpectEqual(b, settings).scale, ElementsAre(1, 1, 1));
}

TEST(FoldNormalizationTest, OtherReadersOfTheWeightsKeepThem) {
  GraphBuilder b = Plain();
  b.Input("z", {"1", "3", "6", "7"}).Output("other");
  b.Add("Conv", {"x", "w"}, {"y"});
  b.Add("Conv", {"z", "w"}, {"other"});
  const Tensor z = RandomTensor("z", {1, 3, 6, 7}, 9);
  const Tensor x = RandomTensor("x", {1, 3, 6, 7}, 5);
  const Tensor before = RunModel(b.model, {x, z})[1];
  FoldNormalization(Settings(), "m.onnx", b.model.graph);
  EXPECT_EQ(MaxDifference(before, RunModel(b.model, {x, z})[1]), 0);
}

TEST(FoldNormalizationTest, WhatIsNotExactIsRefused) {
  GraphBuilder relu = Plain();
  relu.Add("Relu", {"x"}, {"r"}).name = "first";
  relu.Add("Conv", {"r", "w"}, {"y"});
  EXPECT_THAT(FoldError(relu),
              HasSubstr("m.onnx: fold_normalization: input \"x\" is read by \"first\" (Relu), "
                        "expected a Conv with constant float weights"));
  GraphBuilder two = Plain();
  two.Add("Conv", {"x", "w"}, {"y"});
  two.Output("z").Add("Neg", {"x"}, {"z"});
  EXPECT_THAT(FoldError(two), HasSubstr("is read by more than one node"));
  GraphBuilder none = Plain();
  none.Add("Neg", {"b"}, {"y"});
  EXPECT_THAT(FoldError(none), HasSubstr("is read by no node (as \"x\"), expected one Conv"));
  GraphBuilder computed = Plain();
  computed.Add("Neg", {"w"}, {"v"});
  computed.Add("Conv", {"x", "v"}, {"y"});
  EXPECT_THAT(FoldError(computed), HasSubstr("expected a Conv with constant float weights"));
  GraphBuilder sound = Plain();
  sound.Add("Conv", {"x", "w"}, {"y"});
  InputSettings settings = Settings();
  settings.name = "q";
  EXPECT_THAT(FoldError(sound, settings), HasSubstr("input \"q\" is no input of the model"));
  settings = Settings();
  settings.mean = {1, 2};
  EXPECT_THAT(FoldError(sound, settings), HasSubstr("has 2 means or scales, its Conv"));
  settings = Settings();
  settings.scale[1] = 0;
  EXPECT_THAT(FoldError(sound, settings), HasSubstr("scale of 0"));
}

// Files may be broken in any way before the engine has seen them.
TEST(FoldNormalizationTest, ConstantsOfOtherSizesThanTheConvsAreRefused) {
  for (const int64_t biases : {3, 9, 0}) {
    GraphBuilder b;
    b.Input("x", {"1", "3", "6", "7"}).Output("y").Random("w", {8, 3, 3, 3}).Random("b", {biases});
    b.Add("Conv", {"x", "w", "b"}, {"y"});
    EXPECT_THAT(FoldError(b), HasSubstr("expected a Conv with constant float weights")) << biases;
  }
  for (const int64_t group : {0, -1, 3}) {
    GraphBuilder b = Plain();
    b.Add("Conv", {"x", "w", "b"}, {"y"}).Set("group", group);
    EXPECT_THAT(FoldError(b), HasSubstr("expected a Conv with constant float weights")) << group;
  }
}

}  // namespace
}  // namespace qconvert
