#include "vitis/value_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

// [least, greatest]; 0 is put in, since every grid has a code for it.
std::optional<Range> ReadRange(const ConfigNode& node, const std::string& what,
                               ReadContext& context) {
  std::vector<double> ends;
  for (const ConfigNode& item : node.items)
    if (const auto number = FindNumber(item.scalar)) ends.push_back(*number);
  const bool is_pair = node.kind == Kind::kSequence && node.items.size() == 2 && ends.size() == 2;
  // Rounded to floats first: ends that differ as doubles only make no grid.
  const Range range = is_pair ? Range{static_cast<float>(std::min(ends[0], 0.0)),
                                      static_cast<float>(std::max(ends[1], 0.0))}
                              : Range{};
  const bool is_finite = std::isfinite(range.min) && std::isfinite(range.max);
  if (is_pair && ends[0] <= ends[1] && range.min < range.max && is_finite) return range;
  context.problems.Add(
      node.place, fmt::format("{}range is '{}', expected [LEAST, GREATEST]", what,
                              is_pair ? fmt::format("{}, {}", ends[0], ends[1]) : node.Shown()));
  return std::nullopt;
}

// A range that is given is not calibrated: what would calibrate it goes from `entry`.
void DropCalibration(ConfigNode& entry, ReadContext* context) {
  std::erase_if(entry.entries, [&](const auto& one) {
    const std::string& key = one.key.scalar;
    const bool calibrates =
        key == "method" || key == "percentage" || key == "calib_statistic_method";
    if (calibrates && context != nullptr)
      context->Warn(one.value.place, fmt::format("{} has no effect with range", key));
    return calibrates;
  });
}

}  // namespace

std::vector<ValueSettings> ReadValueEntries(const ConfigNode& list, const Parameters& root,
                                            const RestrictionOptions& options, IdleParameters& idle,
                                            ReadContext& context, ConfigNode& printed) {
  std::vector<ValueSettings> out;
  printed = list;
  printed.items.clear();
  std::map<std::string, std::string> positions;  // of the last entry of a value
  for (size_t i = 0; i < list.items.size(); ++i) {
    ConfigNode entry = list.items[i];
    // Told already, or written as null.
    if (entry.kind != Kind::kMap) continue;
    // A translated file has no such list.
    const std::string what =
        context.translated ? "" : fmt::format("value_quantize_config[{}]: ", i);
    std::optional<Range> range;
    if (const ConfigNode* ends = FindValue(entry, "range")) range = ReadRange(*ends, what, context);
    // Before anything points into the entry.
    if (range) DropCalibration(entry, context.translated ? nullptr : &context);
    const ConfigNode* name = FindValue(entry, "value");
    if (name == nullptr) {
      if (entry.Find("value") == nullptr)
        context.problems.Add(entry.place, what + "expected the name of a value");
      continue;
    }
    ValueSettings one{.value = name->scalar, .place = name->place.Text()};
    // Only this type is looked at: the others have no object.
    ParameterSet checked;
    Parameters& parameters = checked[static_cast<size_t>(TensorType::kActivation)];
    parameters = root;
    one.range = range;
    MergeParameters(entry, parameters, context.notes);
    CheckRestrictions(checked, options, what, context.problems);
    const auto [earlier, is_new] = positions.try_emplace(one.value, one.place);
    if (!is_new) {
      context.Warn(name->place, fmt::format("'{}' has an entry already, at {}; this one holds",
                                            one.value, std::exchange(earlier->second, one.place)));
    }
    if (!parameters.damaged && !context.translated) idle.Note(parameters.object);
    ConfigNode object = parameters.object;
    DropIdleKeys(object);
    one.settings = ToSettings(object);
    one.settings.compat = options.compat;
    if (!one.settings.is_int()) {
      context.problems.Add(entry.place, what +
                                            "datatype is a float, expected int: nodes are kept "
                                            "float by entries of layer_quantize_config");
    }
    ChildOf(object, "value") = *name;
    if (one.range) {
      // Read again it says the same, without a warning.
      DropCalibration(object, nullptr);
      ChildOf(object, "range") = *FindValue(entry, "range");
    }
    printed.items.push_back(std::move(object));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace qconvert
