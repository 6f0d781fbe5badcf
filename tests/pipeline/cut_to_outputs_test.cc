#include "cut_to_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "support/graph_builder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

// x -> Relu -> a -> Split -> s, t -> Neg -> y
GraphBuilder Network() {
  GraphBuilder b;
  b.Input("x", {"1", "4"}).Output("y");
  b.Add("Relu", {"x"}, {"a"}).name = "first";
  Node& split = b.Add("Split", {"a"}, {"s", "t"});
  split.name = "middle";
  split.Set("axis", int64_t{1});
  b.Add("Neg", {"t"}, {"y"}).name = "last";
  return b;
}

std::vector<std::string> OutputsOf(const Graph& graph) {
  std::vector<std::string> out;
  for (const Value& output : graph.outputs) out.push_back(output.name);
  return out;
}

TEST(CutToOutputsTest, AllOutputsOfTheNamedNodesInTheirOrder) {
  GraphBuilder b = Network();
  CutToOutputs({"middle", "first", "middle"}, {}, "m.onnx", b.model);
  EXPECT_THAT(OutputsOf(b.model.graph), testing::ElementsAre("s", "t", "a"));
  EXPECT_EQ(b.model.graph.nodes.size(), 2U) << "nobody needs the last node";
  EXPECT_EQ(b.model.graph.outputs[0].type, FloatType({"1", "2"}));
  EXPECT_EQ(RunModel(b.model, {RandomTensor("x", {1, 4}, 3)}).size(), 3U);
}

TEST(CutToOutputsTest, ThePassIsShown) {
  GraphBuilder b = Network();
  const TempDir folder;
  CutToOutputs({"middle"}, {}, "m.onnx", b.model, {.dump_folder = folder.path(), .stop_after = ""});
  EXPECT_THAT(Slurp(folder / "outputs/00_cut_to_outputs.before.txt"), testing::HasSubstr("Neg"));
  EXPECT_THAT(Slurp(folder / "outputs/00_cut_to_outputs.after.txt"),
              testing::Not(testing::HasSubstr("Neg")));
}

TEST(CutToOutputsTest, WithoutNamesNothingChanges) {
  GraphBuilder b = Network();
  CutToOutputs({}, {}, "m.onnx", b.model);
  EXPECT_THAT(OutputsOf(b.model.graph), testing::ElementsAre("y"));
}

TEST(CutToOutputsTest, EveryNameThatNoNodeHasIsToldWhereItIsWritten) {
  GraphBuilder b = Network();
  const ConfigPlace written{std::make_shared<const std::string>("c.yaml"), 3, 17};
  try {
    CutToOutputs({"lasst", "first", "nobody"}, written, "m.onnx", b.model);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(
        e.problems(),
        testing::ElementsAre("c.yaml:3:17: output_nodes has \"lasst\", which is no node of the "
                             "model, did you mean 'last'?",
                             "c.yaml:3:17: output_nodes has \"nobody\", which is no node of the "
                             "model"));
  }
  EXPECT_THAT(OutputsOf(b.model.graph), testing::ElementsAre("y")) << "names stay for other checks";
}

}  // namespace
}  // namespace qconvert
