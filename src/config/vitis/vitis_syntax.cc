// How files of the Vitis AI quantizer are written that its documents or its tool take.
#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "text/node_edit.h"
#include "vitis/vitis.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

// NPU and FLEXML are in the vendor's list or pass its parser; architectures are what its compiler
// is told.
bool IsDpuName(const std::string& name) {
  const bool is_architecture = name.starts_with("DPU") && name.size() > 3;
  return name == "NPU" || name == "FLEXML" || is_architecture;
}

void NormalizeDevice(ConfigNode& root, ReadContext& context) {
  const ConfigNode* device = FindValue(root, "target_device");
  if (device == nullptr || !IsDpuName(device->scalar)) return;
  context.Warn(device->place,
               fmt::format("target_device {}: the rules of DPU hold", device->Shown()));
  ChildOf(root, "target_device").scalar = "DPU";
}

// The vendor's documents ask for narrow_range true on a DPU, its tool refuses just that and rounds
// to the full grid.
void NormalizeNarrowRange(ConfigNode& object, ReadContext& context, bool& told) {
  const ConfigNode* narrow = FindValue(object, "narrow_range");
  if (narrow == nullptr || narrow->scalar != "true") return;
  if (!told) {
    context.Warn(narrow->place,
                 "narrow_range true, as the vendor's documents say: a DPU has the full "
                 "grid, false holds");
  }
  told = true;
  ChildOf(object, "narrow_range").scalar = "false";
}

void NormalizeObjects(ConfigNode& map, ReadContext& context, bool& told) {
  if (map.kind != Kind::kMap) return;
  NormalizeNarrowRange(map, context, told);
  for (auto& [key, value] : map.entries) {
    if (key.scalar == "overall_quantize_config" || key.scalar == "tensor_quantize_config")
      NormalizeObjects(value, context, told);
    if (value.kind == Kind::kMap) NormalizeNarrowRange(value, context, told);
  }
}

}  // namespace

void NormalizeVitis(ConfigNode& root, ReadContext& context) {
  if (root.kind != Kind::kMap) return;
  NormalizeDevice(root, context);
  const ConfigNode* device = FindValue(root, "target_device");
  const bool is_dpu = device != nullptr && device->scalar == "DPU";
  bool told = false;
  if (is_dpu) NormalizeObjects(root, context, told);
  const ConfigNode* layers = FindValue(root, "layer_quantize_config");
  if (layers == nullptr) return;
  for (ConfigNode& entry : ChildOf(root, "layer_quantize_config").items) {
    if (is_dpu) NormalizeObjects(entry, context, told);
    std::erase_if(entry.entries, [](const auto& one) {
      const bool is_name = one.key.scalar == "layer_type" || one.key.scalar == "layer_name";
      return is_name && one.value.kind == Kind::kScalar && one.value.scalar.empty();
    });
  }
}

void AddLayerEntry(ConfigNode& layers, const char* key, const ConfigNode& value,
                   const char* datatype) {
  ConfigNode entry = MapNode(value.place);
  ChildOf(entry, key) = value;
  ConfigNode& overall = ChildOf(entry, "overall_quantize_config");
  overall = MapNode(value.place);
  ChildOf(overall, "datatype") = WordNode(datatype, value.place);
  if (std::string_view(key) == "layer_name")
    ChildOf(entry, "optional") = WordNode("true", value.place);
  layers.items.push_back(std::move(entry));
}

void KeepPercentage(ConfigNode& root) {
  const ConfigNode* tensors = FindValue(root, "tensor_quantize_config");
  const ConfigNode* values = tensors == nullptr ? nullptr : FindValue(*tensors, "activation");
  const ConfigNode* written = values == nullptr ? nullptr : FindValue(*values, "percentage");
  if (written == nullptr) return;
  const ConfigNode percentage = *written;
  const auto keep = [&](ConfigNode& object) {
    if (object.Find("percentage") == nullptr) ChildOf(object, "percentage") = percentage;
  };
  for (auto& [list, entries] : root.entries) {
    const bool is_values = list.scalar == "value_quantize_config";
    if (!is_values && list.scalar != "layer_quantize_config") continue;
    for (ConfigNode& entry : entries.items) {
      if (is_values) keep(entry);
      for (auto& [key, object] : entry.entries) {
        if (key.scalar == "overall_quantize_config") keep(object);
        if (key.scalar != "tensor_quantize_config") continue;
        for (auto& [type, parameters] : object.entries) keep(parameters);
      }
    }
  }
}

}  // namespace qconvert
