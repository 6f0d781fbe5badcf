#include "qconvert/plan/choose_scheme.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/plan/processor.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::Not;

// Depthwise convolutions with large windows: slower on integers without int8 dot products.
Model LargeWindows() {
  GraphBuilder b;
  b.Input("x", {"1", "64", "56", "56"}).Output("y");
  std::string value = "x";
  for (int k = 0; k < 6; ++k) {
    const std::string out = k == 5 ? "y" : "v" + std::to_string(k);
    const std::string weight = "w" + std::to_string(k);
    b.Random(weight, {64, 1, 7, 7});
    Node& node = b.Add("Conv", {value, weight}, {out});
    node.Set("group", int64_t{64});
    node.Set("pads", std::vector<int64_t>(4, 3));
    value = out;
  }
  InferTypes(b.model, "m");
  return b.model;
}

Model WideConvolutions() {
  GraphBuilder b;
  b.Input("x", {"1", "64", "56", "56"}).Output("y");
  b.Random("w", {64, 64, 3, 3});
  b.Add("Conv", {"x", "w"}, {"v"}).Set("pads", std::vector<int64_t>(4, 1));
  b.Add("Conv", {"v", "w"}, {"y"}).Set("pads", std::vector<int64_t>(4, 1));
  InferTypes(b.model, "m");
  return b.model;
}

SchemeChoice Choose(const Model& model, Processor processor, const CostTable* measured = nullptr) {
  QuantConfig config;
  config.processor = processor;
  return ChooseScheme(model.graph, {}, ModelSettings(config), measured);
}

// What integers take by ranges of calibration may be tried with ranges taken at run time.
TEST(ChooseSchemeTest, NamesWhatCouldBeQuantizedAtRunTime) {
  GraphBuilder b;
  b.Input("x", {"64", "512"}).Output("y").Random("w", {512, 512}).Random("v", {512, 512});
  b.Add("MatMul", {"x", "w"}, {"h"}).name = "constant";
  b.Add("Relu", {"h"}, {"r"}).name = "relu";
  b.Add("MatMul", {"r", "v"}, {"y"}).name = "kept";
  InferTypes(b.model, "m");
  const SchemeChoice both = Choose(b.model, Processor::kAny);
  EXPECT_EQ(both.scheme, Scheme::kStatic);
  EXPECT_TRUE(both.dynamic.empty());
  EXPECT_EQ(both.run_time, (std::map<size_t, std::string>{{0, "h"}, {2, "y"}}));
  QuantConfig config;
  config.tensors.weights.symmetry = false;
  EXPECT_TRUE(ChooseScheme(b.model.graph, {}, ModelSettings(config)).run_time.empty())
      << "has no kernel with zero points";
}

// Thin convolutions with large windows, below 0.1 ms: the estimates are coarse there, but not by a
// factor of two.
TEST(ChooseSchemeTest, ASmallModelStaysFloatWhereIntegersAreFarSlower) {
  GraphBuilder b;
  b.Input("x", {"1", "1", "28", "28"}).Output("y");
  b.Random("w1", {8, 1, 5, 5}).Random("w2", {16, 8, 5, 5});
  b.Add("Conv", {"x", "w1"}, {"c"}).Set("pads", std::vector<int64_t>(4, 2));
  Node& pool = b.Add("MaxPool", {"c"}, {"p"});
  pool.Set("kernel_shape", std::vector<int64_t>{2, 2});
  pool.Set("strides", std::vector<int64_t>{2, 2});
  b.Add("Conv", {"p", "w2"}, {"y"}).Set("pads", std::vector<int64_t>(4, 2));
  InferTypes(b.model, "m");
  const SchemeChoice choice = Choose(b.model, Processor::kAny);
  EXPECT_EQ(choice.scheme, Scheme::kWeightOnly);
  EXPECT_THAT(choice.reason, HasSubstr("the model is small, and integers would take"));
  EXPECT_THAT(choice.reason, HasSubstr("--scheme static takes them all the same"));
}

// Products of 10 us: the calls of kernels around them are what integers cost, and 1.2 to 1.5 of the
// float time was measured where that was estimated.
TEST(ChooseSchemeTest, ASmallModelIsNotMadeSlower) {
  for (const char* width : {"32", "128"}) {
    GraphBuilder b;
    const int64_t n = std::stoll(width);
    b.Input("x", {"1", width}).Output("y").Random("w", {n, n}).Random("v", {n, 4});
    b.Add("MatMul", {"x", "w"}, {"a"});
    b.Add("Relu", {"a"}, {"r"});
    b.Add("MatMul", {"r", "v"}, {"y"});
    InferTypes(b.model, "m");
    const SchemeChoice choice = Choose(b.model, Processor::kAny);
    EXPECT_EQ(choice.scheme, Scheme::kWeightOnly) << width;
    EXPECT_THAT(choice.reason, HasSubstr("the model is small, and integers would take"));
  }
}

TEST(ChooseSchemeTest, WideConvolutionsAreStaticEverywhere) {
  const Model model = WideConvolutions();
  for (const Processor processor :
       {Processor::kAny, Processor::kAvx2, Processor::kVnni, Processor::kArmDot}) {
    EXPECT_EQ(Choose(model, processor).scheme, Scheme::kStatic) << ProcessorName(processor);
  }
}

// Sums alone: nothing gets smaller, and the file would only take longer to open.
TEST(ChooseSchemeTest, IntegersWithoutWeightsHaveToSaveTime) {
  for (const char* size : {"4096", "65536"}) {
    GraphBuilder b;
    b.Input("x", {"1", size}).Output("y").Floats("k", {1}, {0.1F});
    std::string value = "x";
    for (int i = 0; i < 40; ++i) {
      const std::string out = i + 1 < 40 ? "v" + std::to_string(i) : "y";
      b.Add("Add", {value, "k"}, {out});
      value = out;
    }
    InferTypes(b.model, "m");
    const SchemeChoice choice = Choose(b.model, Processor::kAvx2);
    const bool is_large = std::string(size) == "65536";
    EXPECT_EQ(choice.scheme, is_large ? Scheme::kStatic : Scheme::kWeightOnly) << choice.reason;
  }
}

TEST(ChooseSchemeTest, OnAnyProcessorBothTimesAreTold) {
  const Model model = WideConvolutions();
  EXPECT_THAT(Choose(model, Processor::kAny).reason, HasSubstr("with int8 dot products"));
  EXPECT_THAT(Choose(model, Processor::kVnni).reason, Not(HasSubstr("with int8 dot products")));
}

TEST(ChooseSchemeTest, WideValuesAreNoPromiseOfSpeed) {
  const Model model = WideConvolutions();
  QuantConfig config;
  config.tensors.activation.bit_width = 16;
  const SchemeChoice choice = ChooseScheme(model.graph, {}, ModelSettings(config), nullptr);
  EXPECT_EQ(choice.scheme, Scheme::kStatic);
  EXPECT_THAT(choice.reason, HasSubstr("more than 8 bits"));
  EXPECT_THAT(choice.reason, Not(HasSubstr("estimated")));
}

TEST(ChooseSchemeTest, WhatLosesWithoutInt8DotProductsIsLeftAloneOnAny) {
  const Model model = LargeWindows();
  EXPECT_EQ(Choose(model, Processor::kAvx2).scheme, Scheme::kWeightOnly);
  EXPECT_EQ(Choose(model, Processor::kAny).scheme, Scheme::kWeightOnly);
}

TEST(ChooseSchemeTest, AMeasuredTableSpeaksForItsProcessorAlone) {
  const Model model = LargeWindows();
  CostTable fast = kAvx2Costs;
  fast[CostTerm::kIntegerLargeDepthwiseProduct] /= 10;
  const SchemeChoice choice = Choose(model, Processor::kAny, &fast);
  EXPECT_EQ(choice.scheme, Scheme::kStatic);
  EXPECT_LT(choice.estimated_ratio, 0.9);
  EXPECT_THAT(choice.reason, Not(HasSubstr("with int8 dot products")));
}

TEST(ProcessorTest, PairsAreLimitedWhereProductsAddUpIn16Bits) {
  QuantConfig config;
  for (const Processor processor : {Processor::kAny, Processor::kAvx2}) {
    config.processor = processor;
    EXPECT_EQ(PairLimitOf(config), 128) << ProcessorName(processor);
  }
  for (const Processor processor : {Processor::kVnni, Processor::kArmDot}) {
    config.processor = processor;
    EXPECT_EQ(PairLimitOf(config), 0) << ProcessorName(processor);
  }
  config = {.target_device = TargetDevice::kBpu};
  EXPECT_EQ(PairLimitOf(config), 0);
}

TEST(ProcessorTest, TheHostIsOneOfTheKinds) {
  const Processor host = ResolveProcessor(Processor::kHost);
  EXPECT_NE(host, Processor::kHost);
  EXPECT_NE(host, Processor::kAny);
  EXPECT_EQ(ResolveProcessor(Processor::kAny), Processor::kAny);
  EXPECT_EQ(CostTableOf(Processor::kHost).ns, CostTableOf(host).ns);
}

}  // namespace
}  // namespace qconvert
