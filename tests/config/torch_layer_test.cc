// Layer names of TorchScript in Vitis files.
#include "vitis/torch_layer.h"

#include <gtest/gtest.h>

#include "support/read_config.h"

namespace qconvert {
namespace {

TEST(TorchLayerTest, ReadsTheNamesOfTorchScript) {
  const auto layer =
      ParseTorchLayer("ResNet::ResNet/Sequential[layer1]/BasicBlock[0]/Conv2d[conv1]/ret.3");
  ASSERT_TRUE(layer.has_value());
  EXPECT_EQ(layer->module, "layer1.0.conv1");
  EXPECT_EQ(layer->type, "Conv2d");
  EXPECT_EQ(ParseTorchLayer("ResNet::ResNet/Conv2d[conv1]/ret.3")->module, "conv1");
  EXPECT_EQ(ParseTorchLayer("Net::Net/ret.3")->module, "") << "of the model itself";
}

TEST(TorchLayerTest, OtherNamesAreNone) {
  for (const char* name : {"", "/", "conv1", "/layer1/conv1/Conv", "a::b", "/N::N/Conv2d[c]/ret",
                           "re:N::N.*", "N::N/conv1/ret.3", "N::N/Conv2d[]/ret.3",
                           "N::N/[conv1]/ret.3", "N::N/Conv2d[conv1/ret.3", "N::N//ret.3"}) {
    EXPECT_FALSE(ParseTorchLayer(name).has_value()) << name;
  }
}

TEST(TorchLayerTest, AnEntryKeepsTheNameAndKnowsTheOperators) {
  const LoadedConfig loaded = LoadText(
      "target_device: CPU\nlayer_quantize_config:\n"
      "  - {layer_name: 'N::N/Block[a]/Conv2d[c]/ret.3', layer_type: null, "
      "overall_quantize_config: {datatype: float32}}\n"
      "  - {layer_name: 'N::N/Block[a]/ret.4', overall_quantize_config: {datatype: float32}}\n"
      "include_cle: false\ninclude_bias_corr: false\nround_mode: half_even\n");
  ASSERT_EQ(loaded.config.layers.size(), 2U);
  const LayerMatch& conv = loaded.config.layers[0].match;
  EXPECT_EQ(conv.kind, LayerMatch::Kind::kModule);
  EXPECT_EQ(conv.module, "a.c");
  EXPECT_EQ(conv.pattern, "N::N/Block[a]/Conv2d[c]/ret.3");
  EXPECT_EQ(conv.types, (std::vector<OpMatch>{{"Conv", 4}}));
  EXPECT_TRUE(loaded.config.layers[1].match.types.empty()) << "nobody knows what a Block computes";
}

}  // namespace
}  // namespace qconvert
