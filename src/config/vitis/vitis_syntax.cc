// How files of the Vitis AI quantizer are written that its documents or its tool take.
#include <fmt/format.h>

#include <algorithm>
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

bool IsListed(const ConfigNode& root, const char* tensor) {
  const ConfigNode* list = FindValue(root, "quantizable_data_type");
  return list == nullptr ||
         std::any_of(list->items.begin(), list->items.end(),
                     [&](const ConfigNode& one) { return one.scalar == tensor; });
}

// float_type float16: everything is float16 but the types that TensorRT computes on int8. Entries
// of the file come behind those, so that they win.
void ExpandFloatType(ConfigNode& root, ReadContext& context) {
  const ConfigNode* written = FindValue(root, "float_type");
  if (written == nullptr) return;
  const ConfigNode type = *written;
  std::erase_if(root.entries, [](const auto& one) { return one.key.scalar == "float_type"; });
  if (type.scalar == "float32") return;
  const ConfigNode* device = FindValue(root, "target_device");
  if (type.scalar != "float16" || device == nullptr || device->scalar != "GPU") {
    context.problems.Add(type.place, fmt::format("float_type is {}, expected float32, or float16 "
                                                 "with target_device GPU",
                                                 type.Shown()));
    return;
  }
  ConfigNode& tensors = ChildOf(root, "tensor_quantize_config");
  for (const char* tensor : {"input", "weights", "bias", "activation"}) {
    // Types that are not listed are float32 already; parameters of theirs would be told as idle.
    if (!IsListed(root, tensor)) continue;
    ConfigNode& object = ChildOf(tensors, tensor);
    if (FindValue(object, "datatype") == nullptr) ChildOf(object, "datatype") = type;
  }
  ConfigNode layers = MapNode(type.place);
  const ConfigNode* listed = FindValue(root, "quantizable_data_type");
  for (const char* op_type : {"Conv", "Gemm", "MatMul", "Add"}) {
    AddLayerEntry(layers, "layer_type", WordNode(op_type, type.place), "int");
    if (listed != nullptr) ChildOf(layers.items.back(), "quantizable_data_type") = *listed;
  }
  ConfigNode& all = ChildOf(root, "layer_quantize_config");
  all.kind = Kind::kSequence;
  all.items.insert(all.items.begin(), layers.items.begin(), layers.items.end());
}

}  // namespace

void NormalizeVitis(ConfigNode& root, ReadContext& context) {
  if (root.kind != Kind::kMap) return;
  // First: what follows asks for DPU and GPU by name.
  NormalizeDevice(root, context);
  ExpandFloatType(root, context);
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
    // Find, not FindValue: a percentage that was refused is not put right here.
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
