#include "vitis/calibration_keys.h"

#include <fmt/format.h>

#include <string>
#include <type_traits>

#include "read_transforms.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

void ReadData(ConfigNode& data, ReadContext& context, CalibrationSettings& settings) {
  const auto folder = [&](ConfigNode& node) -> std::filesystem::path {
    if (node.kind != Kind::kScalar || node.scalar.empty()) {
      context.problems.Add(node.place,
                           fmt::format("data is '{}', expected a folder", node.Shown()));
      return {};
    }
    const std::filesystem::path path = ResolvePath(context.FolderOf(node.place), node.scalar);
    node.scalar = path.string();
    return path;
  };
  if (data.kind != Kind::kMap) {
    settings.data = folder(data);
    return;
  }
  // Null says nothing of an input; as a folder it would be refused.
  std::erase_if(data.entries, [](const auto& entry) { return entry.value.kind == Kind::kNull; });
  for (auto& [input, node] : data.entries) settings.input[input.scalar] = folder(node);
}

}  // namespace

CalibrationSettings ReadCalibrationKeys(const ConfigNode& written, ReadContext& context,
                                        ConfigNode& printed) {
  CalibrationSettings settings;
  const auto number = [&](const char* key, auto& member) {
    if (const ConfigNode* value = FindValue(written, key))
      member = static_cast<std::remove_reference_t<decltype(member)>>(AsInteger(*value));
  };
  number("batch_size", settings.batch_size);
  number("max_samples", settings.max_samples);
  number("workers", settings.workers);
  number("memory_limit", settings.memory_limit);
  if (const ConfigNode* stacked = FindValue(written, "stacked"))
    settings.stacked = AsBool(*stacked);
  if (const ConfigNode* format = FindValue(written, "format")) settings.format = format->scalar;
  if (const ConfigNode* list = FindValue(written, "calib_transforms"))
    settings.transforms = ReadTransforms(*list, context.problems);
  if (written.Find("data") != nullptr) ReadData(ChildOf(printed, "data"), context, settings);
  return settings;
}

}  // namespace qconvert
