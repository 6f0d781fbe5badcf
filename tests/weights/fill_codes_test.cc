#include "qconvert/weights/fill_codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/started_threads.h"
#include "support/quantize_model.h"

namespace qconvert {
namespace {

// `m` read by two MatMul and, transposed, by a Gemm.
QuantizedModel SharedWeights(const QuantConfig& config = {}) {
  GraphBuilder b;
  b.Input("x", {"5", "8"}).Output("z").Random("m", {8, 8});
  b.Add("MatMul", {"x", "m"}, {"a"});
  b.Add("MatMul", {"a", "m"}, {"b"});
  b.Add("Gemm", {"b", "m"}, {"z"}).Set("transB", int64_t{1});
  return QuantizeModel(b.model, {{RandomTensor("x", {5, 8}, 1)}}, config);
}

TEST(FillCodesTest, NodesThatReadTheSameWeightsAlikeShareTheirCodes) {
  const QuantizedModel q = SharedWeights();
  ASSERT_EQ(q.plan.integer_nodes.size(), 3U);
  const ConstantCodes& first = *q.plan.integer_nodes.at(0).weight;
  const ConstantCodes& second = *q.plan.integer_nodes.at(1).weight;
  EXPECT_EQ(first.codes.bytes, second.codes.bytes) << "one buffer";
  EXPECT_EQ(first.params, second.params);
}

TEST(FillCodesTest, ATransposedReaderHasScalesOfItsOwn) {
  const QuantizedModel q = SharedWeights();
  const ConstantCodes& columns = *q.plan.integer_nodes.at(0).weight;
  const ConstantCodes& rows = *q.plan.integer_nodes.at(2).weight;
  EXPECT_NE(columns.codes.bytes, rows.codes.bytes);
  EXPECT_EQ(columns.params.axis, 1);
  EXPECT_EQ(rows.params.axis, 0);
  EXPECT_NE(columns.params.scales, rows.params.scales);
}

TEST(FillCodesTest, ACacheKeepsWhatWasMadeForTheSameSettings) {
  const QuantizedModel q = SharedWeights();
  const Graph& graph = q.float_model.graph;
  CodeCache cache;
  const WeightOrder order = KernelOrder(graph.nodes[0], graph.initializers.at("m"));
  int made = 0;
  const auto make = [&] {
    ++made;
    return FittedWeights();
  };
  TensorSettings settings;
  cache.Integer("m", order, settings, make);
  cache.Integer("m", order, settings, make);
  EXPECT_EQ(made, 1);
  cache.Integer("other", order, settings, make);
  EXPECT_EQ(made, 2);
  settings.bit_width = 4;
  cache.Integer("m", order, settings, make);
  EXPECT_EQ(made, 3);
}

TEST(FillCodesTest, LargeWeightsOfAnyNodeAreMadeByAllThreads) {
  constexpr int kWorkers = 3;
  GraphBuilder b;
  b.Input("x", {"1", "256"}).Output("y").Random("m", {256, 256});
  b.Add("MatMul", {"x", "m"}, {"y"});
  const QuantizedModel q = QuantizeModel(b.model, {{RandomTensor("x", {1, 256}, 1)}});
  const Graph& graph = q.float_model.graph;
  for (const bool at_run_time : {false, true}) {
    QuantizationPlan plan = q.plan;
    CodeOptions options;
    if (at_run_time) {
      plan.placement.nodes[0].domain = NodeDomain::kFloat;
      plan.integer_nodes.clear();
      options.dynamic = {0};
    }
    CodeCache cache(kWorkers);
    const int64_t before = StartedThreads();
    FillCodes(graph, ModelSettings(), options, cache, plan);
    EXPECT_EQ(StartedThreads() - before, kWorkers - 1) << at_run_time;
    EXPECT_EQ(plan.dynamic_nodes.size(), at_run_time ? 1U : 0U);
  }
}

// Codes of other plans may be half of the model; they are made again where they are wanted again.
TEST(FillCodesTest, ACacheLetsGoOfManyCodesThatThePresentPlanDoesNotStore) {
  for (const int64_t rows : {int64_t{16}, int64_t{8400}}) {
    Model model;
    Tensor& weight = model.graph.initializers["m"];
    weight.name = "m";
    weight.type = DataType::kFloat;
    weight.dims = {rows, 4096};
    weight.bytes = std::make_shared<std::string>(static_cast<size_t>(rows) * 4096 * 4, '\x3c');
    model.graph.nodes.push_back(MakeNode("MatMul", {"x", "m"}, {"y"}));
    const std::vector<WeightUse> uses = FindWeightUses(model.graph, {});
    ASSERT_EQ(uses.size(), 1U);
    CodeCache cache(2);
    cache.MakeStored({{uses[0], {.bits = 16}}});
    cache.MakeStored({{uses[0], {.bits = 8}}});
    EXPECT_NE(cache.FindStored("m", {.bits = 8}), nullptr);
    EXPECT_EQ(cache.FindStored("m", {.bits = 16}) != nullptr, rows == 16);
  }
}

TEST(FillCodesTest, ACacheLetsGoOfManyCodesThatThePresentPlanDoesNotCompute) {
  for (const size_t count : {size_t{16}, size_t{65} << 20}) {
    CodeCache cache;
    int made = 0;
    const auto ask = [&] {
      const int before = made;
      cache.Integer("m", {}, {}, [&] {
        ++made;
        FittedWeights weights;
        weights.weight.bytes = std::make_shared<std::string>(count, '\0');
        return weights;
      });
      return made > before;
    };
    EXPECT_TRUE(ask());
    cache.EndPlan();
    EXPECT_FALSE(ask()) << "of the plan before";
    cache.EndPlan();
    cache.EndPlan();  // of a plan that does not ask
    EXPECT_EQ(ask(), count > 16);
  }
}

TEST(FillCodesTest, AWeightOfABodyIsNotTheOneOfItsNameOutside) {
  GraphBuilder body;
  body.Random("w", {64, 64}).Output("t").Add("MatMul", {"x", "w"}, {"t"});
  GraphBuilder b;
  b.Input("x", {"5", "64"}).Input("c", {}, DataType::kBool).Output("y").Output("z");
  b.Random("w", {64, 64});
  b.Add("MatMul", {"x", "w"}, {"z"});
  Node& node = b.Add("If", {"c"}, {"y"});
  node.Set("then_branch", Subgraph(body.model.graph));
  node.Set("else_branch", Subgraph(body.model.graph));
  ModelSettings settings;
  settings.config.scheme = Scheme::kWeightOnly;
  const auto stored = [&](const CodeOptions& options) {
    QuantizationPlan plan;
    plan.placement.nodes.resize(2);
    CodeCache cache;
    FillCodes(b.model.graph, settings, options, cache, plan);
    return plan.stored;
  };
  const auto kept = stored({.keep = {"w"}});
  EXPECT_EQ(kept.size(), 2U) << "those of the branches";
  EXPECT_FALSE(kept.contains("w"));
  const auto wide = stored({.wide = {"w"}});
  EXPECT_EQ(wide.size(), 3U);
  for (const auto& [way, weight] : wide) EXPECT_EQ(weight.bits(), way == "w" ? 16 : 8) << way;
}

}  // namespace
}  // namespace qconvert
