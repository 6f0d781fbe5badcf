// Layers as the Vitis AI quantizer names them: by TorchScript.
#ifndef QCONVERT_CONFIG_VITIS_TORCH_LAYER_H_
#define QCONVERT_CONFIG_VITIS_TORCH_LAYER_H_

#include <optional>
#include <string>
#include <string_view>

namespace qconvert {

struct TorchLayer {
  std::string module;  // "layer1.0.conv1"; empty: the model itself
  std::string type;    // of the innermost module, "Conv2d"
};

// "ResNet::ResNet/Sequential[layer1]/BasicBlock[0]/Conv2d[conv1]/ret.3" -> its module and type.
// Nothing when `name` has another form.
std::optional<TorchLayer> ParseTorchLayer(std::string_view name);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_VITIS_TORCH_LAYER_H_
