#include "parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node_edit.h"
#include "vitis_tables.h"
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

// One rule of the vendor's: `broken` for settings that its tool refuses.
class RestrictionChecker {
 public:
  RestrictionChecker(const Parameters& parameters, TensorType type,
                     const RestrictionOptions& options, const std::string& what,
                     ConfigProblems& problems)
      : object_(parameters.object),
        settings_(ToSettings(parameters.object)),
        type_(type),
        options_(options),
        what_(what),
        problems_(problems) {}

  void Check() {
    if (options_.compat == Compat::kVitis && HasStatistic() && IsOurStatistic()) {
      return Refuse("calib_statistic_method", "compat vitis expects modal, max, mean or median");
    }
    switch (options_.target_device) {
      case TargetDevice::kCpu:
      case TargetDevice::kGpu:
        return settings_.per_channel ? CheckPerChannel() : CheckPerTensor();
      case TargetDevice::kDpu:
        return CheckDpu();
      case TargetDevice::kBpu:
        return CheckBpu();
    }
  }

 private:
  // Reports the setting of `key`; `can_extend`: it works here, `extensions: true` allows it.
  void Refuse(std::string_view key, const std::string& rule, bool can_extend = false) {
    can_extend &= options_.compat == Compat::kNone;
    if (can_extend && options_.extensions) return;
    const ConfigNode* value = object_.Find(key);
    const ConfigPlace place = value == nullptr ? object_.place : value->place;
    problems_.Add(place, fmt::format("{}{}: {} is {}{}, {} if datatype is int{}", what_,
                                     WordFor(type_), key, value == nullptr ? "" : value->Shown(),
                                     place.is_default() ? " (the default)" : "", rule,
                                     can_extend ? "; extensions: true allows it" : ""));
  }

  bool MethodIn(std::initializer_list<CalibrationMethod> methods) const {
    return std::find(methods.begin(), methods.end(), settings_.method) != methods.end();
  }
  bool HasStatistic() const {
    return type_ == TensorType::kInput || type_ == TensorType::kActivation;
  }
  bool IsOurStatistic() const { return settings_.statistic == BatchStatistic::kAll; }
  // Methods that the vendor's tool does not know at all are no matter of its restrictions.
  bool IsOurMethod() const {
    return MethodIn({CalibrationMethod::kAuto, CalibrationMethod::kMovingAverageAbsMax,
                     CalibrationMethod::kRangeAbsMax});
  }

  void CheckPerChannel() {
    using M = CalibrationMethod;
    if (type_ != TensorType::kWeights) Refuse("per_channel", "only weights can be per channel");
    if (settings_.scale_type == ScaleType::kFloat) {
      if (settings_.method != M::kMaxMin && !IsOurMethod())
        Refuse("method", "expected maxmin per channel with float scales", true);
      return;
    }
    CheckPowerOfTwo();
  }

  void CheckPerTensor() {
    using M = CalibrationMethod;
    if (settings_.scale_type == ScaleType::kPowerOfTwo) {
      CheckPowerOfTwo();
      if (HasStatistic() && settings_.statistic != BatchStatistic::kModal)
        Refuse("calib_statistic_method", "expected modal with poweroftwo scales", IsOurStatistic());
      return;
    }
    if (settings_.method == M::kAuto && HasStatistic() && !IsOurStatistic())
      Refuse("calib_statistic_method", "method auto expects all");
    if (settings_.method == M::kDiffs)
      Refuse("method", "expected maxmin, percentile, mse or entropy with float scales", true);
    if (HasStatistic() && settings_.statistic == BatchStatistic::kModal)
      Refuse("calib_statistic_method", "expected max, mean, median or all with float scales");
    if (!settings_.symmetry && MethodIn({M::kPercentile, M::kEntropy, M::kMse}))
      Refuse("symmetry", fmt::format("method {} expects true", WordFor(settings_.method)), true);
  }

  void CheckPowerOfTwo() {
    using M = CalibrationMethod;
    if (!MethodIn({M::kDiffs, M::kMaxMin}))
      Refuse("method", "expected diffs or maxmin with poweroftwo scales");
    if (!settings_.symmetry) Refuse("symmetry", "expected true with poweroftwo scales");
    if (!settings_.is_signed) Refuse("signed", "expected true with poweroftwo scales");
  }

  void CheckDpu() {
    using M = CalibrationMethod;
    if (!settings_.symmetry) Refuse("symmetry", "target DPU expects true");
    if (!MethodIn({M::kDiffs, M::kMaxMin})) Refuse("method", "target DPU expects diffs or maxmin");
    if (settings_.per_channel) Refuse("per_channel", "target DPU expects false");
    if (settings_.scale_type != ScaleType::kPowerOfTwo)
      Refuse("scale_type", "target DPU expects poweroftwo");
    if (settings_.narrow_range) Refuse("narrow_range", "target DPU expects false");
    if (HasStatistic() && settings_.statistic != BatchStatistic::kModal)
      Refuse("calib_statistic_method", "target DPU expects modal");
    const RoundMode mode =
        type_ == TensorType::kActivation ? RoundMode::kHalfUp : RoundMode::kStdRound;
    if (settings_.round_mode != mode)
      Refuse("round_mode", fmt::format("target DPU expects {}", WordFor(mode)));
  }

  void CheckBpu() {
    if (!settings_.symmetry && type_ == TensorType::kWeights)
      Refuse("symmetry", "target BPU expects true");
    if (settings_.scale_type != ScaleType::kFloat) Refuse("scale_type", "target BPU expects float");
    if (settings_.round_mode != RoundMode::kHalfEven)
      Refuse("round_mode", "target BPU expects half_even");
    if (settings_.per_channel && type_ == TensorType::kBias)
      Refuse("per_channel", "target BPU expects false");
  }

  const ConfigNode& object_;
  const TensorSettings settings_;
  TensorType type_;
  const RestrictionOptions& options_;
  const std::string& what_;
  ConfigProblems& problems_;
};

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
  if (!percentage.place.is_default()) {
    notes.warnings.push_back(
        fmt::format("{}: percentage is 99.99 again, not {} of {}: a parameter object without "
                    "percentage resets it",
                    from.place.Text(), percentage.scalar, percentage.place.Text()));
  }
  percentage = DefaultValue("99.99");
}

TensorSettings ToSettings(const ConfigNode& object) {
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
  if (const ConfigNode* percentage = FindValue(object, "percentage"))
    out.percentage = AsNumber(*percentage);
  if (const ConfigNode* rate = FindValue(object, "moving_rate")) out.moving_rate = AsNumber(*rate);
  if (const ConfigNode* window = FindValue(object, "window_size"))
    out.window_size = static_cast<int>(AsInteger(*window));
  return out;
}

void DropIdleKeys(ConfigNode& object) {
  const auto method = WordAt(object, "method", CalibrationMethod::kMaxMin);
  const bool is_int = WordAt(object, "datatype", Datatype::kInt) == Datatype::kInt;
  std::erase_if(object.entries, [&](const auto& entry) {
    const std::string& key = entry.key.scalar;
    if (key == "datatype") return false;
    return !is_int || (key == "percentage" && method != CalibrationMethod::kPercentile) ||
           (key == "moving_rate" && method != CalibrationMethod::kMovingAverageAbsMax) ||
           (key == "window_size" && method != CalibrationMethod::kRangeAbsMax);
  });
}

void CheckRestrictions(const ParameterSet& set, const RestrictionOptions& options,
                       const std::string& what, ConfigProblems& problems) {
  for (const TensorType type : kTensorTypes) {
    const Parameters& parameters = set[static_cast<size_t>(type)];
    if (parameters.damaged || parameters.object.kind != ConfigNode::Kind::kMap) continue;
    if (!ToSettings(parameters.object).is_int()) continue;
    RestrictionChecker(parameters, type, options, what, problems).Check();
  }
  if (options.target_device == TargetDevice::kDpu) CheckDpuWidths(set, what, problems);
}

}  // namespace qconvert
