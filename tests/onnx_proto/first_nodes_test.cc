#include "qconvert/onnx_proto/first_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "onnx-ml.pb.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

//   x -> Relu -> r -> Neg -> n ;  r, n -> Add -> y
std::string Diamond() {
  GraphBuilder b;
  b.Input("x", {"2"}).Output("y");
  b.Add("Relu", {"x"}, {"r"}).name = "first";
  b.Add("Neg", {"r"}, {"n"}).name.clear();
  b.Add("Add", {"r", "n"}, {"y"}).name = "last";
  return SerializeModel(b.model);
}

std::vector<std::string> Outputs(const std::string& bytes) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(bytes));
  std::vector<std::string> names;
  for (const auto& output : model.graph().output()) names.push_back(output.name());
  return names;
}

TEST(FirstNodesTest, GiveWhatNoneOfThemReads) {
  const std::string model = Diamond();
  EXPECT_EQ(CountNodes(model), 3U);
  EXPECT_THAT(Outputs(FirstNodes(model, 1)), ElementsAre("r"));
  EXPECT_THAT(Outputs(FirstNodes(model, 2)), ElementsAre("n"));
  EXPECT_EQ(CountNodes(FirstNodes(model, 2)), 2U);
  EXPECT_EQ(FirstNodes(model, 3), model);
}

TEST(FirstNodesTest, NodesAreDescribed) {
  EXPECT_EQ(DescribeNode(Diamond(), 0), "node first (Relu)");
  EXPECT_EQ(DescribeNode(Diamond(), 1), "node n (Neg)") << "without a name: what it writes";
}

TEST(FirstNodesTest, BytesThatAreNoModelHaveNone) { EXPECT_EQ(CountNodes("no model"), 0U); }

}  // namespace
}  // namespace qconvert
