#include "qconvert/report/compared_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/report/picked_values.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::vector<ComparedValue> Find(GraphBuilder& b, const std::set<std::string>& hidden = {}) {
  InferTypes(b.model, "test model");
  return FindComparedValues(b.model.graph,
                            [&](const std::string& value) { return !hidden.contains(value); });
}

std::vector<std::string> Names(const std::vector<ComparedValue>& values) {
  std::vector<std::string> names;
  for (const ComparedValue& value : values) names.push_back(value.name);
  return names;
}

// x -> Conv -> boxes, scores -> NonMaxSuppression -> Gather of boxes
GraphBuilder Detector() {
  GraphBuilder b;
  b.Input("x", {"1", "40", "4"}).Input("s", {"1", "2", "40"}).Output("kept");
  b.Ints("most", {1}, {10}).Floats("overlap", {1}, {0.5F}).Floats("least", {1}, {0.1F});
  b.Ints("column", {}, {2}).Ints("first", {1}, {0});
  b.Add("Relu", {"x"}, {"boxes"});
  b.Add("Sigmoid", {"s"}, {"scores"});
  b.Add("NonMaxSuppression", {"boxes", "scores", "most", "overlap", "least"}, {"picked"});
  b.Add("Gather", {"picked", "column"}, {"rows"}).Set("axis", int64_t{1});
  b.Add("Squeeze", {"boxes", "first"}, {"flat"});
  b.Add("Gather", {"flat", "rows"}, {"kept"});
  return b;
}

TEST(ComparedValuesTest, OutputsOfFixedShapeStandForThemselves) {
  GraphBuilder b;
  b.Input("x", {"N", "3"}).Output("y").Output("z");
  b.Add("Relu", {"x"}, {"y"});
  b.Add("Softmax", {"y"}, {"z"});
  const auto values = Find(b);
  EXPECT_THAT(Names(values), ElementsAre("y", "z"));
  EXPECT_FALSE(values[0].has_stand_in);
  EXPECT_EQ(values[1].kind.scores, OutputKind::Scores::kProbabilities);
}

TEST(ComparedValuesTest, InputsOfNonMaxSuppressionStandForWhatItKeeps) {
  GraphBuilder b = Detector();
  const auto values = Find(b);
  EXPECT_THAT(Names(values), UnorderedElementsAre("kept", "boxes", "scores"));
  EXPECT_TRUE(values[0].has_stand_in);
  EXPECT_THAT(values[1].stands_for, ElementsAre("kept"));
  EXPECT_THAT(FindDataShapedValues(b.model.graph), UnorderedElementsAre("picked", "rows", "kept"));
}

TEST(ComparedValuesTest, ValuesThatCannotBeExposedArePassedOver) {
  GraphBuilder b = Detector();
  b.Add("Neg", {"s2"}, {"s"});
  b.model.graph.inputs[1].name = "s2";
  std::swap(b.model.graph.nodes.front(), b.model.graph.nodes.back());
  SortNodes(b.model.graph);
  EXPECT_THAT(Names(Find(b, {"scores"})), UnorderedElementsAre("kept", "boxes", "s"));
  const auto none = Find(b, {"scores", "boxes", "s"});
  EXPECT_THAT(Names(none), ElementsAre("kept"));
  EXPECT_FALSE(none[0].has_stand_in);
}

TEST(ComparedValuesTest, AnOutputThatIsComparedAnywayIsNotComparedTwice) {
  GraphBuilder b = Detector();
  b.Output("boxes");
  const auto values = Find(b, {"boxes"});
  EXPECT_THAT(Names(values), ElementsAre("kept", "boxes", "scores"));
  EXPECT_TRUE(values[1].stands_for.empty());
}

TEST(ComparedValuesTest, LogitsStandForTheirClass) {
  GraphBuilder b;
  b.Input("x", {"N", "3"}).Output("class", DataType::kInt64);
  b.Add("Relu", {"x"}, {"logits"});
  b.Add("ArgMax", {"logits"}, {"class"}).Set("axis", int64_t{1});
  const auto values = Find(b);
  EXPECT_THAT(Names(values), ElementsAre("class", "logits"));
  EXPECT_EQ(values[1].kind, (OutputKind{OutputKind::Scores::kLogits, 1}));
}

TEST(ComparedValuesTest, AFirstAxisThatNoInputHasIsNoBatch) {
  const auto is_batched = [](const std::string& samples, int64_t rows) {
    GraphBuilder b;
    b.Input("x", {samples, "24"}).Output("y");
    b.Ints("shape", {2}, {rows, -1});
    b.Add("Reshape", {"x", "shape"}, {"y"});
    return Find(b)[0].may_be_batched;
  };
  EXPECT_FALSE(is_batched("1", 12));
  EXPECT_FALSE(is_batched("4", 12));
  EXPECT_TRUE(is_batched("1", 1));
  EXPECT_TRUE(is_batched("12", 12)) << "a batch of twelve";
  GraphBuilder free;
  free.Input("x", {"N", "24"}).Output("y");
  free.Add("Relu", {"x"}, {"y"});
  EXPECT_TRUE(Find(free)[0].may_be_batched);
}

TEST(ComparedValuesTest, AComputedLengthShapesWhatItMakes) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("wave");
  b.Ints("zero", {}, {0}).Ints("one", {}, {1});
  b.Add("ReduceSum", {"x"}, {"seconds"}).Set("keepdims", int64_t{0});
  b.Add("Exp", {"seconds"}, {"length"});
  b.Add("Cast", {"length"}, {"steps"}).Set("to", int64_t{7});
  b.Add("Range", {"zero", "steps", "one"}, {"ramp"});
  b.Add("Cast", {"ramp"}, {"r"}).Set("to", int64_t{1});
  b.Add("ReduceMean", {"x"}, {"mean"}).Set("keepdims", int64_t{0});
  b.Add("Mul", {"r", "mean"}, {"wave"});
  EXPECT_THAT(Names(Find(b)), UnorderedElementsAre("wave", "mean", "length"));
}

TEST(ComparedValuesTest, LengthsThatAreGivenShapeNothing) {
  GraphBuilder b;  // an integer input is the same for both models
  b.Input("x", {"1", "8"}).Input("k", {"1"}, DataType::kInt64).Output("y");
  b.Ints("start", {1}, {0}).Ints("axis", {1}, {1});
  b.Add("Slice", {"x", "start", "k", "axis"}, {"y"});
  EXPECT_THAT(Names(Find(b)), ElementsAre("y"));
  GraphBuilder shape;  // nor is a shape computed, unless it comes from data
  shape.Input("x", {"N", "T", "8"}).Output("y").Ints("last", {1}, {-1}).Ints("z", {1}, {0});
  shape.Add("Shape", {"x"}, {"s"});
  shape.Add("Gather", {"s", "z"}, {"n"});
  shape.Add("Concat", {"n", "last"}, {"to"}).Set("axis", int64_t{0});
  shape.Add("Reshape", {"x", "to"}, {"y"});
  EXPECT_TRUE(FindDataShapedValues(shape.model.graph).empty());
}

TEST(ComparedValuesTest, AFixedShapeEndsTheDoubt) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y");
  b.Add("NonZero", {"x"}, {"i"});
  b.Add("Cast", {"i"}, {"f"}).Set("to", int64_t{1});
  b.Add("ReduceSum", {"f"}, {"y"}).Set("keepdims", int64_t{1});
  InferTypes(b.model, "test model");
  EXPECT_THAT(FindDataShapedValues(b.model.graph), UnorderedElementsAre("i", "f"));
}

TEST(ComparedValuesTest, WhatABodyReadsIsUpstream) {
  GraphBuilder b;
  b.Input("x", {"1", "4"}).Input("c", {}, DataType::kBool).Output("y", DataType::kInt64);
  b.Add("Exp", {"x"}, {"h"});
  const auto branch = [](const std::string& op) {
    GraphBuilder body;
    body.Output("out", DataType::kInt64);
    body.Add(op, {"h"}, {"out"}).Set("axis", int64_t{1});
    return Subgraph(body.model.graph);
  };
  Node& choose = b.Add("If", {"c"}, {"y"});
  choose.Set("then_branch", branch("ArgMax"));
  choose.Set("else_branch", branch("ArgMin"));
  EXPECT_THAT(Names(Find(b)), ElementsAre("y", "h"));
}

// x -> heat, size; TopK of the heat's peaks -> scores and places, by which sizes are gathered.
GraphBuilder CentersOfPeaks() {
  GraphBuilder b;
  b.Input("x", {"1", "4", "8", "8"})
      .Output("scores")
      .Output("rows")
      .Output("pairs")
      .Output("first");
  b.Ints("flat", {2}, {1, 256})
      .Ints("k", {1}, {10})
      .Ints("places", {1}, {64})
      .Ints("all", {1}, {-1});
  b.Ints("by_place", {2}, {64, 4}).Ints("last", {1}, {-1}).Ints("two", {2}, {0, 3});
  b.Add("Sigmoid", {"x"}, {"heat"});
  b.Add("MaxPool", {"heat"}, {"largest"}).Set("kernel_shape", std::vector<int64_t>{3, 3});
  b.model.graph.nodes.back().Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  b.Add("Equal", {"heat", "largest"}, {"is_peak"});
  b.Add("Cast", {"is_peak"}, {"mask"}).Set("to", int64_t{1});
  b.Add("Mul", {"heat", "mask"}, {"peaks"});
  b.Add("Reshape", {"peaks", "flat"}, {"peaks_flat"});
  b.Add("TopK", {"peaks_flat", "k"}, {"scores", "found"});
  b.Add("Mod", {"found", "places"}, {"place"});
  b.Add("Reshape", {"place", "all"}, {"place_flat"});
  b.Add("Relu", {"x"}, {"size"});
  b.Add("Reshape", {"size", "by_place"}, {"sizes"});
  b.Add("Gather", {"sizes", "place_flat"}, {"gathered"});
  b.Add("Exp", {"gathered"}, {"rows"});
  b.Add("Unsqueeze", {"place_flat", "last"}, {"index"});
  b.Add("GatherND", {"sizes", "index"}, {"pairs"});
  b.Add("Gather", {"sizes", "two"}, {"first"});
  return b;
}

TEST(PickedValuesTest, RowsThatTopKFindsAreJudgedByWhatTheyAreFoundIn) {
  GraphBuilder b = CentersOfPeaks();
  const auto values = Find(b);
  EXPECT_THAT(FindPickedValues(b.model.graph),
              UnorderedElementsAre("is_peak", "mask", "peaks", "peaks_flat", "found", "place",
                                   "place_flat", "gathered", "rows", "index", "pairs"))
      << "neither sorted scores nor what constant indices gather";
  EXPECT_THAT(Names(values),
              UnorderedElementsAre("scores", "rows", "pairs", "first", "size", "heat", "largest"));
  for (const ComparedValue& value : values)
    EXPECT_EQ(value.has_stand_in, value.name == "rows" || value.name == "pairs") << value.name;
}

TEST(PickedValuesTest, BehindAProductErrorsOfMoreCount) {
  GraphBuilder b;
  b.Input("x", {"1", "8"}).Output("y").Random("w", {8, 3}).Ints("k", {1}, {8});
  b.Add("Relu", {"x"}, {"r"});
  b.Add("TopK", {"r", "k"}, {"scores", "found"});
  b.Add("GatherElements", {"r", "found"}, {"rows"}).Set("axis", int64_t{1});
  b.Add("MatMul", {"rows", "w"}, {"y"});
  const auto values = Find(b);
  EXPECT_THAT(FindPickedValues(b.model.graph), UnorderedElementsAre("found", "rows"));
  EXPECT_THAT(Names(values), ElementsAre("y"));
}

}  // namespace
}  // namespace qconvert
