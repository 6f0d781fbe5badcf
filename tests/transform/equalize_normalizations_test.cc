// Normalizations give channels that are far larger than the others to the weights that read them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/equalized.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

// A normalization of some factors far above the rest, and two products that read it.
GraphBuilder Normalized(const std::string& op, bool has_bias) {
  GraphBuilder b;
  b.Input("x", {"2", "5", "8"}).Output("y").Output("z");
  b.Floats("g", {8}, {1, 0.5F, 40, 1, 0.25F, 2, 1, 0.01F}).Random("w", {8, 6}).Random("v", {8, 4});
  b.Floats("b", {8}, {0, 0, -60, 0, 0, 9, 0, 0});
  Node& norm = b.Add(op, {"x", "g"}, {"n"});
  if (has_bias) norm.inputs.push_back("b");
  b.Add("MatMul", {"n", "w"}, {"y"});
  b.Add("MatMul", {"n", "v"}, {"z"});
  return b;
}

TEST(EqualizeNormalizationsTest, ANormalizationGivesItsLargeChannelsToTheWeights) {
  GraphBuilder b = Normalized("LayerNormalization", true);
  ExpectPairs(b, 1, {2, 5, 8});
  const std::vector<float> g = Values(b, "g");
  const std::vector<float> w = Values(b, "w");
  const std::vector<float> v = Values(b, "v");
  for (size_t c = 0; c < 8; ++c) {
    float read = 0;
    for (size_t o = 0; o < 6; ++o) read = std::max(read, std::abs(w[c * 6 + o]));
    for (size_t o = 0; o < 4; ++o) read = std::max(read, std::abs(v[c * 4 + o]));
    const float reach = std::max(3 * std::abs(g[c]), std::abs(Values(b, "b")[c]));
    EXPECT_NEAR(reach / read, 1, 0.01) << c;
  }
  GraphBuilder without = Normalized("LayerNormalization", false);
  ExpectPairs(without, 1, {2, 5, 8});
  GraphBuilder last = Normalized("LayerNormalization", true);
  last.model.graph.nodes[0].Set("axis", int64_t{2});
  ExpectPairs(last, 1, {2, 5, 8});
}

TEST(EqualizeNormalizationsTest, ANormalizationOfImagesToo) {
  GraphBuilder b;
  b.Input("x", {"1", "4", "5", "5"}).Output("y").Random("b", {4}).Random("w", {3, 4, 3, 3});
  b.Floats("g", {4}, {1, 30, 0.5F, 2});
  b.Add("InstanceNormalization", {"x", "g", "b"}, {"n"});
  b.Add("Relu", {"n"}, {"r"});
  b.Add("Conv", {"r", "w"}, {"y"});
  ExpectPairs(b, 1, {1, 4, 5, 5});
  EXPECT_LT(Values(b, "g")[1] / Values(b, "g")[0], 10);
}

TEST(EqualizeNormalizationsTest, NormalizationsThatAreLeftAlone) {
  // Over two axes the factors are no channels; what is read before a normalization is not scaled.
  GraphBuilder two = Normalized("LayerNormalization", false);
  two.model.graph.nodes[0].Set("axis", int64_t{1});
  two.model.graph.initializers.at("g") = RandomTensor("g", {5, 8}, 1);
  ExpectPairs(two, 0, {2, 5, 8});
  GraphBuilder before;
  before.Input("x", {"2", "8"}).Output("y").Random("w", {8, 8}).Random("g", {8});
  before.Add("MatMul", {"x", "w"}, {"m"});
  before.Add("LayerNormalization", {"m", "g"}, {"y"});
  ExpectPairs(before, 0, {2, 8});
  GraphBuilder added = Normalized("LayerNormalization", true);
  added.Output("s");
  added.Add("Add", {"n", "x"}, {"s"});
  ExpectPairs(added, 0, {2, 5, 8});
}

}  // namespace
}  // namespace qconvert
