// Which PyTorch module a node came from, as names tell.
#include "qconvert/ir/module_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/graph_builder.h"

namespace qconvert {
namespace {

using testing::ElementsAre;

std::map<std::string, std::vector<size_t>> ModulesOf(
    const std::vector<std::pair<std::string, std::string>>& nodes) {
  GraphBuilder builder;
  builder.Input("x", {"1"});
  for (const auto& [name, weight] : nodes) {
    builder.Floats(weight, {1}, {1});
    builder.Add("Mul", {"x", weight}, {"out_of_" + name}).name = name;
  }
  return FindModules(builder.model.graph);
}

TEST(ModulePathTest, ContainersAreNotSaidTwice) {
  const auto modules = ModulesOf({{"/layer1/layer1.0/conv1/Conv", "a"},
                                  {"/layer1/layer1.0/conv1/Conv_1", "b"},
                                  {"/model/model.2/cv2/cv2.0/cv2.0.1/conv/Conv", "c"},
                                  {"/layer1/layer10/Conv", "d"},
                                  {"/head/Gemm", "e"},
                                  {"Conv_12", "f"},
                                  {"/Add", "g"}});
  EXPECT_EQ(modules.size(), 4U);
  EXPECT_THAT(modules.at("layer1.0.conv1"), ElementsAre(0, 1));
  EXPECT_THAT(modules.at("model.2.cv2.0.1.conv"), ElementsAre(2));
  EXPECT_THAT(modules.at("layer1.layer10"), ElementsAre(3));
  EXPECT_THAT(modules.at("head"), ElementsAre(4));
}

TEST(ModulePathTest, WeightsTellWhereNodesHaveNumbersForNames) {
  const auto modules = ModulesOf({{"Conv_0", "layer1.0.conv1.weight"},
                                  {"/fc/Gemm", "fc.weight"},
                                  {"Conv_2", "onnx::Conv_503"}});
  EXPECT_EQ(modules.size(), 2U);
  EXPECT_THAT(modules.at("layer1.0.conv1"), ElementsAre(0));
  EXPECT_THAT(modules.at("fc"), ElementsAre(1)) << "once, though both names say so";
}

TEST(ModulePathTest, ConstantsBelongToNobody) {
  GraphBuilder builder;
  builder.Add("Constant", {}, {"c"}).name = "/act/Constant";
  EXPECT_TRUE(FindModules(builder.model.graph).empty());
}

TEST(ModulePathTest, WrappersAreWordsInFront) {
  for (const auto& [path, bare] :
       std::map<std::string, std::string>{{"module.conv1", "conv1"},
                                          {"_orig_mod.module.layer1.0.conv1", "layer1.0.conv1"},
                                          {"model.model.2.conv", "2.conv"},
                                          {"_fsdp_wrapped_module.head", "head"},
                                          {"conv1", "conv1"},
                                          {"backbone.model.conv1", "backbone.model.conv1"},
                                          {"modules.conv1", "modules.conv1"},
                                          {"module", "module"},
                                          {"module.model", "model"},
                                          {"module.", "module."},
                                          {"", ""}}) {
    EXPECT_EQ(WithoutWrappers(path), bare) << path;
  }
}

}  // namespace
}  // namespace qconvert
