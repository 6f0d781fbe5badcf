// Windows, pools, convolutions and broadcasts of a block, each against a loop that is its
// definition.
#include "block_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Form {
  Dims spatial;
  Dims kernel;
  Dims strides;
  Dims dilations;
  Dims pads;
};

Node Pool(const std::string& type, const Form& form) {
  Node node = MakeNode(type, {"x"}, {"y"});
  node.Set("strides", form.strides);
  node.Set("dilations", form.dilations);
  node.Set("pads", form.pads);
  return node;
}

const std::vector<Form> kForms = {
    {{7}, {3}, {1}, {1}, {0, 0}},
    {{7}, {3}, {2}, {2}, {2, 1}},
    {{5, 6}, {3, 2}, {1, 1}, {1, 1}, {1, 0, 1, 1}},
    {{6, 5}, {2, 3}, {2, 1}, {2, 1}, {0, 2, 1, 0}},
    {{4, 4}, {4, 4}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {{3, 3}, {1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}},
    {{2, 3}, {2, 2}, {1, 1}, {1, 1}, {3, 3, 3, 3}},  // windows on padding alone
    {{3, 4, 5}, {2, 2, 3}, {1, 2, 1}, {1, 1, 2}, {1, 0, 2, 0, 1, 0}},
    {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
};

// Where tap and pixel meet, axis by axis; -1 in the padding.
int64_t OffsetOf(const Form& form, const Dims& outputs, int64_t tap, int64_t pixel) {
  int64_t offset = 0;
  int64_t stride = 1;
  for (size_t d = form.spatial.size(); d-- > 0;) {
    const int64_t at = pixel % outputs[d] * form.strides[d] +
                       tap % form.kernel[d] * form.dilations[d] - form.pads[d];
    if (at < 0 || at >= form.spatial[d]) return -1;
    offset += at * stride;
    stride *= form.spatial[d];
    pixel /= outputs[d];
    tap /= form.kernel[d];
  }
  return offset;
}

TEST(WindowTest, EveryTapOfEveryPixelIsWhereTheDefinitionHasIt) {
  for (const Form& form : kForms) {
    SCOPED_TRACE(testing::PrintToString(form.spatial) + testing::PrintToString(form.kernel));
    const auto window = MakeWindow(Pool("MaxPool", form), form.spatial, form.kernel);
    ASSERT_TRUE(window);
    const size_t rank = form.spatial.size();
    int64_t pixels = 1;
    for (size_t d = 0; d < rank; ++d) {
      // ONNX: floor((in + pads - ((kernel - 1) * dilation + 1)) / stride + 1).
      const int64_t reach = (form.kernel[d] - 1) * form.dilations[d] + 1;
      const int64_t out =
          (form.spatial[d] + form.pads[d] + form.pads[d + rank] - reach) / form.strides[d] + 1;
      EXPECT_EQ(window->outputs[d], out);
      pixels *= out;
    }
    ASSERT_EQ(window->pixels, pixels);
    ASSERT_EQ(window->taps, CountOf(form.kernel));
    EXPECT_EQ(window->plane, CountOf(form.spatial));
    ASSERT_EQ(window->runs.size(), static_cast<size_t>(window->taps));
    for (int64_t t = 0; t < window->taps; ++t) {
      std::vector<int64_t> by_runs(static_cast<size_t>(pixels), -1);
      for (const WindowRun& run : window->runs[static_cast<size_t>(t)])
        for (int64_t i = 0; i < run.count; ++i)
          by_runs[static_cast<size_t>(run.pixel + i * run.pixel_step)] = run.offset + i * run.step;
      for (int64_t p = 0; p < pixels; ++p) {
        const int64_t expected = OffsetOf(form, window->outputs, t, p);
        const int64_t offset = window->offsets[static_cast<size_t>(t * pixels + p)];
        EXPECT_EQ(offset < 0 ? -1 : offset, expected) << t << " " << p;
        EXPECT_EQ(by_runs[static_cast<size_t>(p)], expected) << "runs " << t << " " << p;
      }
    }
  }
}

TEST(WindowTest, RunsAreAsFewAsRowsOrFewer) {
  const Form whole = {{4, 8}, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}};
  EXPECT_EQ(MakeWindow(Pool("MaxPool", whole), whole.spatial, whole.kernel)->runs[0].size(), 1U)
      << "the plane as it lies";
  const Form rows = {{4, 8}, {1, 3}, {1, 1}, {1, 1}, {0, 1, 0, 1}};
  const auto window = MakeWindow(Pool("MaxPool", rows), rows.spatial, rows.kernel);
  EXPECT_EQ(window->runs[0].size(), 4U) << "padding in front of every row";
  EXPECT_EQ(window->runs[1].size(), 1U);
}

TEST(WindowTest, PixelsOfATransposedTapAreOneRunPerRow) {
  const Form form = {{3, 4}, {2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}};
  const auto window = MakeTransposedWindow(Pool("ConvTranspose", form), form.spatial, form.kernel);
  ASSERT_TRUE(window);
  EXPECT_THAT(window->outputs, ElementsAre(6, 8));
  EXPECT_EQ(window->runs[3].size(), 3U) << "rows of the input";
  const WindowRun& run = window->runs[3][1];
  EXPECT_EQ(run.pixel, 3 * 8 + 1);
  EXPECT_EQ(run.pixel_step, 2);
  EXPECT_EQ(run.offset, 4);
  EXPECT_EQ(run.step, 1);
  EXPECT_EQ(run.count, 4);
}

TEST(WindowTest, WhatIsNotDoneIsNone) {
  const Form form = {{5, 5}, {3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}};
  const auto made = [&](const Node& node) {
    return MakeWindow(node, form.spatial, form.kernel).has_value();
  };
  Node node = Pool("MaxPool", form);
  EXPECT_TRUE(made(node));
  node.Set("auto_pad", std::string("NOTSET"));
  EXPECT_TRUE(made(node));
  for (const char* pad : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    node.Set("auto_pad", std::string(pad));
    EXPECT_FALSE(made(node)) << pad;
  }
  node = Pool("MaxPool", form);
  node.Set("ceil_mode", int64_t{1});
  EXPECT_FALSE(made(node));
  for (const char* key : {"strides", "dilations", "pads"}) {
    node = Pool("MaxPool", form);
    node.Set(key, std::vector<int64_t>{1});
    EXPECT_FALSE(made(node)) << "too few " << key;
    node.attributes.erase(key);
    EXPECT_TRUE(made(node)) << "may be left out: " << key;
  }
  EXPECT_FALSE(MakeWindow(Pool("MaxPool", form), {2, 5}, {3, 3})) << "larger than its input";
  EXPECT_FALSE(MakeWindow(Pool("MaxPool", form), {5, 5}, {3})) << "of another rank";
  Form wide = form;
  wide.dilations = {1, 3};
  EXPECT_FALSE(MakeWindow(Pool("MaxPool", wide), {5, 5}, {3, 3})) << "by its dilation";
}

// Two planes through the engine and through the kernel.
TEST(PoolKernelTest, PoolsInGapsAndThreeDimensionsAreTheEngines) {
  for (const char* type : {"MaxPool", "AveragePool"}) {
    for (const Form& form : kForms) {
      if (form.pads[0] >= form.kernel[0] || form.pads[1] >= form.kernel.back()) continue;
      SCOPED_TRACE(std::string(type) + testing::PrintToString(form.spatial));
      const bool is_largest = std::string(type) == "MaxPool";
      for (const bool counts : {false, true}) {
        if (is_largest && counts) continue;
        GraphBuilder b(19);
        std::vector<std::string> dims = {"1", "2"};
        for (const int64_t dim : form.spatial) dims.push_back(std::to_string(dim));
        b.Input("x", dims).Output("y");
        Node& node = b.model.graph.nodes.emplace_back(Pool(type, form));
        node.Set("kernel_shape", form.kernel);
        if (counts) node.Set("count_include_pad", int64_t{1});
        Dims shape = {1, 2};
        shape.insert(shape.end(), form.spatial.begin(), form.spatial.end());
        const Tensor x = RandomTensor("x", shape, 11);
        const PoolKernel kernel{*MakeWindow(node, form.spatial, form.kernel), is_largest, counts};
        Floats y(static_cast<size_t>(2 * kernel.window.pixels));
        kernel.Forward(ToFloats(x), y);
        const Tensor expected = RunModel(b.model, {x})[0];
        ASSERT_EQ(expected.element_count(), static_cast<int64_t>(y.size()));
        for (size_t i = 0; i < y.size(); ++i)
          EXPECT_NEAR(y[i], expected.values<float>()[i], 1e-6F) << i;
      }
    }
  }
}

TEST(PoolKernelTest, GradientsGoToTheFirstLargestOrToAllAlike) {
  Form form = {{4}, {3}, {1}, {1}, {1, 0}};
  const Window window = *MakeWindow(Pool("MaxPool", form), form.spatial, form.kernel);
  const Floats x = {5, 5, 1, 7};
  Floats by_x(4, 0);
  PoolKernel{window, true, false}.Backward(x, {1, 10, 100}, by_x);  // [pad 5 5] [5 5 1] [5 1 7]
  EXPECT_THAT(by_x, ElementsAre(11, 0, 0, 100));
  by_x.assign(4, 0);
  PoolKernel{window, false, false}.Backward(x, {2, 3, 30}, by_x);
  EXPECT_THAT(by_x, ElementsAre(1 + 1, 1 + 1 + 10, 1 + 10, 10));
  by_x.assign(4, 0);
  PoolKernel{window, false, true}.Backward(x, {3, 0, 0}, by_x);
  EXPECT_THAT(by_x, ElementsAre(1, 1, 0, 0)) << "a third is of the padding";
  by_x.assign(4, 8);
  PoolKernel{window, false, true}.Backward(x, {3, 0, 0}, by_x);
  EXPECT_THAT(by_x, ElementsAre(9, 9, 8, 8)) << "is added";
}

// y[o, p] = sum over channels and taps; order and layout are the kernel's own.
TEST(ConvKernelTest, InGapsGroupsAndAnyOrderOfWeights) {
  for (const Form& form : kForms) {
    for (const int64_t groups : {int64_t{1}, int64_t{2}}) {
      SCOPED_TRACE(testing::PrintToString(form.spatial) + std::to_string(groups));
      constexpr int64_t kIn = 4;
      constexpr int64_t kOut = 6;
      ConvKernel kernel{
          *MakeWindow(Pool("Conv", form), form.spatial, form.kernel), groups, kIn, {}};
      const Window& window = kernel.window;
      const int64_t count = kIn / groups * window.taps;
      for (int64_t k = 0; k < count; ++k) kernel.order.push_back(k);
      std::shuffle(kernel.order.begin(), kernel.order.end(), std::mt19937(3));
      const Floats x = RandomFloats(static_cast<size_t>(kIn * window.plane), 5);
      const Floats weights = RandomFloats(static_cast<size_t>(count * kOut), 6);
      const FloatMatrix w = Eigen::Map<const FloatMatrix>(weights.data(), count, kOut);
      const FloatRow bias = FloatRow::LinSpaced(kOut, -1, 1);
      Floats y(static_cast<size_t>(kOut * window.pixels));
      ConvKernel::Columns columns;
      kernel.Forward(x, w, bias, columns, y);
      for (int64_t o = 0; o < kOut; ++o) {
        for (int64_t p = 0; p < window.pixels; ++p) {
          double sum = bias(o);
          for (int64_t k = 0; k < count; ++k) {
            const int64_t place = kernel.order[static_cast<size_t>(k)];
            const int64_t offset = OffsetOf(form, window.outputs, place % window.taps, p);
            const int64_t channel = o / (kOut / groups) * (kIn / groups) + place / window.taps;
            if (offset >= 0)
              sum += static_cast<double>(w(k, o)) *
                     x[static_cast<size_t>(channel * window.plane + offset)];
          }
          EXPECT_NEAR(y[static_cast<size_t>(o * window.pixels + p)], sum, 1e-5);
        }
      }
    }
  }
}

// <by_y, conv(x)> is linear in x, w and b: its gradients are what it is multiplied with.
TEST(ConvKernelTest, GradientsAreTheAdjoint) {
  const Form form = {{5, 4}, {3, 2}, {2, 1}, {1, 2}, {1, 1, 0, 1}};
  ConvKernel kernel{*MakeWindow(Pool("Conv", form), form.spatial, form.kernel), 2, 4, {}};
  const int64_t count = 2 * kernel.window.taps;
  for (int64_t k = count; k-- > 0;) kernel.order.push_back(k);
  const Floats x = RandomFloats(static_cast<size_t>(4 * kernel.window.plane), 5);
  const FloatMatrix w = FloatMatrix::Random(count, 6);
  const FloatRow zero = FloatRow::Zero(6);
  const Floats by_y = RandomFloats(static_cast<size_t>(6 * kernel.window.pixels), 7);
  Floats y(by_y.size());
  ConvKernel::Columns columns;
  kernel.Forward(x, w, zero, columns, y);
  Floats by_x(x.size(), 0);
  FloatMatrix by_w = FloatMatrix::Zero(count, 6);
  FloatRow by_b = FloatRow::Zero(6);
  kernel.Backward(columns, w, by_y, &by_x, by_w, by_b);
  double product = 0;
  for (size_t i = 0; i < y.size(); ++i) product += static_cast<double>(y[i]) * by_y[i];
  double by_inputs = 0;
  for (size_t i = 0; i < x.size(); ++i) by_inputs += static_cast<double>(x[i]) * by_x[i];
  EXPECT_NEAR(by_inputs, product, 1e-4 * std::abs(product));
  EXPECT_NEAR((w.array() * by_w.array()).sum(), product, 1e-4 * std::abs(product));
  double sum = 0;
  for (const float one : by_y) sum += one;
  EXPECT_NEAR(by_b.sum(), sum, 1e-4);
  const FloatMatrix once = by_w;
  kernel.Forward(x, w, zero, columns, y);
  kernel.Backward(columns, w, by_y, nullptr, by_w, by_b);
  EXPECT_NEAR((by_w - 2 * once).cwiseAbs().maxCoeff(), 0, 1e-5) << "is added";
}

TEST(ElementKernelTest, ValuesAndSlopesAtTheirCorners) {
  using Kind = ElementKernel::Kind;
  struct Case {
    ElementKernel kernel;
    float x;
    float y;
    float slope;
  };
  const ElementKernel clip{Kind::kClip, -1, 2, 0, 0};
  const ElementKernel swish{Kind::kHardSwish, 0, 0, 0, 0};
  const ElementKernel hard{Kind::kHardSigmoid, 0, 0, 0.25F, 0.5F};
  const ElementKernel soft{Kind::kSigmoid, 0, 0, 0, 0};
  const std::vector<Case> cases = {
      {clip, -1, -1, 1},
      {clip, 2, 2, 1},
      {clip, -1.5F, -1, 0},
      {clip, 2.5F, 2, 0},
      {clip, 0.5F, 0.5F, 1},
      {swish, -3, 0, 0},
      {swish, 3, 3, 1},
      {swish, -5, 0, 0},
      {swish, 7, 7, 1},
      {swish, 0, 0, 0.5F},
      {swish, -1.5F, -0.375F, 0},
      {hard, -2, 0, 0},
      {hard, 2, 1, 0},
      {hard, 1, 0.75F, 0.25F},
      {hard, -9, 0, 0},
      {soft, 0, 0.5F, 0.25F},
      {soft, 100, 1, 0},
      {soft, -200, 0, 0},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(testing::PrintToString(static_cast<int>(one.kernel.kind)) + " at " +
                 testing::PrintToString(one.x));
    Floats y(1);
    one.kernel.Forward({one.x}, y);
    EXPECT_NEAR(y[0], one.y, 1e-6F);
    Floats by_x = {1};
    one.kernel.Backward({one.x}, {8}, by_x);
    EXPECT_NEAR(by_x[0], 1 + 8 * one.slope, 1e-5F);
  }
}

TEST(BroadcastTest, DimensionsMeetAtTheirEnds) {
  EXPECT_THAT(*BroadcastDims({2, 3}, {3}), ElementsAre(2, 3));
  EXPECT_THAT(*BroadcastDims({2, 1, 4}, {5, 1}), ElementsAre(2, 5, 4));
  EXPECT_THAT(*BroadcastDims({}, {2, 2}), ElementsAre(2, 2));
  EXPECT_THAT(*BroadcastDims({}, {}), IsEmpty());
  EXPECT_THAT(*BroadcastDims({0, 3}, {1, 3}), ElementsAre(0, 3)) << "nothing stays nothing";
  EXPECT_FALSE(BroadcastDims({2, 3}, {2}));
  EXPECT_FALSE(BroadcastDims({0}, {2}));
}

TEST(BroadcastTest, IndicesRepeatWhatIsOne) {
  EXPECT_THAT(BroadcastIndices({2, 3}, {2, 3}), IsEmpty()) << "the same";
  EXPECT_THAT(BroadcastIndices({3}, {2, 3}), ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(BroadcastIndices({2, 1}, {2, 3}), ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_THAT(BroadcastIndices({}, {1, 2}), ElementsAre(0, 0));
  EXPECT_THAT(BroadcastIndices({2, 1, 2}, {2, 2, 2}), ElementsAre(0, 1, 0, 1, 2, 3, 2, 3));
}

TEST(PairKernelTest, BroadcastGradientsAddUp) {
  const Dims out = {2, 3};
  PairKernel kernel{true, BroadcastIndices({2, 1}, out), BroadcastIndices({3}, out)};
  const Floats a = {2, 3};
  const Floats b = {10, 20, 30};
  Floats y(6);
  kernel.Forward(a, b, y);
  EXPECT_THAT(y, ElementsAre(20, 40, 60, 30, 60, 90));
  Floats by_a(2, 0);
  Floats by_b(3, 0);
  kernel.Backward(a, b, {1, 0, 1, 0, 2, 0}, &by_a, &by_b);
  EXPECT_THAT(by_a, ElementsAre(10 + 30, 2 * 20));
  EXPECT_THAT(by_b, ElementsAre(2, 2 * 3, 2));
  kernel.multiplies = false;
  kernel.Forward(a, b, y);
  EXPECT_THAT(y, ElementsAre(12, 22, 32, 13, 23, 33));
  kernel.Backward(a, b, {1, 1, 1, 1, 1, 1}, &by_a, nullptr);
  EXPECT_THAT(by_a, ElementsAre(43, 43)) << "is added";
  kernel.Backward(a, b, {1, 1, 1, 1, 1, 1}, nullptr, &by_b);
  EXPECT_THAT(by_b, ElementsAre(4, 8, 4));
}

TEST(PairKernelTest, ASumOfEqualShapesPassesItsGradientOn) {
  const PairKernel sum{false, {}, {}};
  Floats y(2);
  sum.Forward({1, 2}, {10, 20}, y);
  EXPECT_THAT(y, ElementsAre(11, 22));
  Floats by_both = {1, 1};
  sum.Backward({1, 2}, {10, 20}, {5, 6}, &by_both, &by_both);
  EXPECT_THAT(by_both, ElementsAre(11, 13)) << "one value on both sides counts twice";
}

TEST(RowsTest, ProductsAndTheirGradients) {
  const Floats x = {1, 2, 3, 4};  // two rows
  FloatMatrix w(2, 3);
  w << 1, 0, 2, 0, 1, 3;
  FloatRow b(3);
  b << 10, 20, 30;
  Floats y(6);
  ForwardRows(x, w, b, y);
  EXPECT_THAT(y, ElementsAre(11, 22, 38, 13, 24, 48));
  Floats by_x(4, 0);
  FloatMatrix by_w = FloatMatrix::Zero(2, 3);
  FloatRow by_b = FloatRow::Zero(3);
  BackwardRows(x, w, {1, 0, 0, 0, 1, 1}, &by_x, by_w, by_b);
  EXPECT_THAT(by_x, ElementsAre(1, 0, 2, 4));
  FloatMatrix expected(2, 3);
  expected << 1, 3, 3, 2, 4, 4;
  EXPECT_EQ(by_w, expected);
  EXPECT_THAT(std::vector<float>(by_b.data(), by_b.data() + 3), ElementsAre(1, 1, 1));
}

}  // namespace
}  // namespace qconvert
