// Constant indices held against the dimension they count in.
#include "check_indices.h"

#include <gtest/gtest.h>

#include <functional>

#include "support/errors.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

void Check(const GraphBuilder& b) { CheckConstantIndices(Scope(b.model.graph), "m.onnx"); }

// A node on "x" [3,N,5] with these indices; `more` are further inputs.
GraphBuilder Indexed(const std::string& type, std::vector<int64_t> dims,
                     std::vector<int64_t> indices, const std::string& key = "", int64_t value = 0,
                     const std::vector<std::string>& more = {}) {
  GraphBuilder b;
  b.Input("x", {"3", "N", "5"}).Output("y").Ints("i", std::move(dims), std::move(indices));
  std::vector<std::string> inputs = {"x", "i"};
  inputs.insert(inputs.end(), more.begin(), more.end());
  Node& node = b.Add(type, inputs, {"y"});
  node.name = "n";
  if (!key.empty()) node.Set(key, value);
  return b;
}

TEST(CheckIndicesTest, FromMinusTheSizeToOneBelowIt) {
  for (const char* type : {"Gather", "GatherElements", "ScatterElements", "Scatter"}) {
    SCOPED_TRACE(type);
    EXPECT_NO_THROW(Check(Indexed(type, {4}, {0, 2, -1, -3})));
    EXPECT_THAT(
        [&] {
          Check(Indexed(type, {3}, {0, 3, 9}));
        },
        ThrowsError(ExitCode::kModel, std::string("node \"n\" (") + type +
                                          ") has index 3 on axis 0 of \"x\", expected -3 "
                                          "to 2"));
    EXPECT_THAT([&] { Check(Indexed(type, {1}, {-4})); },
                ThrowsError(ExitCode::kModel, "index -4 on axis 0"));
    EXPECT_NO_THROW(Check(Indexed(type, {1}, {4}, "axis", 2)));
    EXPECT_NO_THROW(Check(Indexed(type, {1}, {4}, "axis", -1)));
    EXPECT_THAT([&] { Check(Indexed(type, {1}, {5}, "axis", -1)); },
                ThrowsError(ExitCode::kModel, "index 5 on axis 2"));
    EXPECT_NO_THROW(Check(Indexed(type, {1}, {99}, "axis", 1))) << "a size that nobody knows";
    EXPECT_NO_THROW(Check(Indexed(type, {1}, {99}, "axis", 7))) << "the engine's to say";
    EXPECT_NO_THROW(Check(Indexed(type, {0}, {}))) << "no index";
    EXPECT_NO_THROW(Check(Indexed(type, {}, {2})));
  }
}

// One index per axis in the last dimension: [[0, 99, 4], [2, 0, -5]] is fine.
TEST(CheckIndicesTest, TuplesCountInTheirAxesInTurn) {
  for (const char* type : {"GatherND", "ScatterND"}) {
    SCOPED_TRACE(type);
    EXPECT_NO_THROW(Check(Indexed(type, {2, 3}, {0, 99, 4, 2, 0, -5})));
    EXPECT_THAT(
        [&] {
          Check(Indexed(type, {2, 3}, {0, 99, 4, 2, 0, -6}));
        },
        ThrowsError(ExitCode::kModel, "index -6 on axis 2 of \"x\", expected -5 to 4"));
    EXPECT_THAT(
        [&] {
          Check(Indexed(type, {1, 2, 1}, {2, 3}));
        },
        ThrowsError(ExitCode::kModel, "index 3 on axis 0"));
    EXPECT_NO_THROW(Check(Indexed(type, {1, 4}, {9, 9, 9, 9}))) << "more than there are axes";
    EXPECT_NO_THROW(Check(Indexed(type, {2, 0}, {})));
    EXPECT_NO_THROW(Check(Indexed(type, {}, {9})));
  }
}

TEST(CheckIndicesTest, AxesOfABatchAreNotCountedIn) {
  EXPECT_NO_THROW(Check(Indexed("GatherND", {3, 2}, {99, 4, 99, 0, 99, -5}, "batch_dims", 1)));
  EXPECT_THAT(
      [&] {
        Check(Indexed("GatherND", {3, 2}, {0, 5, 0, 0, 0, 0}, "batch_dims", 1));
      },
      ThrowsError(ExitCode::kModel, "index 5 on axis 2"));
  EXPECT_THAT(
      [&] {
        Check(Indexed("ScatterND", {1, 1}, {3}, "batch_dims", 1));
      },
      ThrowsError(ExitCode::kModel, "index 3 on axis 0"))
      << "ScatterND has no batches";
}

TEST(CheckIndicesTest, OtherNodesAndComputedIndicesAreLeftAlone) {
  GraphBuilder b = Indexed("Gather", {1}, {9});
  b.model.graph.nodes[0].domain = "mine";
  EXPECT_NO_THROW(Check(b));
  b = Indexed("Gather", {1}, {9});
  b.model.graph.nodes[0].inputs[1] = "computed";
  EXPECT_NO_THROW(Check(b));
  b = Indexed("Gather", {1}, {9});
  b.Floats("i", {1}, {9});
  EXPECT_NO_THROW(Check(b));
  b = Indexed("Gather", {1}, {9});
  b.model.graph.inputs[0].type.shape.reset();
  EXPECT_NO_THROW(Check(b)) << "of no known rank";
  EXPECT_NO_THROW(Check(Indexed("Slice", {1}, {9})));
}

TEST(CheckIndicesTest, NarrowIndicesAndConstantsOfOuterLevels) {
  GraphBuilder b = Indexed("Gather", {1}, {0});
  const std::vector<int32_t> three = {3};
  b.model.graph.initializers["i"] = MakeTensor<int32_t>("i", DataType::kInt32, {1}, three);
  EXPECT_THAT([&] { Check(b); }, ThrowsError(ExitCode::kModel, "index 3"));
  GraphBuilder outer;
  outer.Floats("table", {4, 2}, std::vector<float>(8, 1));
  const Scope around(outer.model.graph);
  GraphBuilder body;
  body.Ints("i", {1}, {4}).Add("Gather", {"table", "i"}, {"y"});
  EXPECT_THAT(
      [&] { CheckConstantIndices(Scope(around, body.model.graph, "loop/body/"), "m"); },
      ThrowsError(ExitCode::kModel, "node \"y\" (Gather) has index 4 on axis 0 of \"table\""))
      << "a node without a name goes by what it writes";
}

}  // namespace
}  // namespace qconvert
