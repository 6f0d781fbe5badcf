// Ways through a graph: nodes beside each other, and values that movement hands on.
#include "../../src/plan/neighbours.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/plan/moved_values.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// 0: a(x), 1: b(a, a), 2: If reads a in its branch, 3: y(b, i)
GraphBuilder Diamond() {
  GraphBuilder branch;
  branch.Output("t").Add("Neg", {"a"}, {"t"});
  branch.model.graph.name = "then";
  GraphBuilder b;
  b.Input("x", {"2"}).Input("c", {}, DataType::kBool).Output("y");
  b.Add("Relu", {"x"}, {"a"});
  b.Add("Mul", {"a", "a"}, {"b"});
  b.Add("If", {"c"}, {"i"}).Set("then_branch", Subgraph(branch.model.graph));
  b.Add("Add", {"b", "i"}, {"y"});
  return b;
}

TEST(NeighboursTest, EveryReadingIsOneAndBodiesReadToo) {
  const GraphBuilder b = Diamond();
  const Neighbours found = FindNeighbours(b.model.graph);
  EXPECT_THAT(found.readers[0], ElementsAre(1, 1, 2));
  EXPECT_THAT(found.readers[1], ElementsAre(3));
  EXPECT_THAT(found.readers[3], IsEmpty());
  EXPECT_THAT(found.producers[0], IsEmpty()) << "inputs have none";
  EXPECT_THAT(found.producers[1], ElementsAre(0, 0));
  EXPECT_THAT(found.producers[2], ElementsAre(0));
  EXPECT_THAT(found.producers[3], ElementsAre(1, 2));
}

TEST(NeighboursTest, OmittedOutputsHaveNoReaders) {
  GraphBuilder b;
  b.Input("x", {"2"}).Add("Dropout", {"x"}, {"", "m"});
  b.Add("Clip", {"x", "", ""}, {"y"});
  EXPECT_THAT(FindNeighbours(b.model.graph).readers[0], IsEmpty());
}

TEST(ReachTest, GoesAlongAllWaysOnceEvenInRings) {
  const std::vector<std::vector<size_t>> next = {{1, 2}, {3}, {3}, {1}, {0}, {5}};
  EXPECT_THAT(Reach(next, {0}), ElementsAre(true, true, true, true, false, false));
  EXPECT_THAT(Reach(next, {3}), ElementsAre(false, true, false, true, false, false));
  EXPECT_THAT(Reach(next, {5, 2, 2}), ElementsAre(false, true, true, true, false, true));
  EXPECT_THAT(Reach(next, {}), ElementsAre(false, false, false, false, false, false));
  EXPECT_THAT(Reach({}, {}), IsEmpty());
}

TEST(MovedValuesTest, TheNearestComesFirstAndShapesAreNoSources) {
  GraphBuilder b;
  b.Input("x", {"2", "3"}).Input("s", {"1"}, DataType::kInt64).Output("y");
  b.Add("Sigmoid", {"x"}, {"a"});
  b.Add("Reshape", {"a", "s"}, {"r"});
  b.Add("Transpose", {"r"}, {"t"});
  b.Add("Sigmoid", {"t"}, {"y"});
  const Topology topology(b.model.graph);
  EXPECT_THAT(WithSources(topology, "t"), ElementsAre("t", "r", "a"));
  EXPECT_THAT(WithSources(topology, "a"), ElementsAre("a")) << "a Sigmoid computes";
  EXPECT_THAT(WithSources(topology, "y"), ElementsAre("y"));
  EXPECT_THAT(WithSources(topology, "x"), ElementsAre("x"));
  EXPECT_THAT(WithSources(topology, "not there"), ElementsAre("not there"));
}

}  // namespace
}  // namespace qconvert
