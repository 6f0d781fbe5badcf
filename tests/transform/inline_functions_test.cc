#include "qconvert/transform/inline_functions.h"

#include <gtest/gtest.h>

#include "qconvert/pipeline/prepare_model.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// leaky(a; slope) = LeakyRelu{alpha = slope}(a), twice(a) = leaky(leaky(a)) + w.
Model Calling() {
  Function leaky;
  leaky.name = "leaky";
  leaky.domain = "own";
  leaky.inputs = {"a"};
  leaky.outputs = {"b"};
  leaky.attribute_names = {"slope"};
  leaky.opsets = {{"", 13}};
  leaky.nodes = {MakeNode("LeakyRelu", {"a"}, {"b"})};
  Attribute reference;
  reference.reference = "slope";
  // AttributeProto{name: "alpha", type: FLOAT, ref_attr_name: "slope"}, as it is read from a file
  reference.data = OpaqueAttribute{std::string("\x0a\x05") + "alpha" + "\xa0\x01\x01" +
                                   "\xaa\x01\x05" + "slope"};
  leaky.nodes[0].attributes.emplace("alpha", reference);
  Function twice;
  twice.name = "twice";
  twice.domain = "own";
  twice.inputs = {"a"};
  twice.outputs = {"c"};
  twice.opsets = {{"", 13}, {"own", 1}};
  twice.nodes = {MakeNode("leaky", {"a"}, {"m"}), MakeNode("leaky", {"m"}, {"n"}),
                 MakeNode("Constant", {}, {"w"}), MakeNode("MatMul", {"n", "w"}, {"c"})};
  for (const size_t i : {0, 1}) {
    twice.nodes[i].domain = "own";
    twice.nodes[i].Set("slope", 0.5F);
  }
  twice.nodes[2].Set("value", RandomTensor("", {4, 4}, 3));
  GraphBuilder b;
  b.model.opsets["own"] = 1;
  b.model.functions = {leaky, twice};
  b.Input("x", {"1", "4"}).Output("y");
  for (const auto& [from, to] : {std::pair{"x", "h"}, {"h", "y"}}) {
    Node& call = b.Add("twice", {from}, {to});
    call.domain = "own";
    call.name = to;
  }
  return b.model;
}

TEST(InlineFunctionsTest, BodiesTakeThePlaceOfCalls) {
  const Model before = Calling();
  Model model = before;
  EXPECT_EQ(InlineFunctions(model), 6U);
  EXPECT_TRUE(model.functions.empty());
  EXPECT_EQ(model.graph.nodes.size(), 8U);
  for (size_t n = 0; n < 8; ++n)
    EXPECT_EQ(model.graph.nodes[n].origin_name(), n < 4 ? "h" : "y") << n;
  const std::vector<Tensor> inputs = {
      MakeFloatTensor("x", {1, 4}, std::vector<float>{-1, 2, -3, 4})};
  EXPECT_EQ(ToFloats(RunModel(model, inputs)[0]), ToFloats(RunModel(before, inputs)[0]));
}

TEST(InlineFunctionsTest, WeightsInFunctionsAreInitializersInTheEnd) {
  Model model = Calling();
  PrepareModel(model, "m");
  size_t products = 0;
  for (const Node& node : model.graph.nodes) {
    if (!node.Is("MatMul")) continue;
    ++products;
    EXPECT_NE(model.graph.FindInitializer(node.inputs[1]), nullptr);
  }
  EXPECT_EQ(products, 2U);
}

TEST(InlineFunctionsTest, AnotherOpsetIsLeftAlone) {
  Model model = Calling();
  for (Function& function : model.functions) function.opsets[""] = 11;
  EXPECT_EQ(InlineFunctions(model), 0U);
  EXPECT_EQ(model.functions.size(), 2U);
}

}  // namespace
}  // namespace qconvert
