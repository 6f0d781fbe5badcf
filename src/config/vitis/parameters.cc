#include "vitis/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "target_limits.h"
#include "text/node_edit.h"
#include "text/parse_config.h"
#include "vitis/vitis_tables.h"
#include "words.h"

namespace qconvert {
namespace {

template <typename E>
E WordAt(const ConfigNode& object, std::string_view key, E fallback) {
  const ConfigNode* value = FindValue(object, key);
  return value == nullptr ? fallback : FromWord<E>(value->scalar).value_or(fallback);
}

bool BoolAt(const ConfigNode& object, std::string_view key) {
  const ConfigNode* value = FindValue(object, key);
  return value != nullptr && AsBool(*value);
}

// A parameter that means nothing with another one.
struct IdleParameter {
  std::string_view key;  // empty: all but datatype
  std::string_view beside;
  bool (*is_idle)(const TensorSettings& settings);
  std::string_view asks = {};  // the value that is told; empty: any
  bool stays = false;          // in what is printed: its default would be refused there
};

bool GoesByOrder(const TensorSettings& settings) {
  return settings.method == CalibrationMethod::kMovingAverageAbsMax ||
         settings.method == CalibrationMethod::kRangeAbsMax;
}

using S = const TensorSettings&;
constexpr IdleParameter kIdleParameters[] = {
    {"", "datatype", [](S s) { return !s.is_int(); }},
    {"percentage", "method", [](S s) { return s.method != CalibrationMethod::kPercentile; }},
    {"moving_rate", "method",
     [](S s) { return s.method != CalibrationMethod::kMovingAverageAbsMax; }},
    {"window_size", "method", [](S s) { return s.method != CalibrationMethod::kRangeAbsMax; }},
    {.key = "calib_statistic_method",
     .beside = "method",
     .is_idle = [](S s) { return GoesByOrder(s) && s.statistic != BatchStatistic::kAll; },
     .stays = true},
    {"signed", "symmetry", [](S s) { return !s.symmetry; }, "true"},
    {"narrow_range", "symmetry", [](S s) { return !s.symmetry; }, "true"},
    {"narrow_range", "signed", [](S s) { return !s.is_signed; }, "true"},
};

const IdleParameter* FindIdle(std::string_view key, const TensorSettings& settings) {
  for (const IdleParameter& one : kIdleParameters) {
    const bool is_of_key = one.key == key || (one.key.empty() && key != "datatype");
    if (is_of_key && one.is_idle(settings)) return &one;
  }
  return nullptr;
}

// Whether somebody who writes `value` wants something that does not come.
bool Asks(const IdleParameter& idle, const ConfigNode& value) {
  return idle.asks.empty() || value.scalar == idle.asks;
}

// What a row of limits refuses of one tensor type.
struct Refusal {
  TensorType type;
  std::string_view key;
  std::string_view expected;
  bool extension = false;
};

void Tell(const Refusal& refusal, const ConfigNode& object, const std::string& what,
          ConfigProblems& problems) {
  const ConfigNode* value = object.Find(refusal.key);
  ConfigPlace place = value == nullptr ? object.place : value->place;
  const bool is_default = place.is_default();
  // A default was written nowhere; what it does not go with was: limits differ by kind of scale.
  if (const ConfigNode* scales = object.Find("scale_type"); is_default && scales != nullptr)
    place = scales->place;
  problems.Add(place,
               fmt::format("{}{}: {} is {}{}, {} if datatype is int{}", what, WordFor(refusal.type),
                           refusal.key, value == nullptr ? "" : value->Shown(),
                           is_default ? " (the default)" : "", refusal.expected,
                           refusal.extension ? "; extensions: true allows it" : ""));
}

void CheckType(const Parameters& parameters, TensorType type, const RestrictionOptions& options,
               const std::string& what, ConfigProblems& problems) {
  const TensorSettings settings = ToSettings(parameters.object);
  const bool has_statistic = type == TensorType::kInput || type == TensorType::kActivation;
  if (options.compat == Compat::kVitis && has_statistic &&
      settings.statistic == BatchStatistic::kAll) {
    return Tell({type, "calib_statistic_method", "compat vitis expects modal, max, mean or median"},
                parameters.object, what, problems);
  }
  for (const TargetLimit& limit : LimitsOf(*options.target_device).vendor) {
    if (!limit.IsBroken(type, settings) || limit.IsAllowed(options.extensions, options.compat))
      continue;
    const bool extension = limit.IsAllowed(true, options.compat);
    Tell({type, limit.key, limit.expected, extension}, parameters.object, what, problems);
  }
}

// On a DPU biases are as wide as activations.
void CheckDpuWidths(const ParameterSet& set, const std::string& what, ConfigProblems& problems) {
  const Parameters& bias = set[static_cast<size_t>(TensorType::kBias)];
  const Parameters& activation = set[static_cast<size_t>(TensorType::kActivation)];
  if (bias.damaged || activation.damaged) return;
  const TensorSettings settings = ToSettings(bias.object);
  const int expected = ToSettings(activation.object).bit_width;
  if (!settings.is_int() || settings.bit_width == expected) return;
  const ConfigNode* bits = bias.object.Find("bit_width");
  problems.Add(bits == nullptr ? bias.object.place : bits->place,
               fmt::format("{}bias: bit_width is {}, target DPU expects that of activation, {}",
                           what, settings.bit_width, expected));
}

}  // namespace

void MergeParameters(const ConfigNode& from, Parameters& into, ConfigNotes& notes) {
  for (const auto& [key, value] : from.entries) {
    // Entries hold other keys too: value, range, layer_name.
    if (ParameterTable().Find(key.scalar) == nullptr) continue;
    if (value.kind == ConfigNode::Kind::kNull) {
      into.damaged = true;
    } else {
      ChildOf(into.object, key.scalar) = value;
    }
  }
  if (WordAt(into.object, "method", CalibrationMethod::kMaxMin) != CalibrationMethod::kPercentile ||
      FindValue(from, "percentage") != nullptr) {
    return;
  }
  ConfigNode& percentage = ChildOf(into.object, "percentage");
  // A default that is reset to itself is no news.
  if (!percentage.place.is_default()) {
    notes.warnings.push_back(
        fmt::format("{}: percentage is 99.99 again, not {} of {}: a parameter object without "
                    "percentage resets it",
                    from.place.Text(), percentage.scalar, percentage.place.Text()));
  }
  percentage = DefaultValue("99.99");
}

TensorSettings ToSettings(const ConfigNode& object) {
  // What DropIdleKeys took away keeps its default, which then means nothing.
  TensorSettings out;
  out.datatype = WordAt(object, "datatype", out.datatype);
  out.method = WordAt(object, "method", out.method);
  out.round_mode = WordAt(object, "round_mode", out.round_mode);
  out.scale_type = WordAt(object, "scale_type", out.scale_type);
  out.statistic = WordAt(object, "calib_statistic_method", out.statistic);
  out.symmetry = BoolAt(object, "symmetry");
  out.is_signed = BoolAt(object, "signed");
  out.narrow_range = BoolAt(object, "narrow_range");
  out.per_channel = BoolAt(object, "per_channel");
  if (const ConfigNode* bits = FindValue(object, "bit_width"))
    out.bit_width = static_cast<int>(AsInteger(*bits));
  if (const ConfigNode* block = FindValue(object, "block_size"))
    out.block_size = static_cast<int>(AsInteger(*block));
  if (const ConfigNode* percentage = FindValue(object, "percentage"))
    out.percentage = AsNumber(*percentage);
  if (const ConfigNode* rate = FindValue(object, "moving_rate")) out.moving_rate = AsNumber(*rate);
  if (const ConfigNode* window = FindValue(object, "window_size"))
    out.window_size = static_cast<int>(AsInteger(*window));
  return out;
}

void DropIdleKeys(ConfigNode& object) {
  const TensorSettings settings = ToSettings(object);
  std::erase_if(object.entries, [&](const auto& entry) {
    const IdleParameter* idle = FindIdle(entry.key.scalar, settings);
    return idle != nullptr && !idle->stays;
  });
}

void IdleParameters::Note(const ConfigNode& object) {
  const TensorSettings settings = ToSettings(object);
  for (const auto& [key, value] : object.entries) {
    if (value.place.is_default()) continue;
    const IdleParameter* idle = FindIdle(key.scalar, settings);
    const bool acts = idle == nullptr || !Asks(*idle, value);
    const auto [seen, is_new] = seen_.try_emplace(
        {value.place.line, value.place.column, *value.place.source}, Seen{acts, value.place});
    seen->second.acts = seen->second.acts || acts;
    if (!is_new || acts) continue;
    const ConfigNode* beside = object.Find(idle->beside);
    seen->second.key = key.scalar;
    seen->second.beside =
        fmt::format("{} {} ({})", idle->beside, beside->scalar,
                    beside->place.is_default() ? "the default" : beside->place.Text());
  }
}

void IdleParameters::Tell(ConfigNotes& notes) const {
  struct Told {
    const Seen* first;
    std::vector<std::string> keys;
  };
  std::vector<Told> told;
  std::map<std::string, size_t> told_of;  // by what they have no effect with
  for (const auto& [position, seen] : seen_) {
    if (seen.acts) continue;
    const auto [at, is_new] =
        told_of.try_emplace(*seen.place.source + "\n" + seen.beside, told.size());
    if (is_new) told.push_back({&seen, {}});
    std::vector<std::string>& keys = told[at->second].keys;
    // An entry for every node may have it.
    if (std::find(keys.begin(), keys.end(), seen.key) == keys.end()) keys.push_back(seen.key);
  }
  for (const auto& [first, keys] : told)
    notes.warnings.push_back(fmt::format("{}: {} {} no effect with {}", first->place.Text(),
                                         fmt::join(keys, ", "), keys.size() == 1 ? "has" : "have",
                                         first->beside));
}

void CheckRestrictions(const ParameterSet& set, const RestrictionOptions& options,
                       const std::string& what, ConfigProblems& problems) {
  if (!options.target_device) return;
  for (const TensorType type : kTensorTypes) {
    const Parameters& parameters = set[static_cast<size_t>(type)];
    // Types that an entry does not speak of have no object.
    if (parameters.damaged || parameters.object.kind != ConfigNode::Kind::kMap) continue;
    if (!ToSettings(parameters.object).is_int()) continue;
    CheckType(parameters, type, options, what, problems);
  }
  if (options.target_device == TargetDevice::kDpu) CheckDpuWidths(set, what, problems);
}

}  // namespace qconvert
