#include "check_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/base/check.h"
#include "target_limits.h"
#include "words.h"

namespace qconvert {
namespace {

constexpr int kExactBiasBits = 32;
constexpr int kOldestOpset = 13;

// The value of a setting that limits speak of, as written.
std::string ValueOf(const TensorSettings& settings, std::string_view key) {
  if (key == "bit_width") return std::to_string(settings.bit_width);
  if (key == "block_size") return std::to_string(settings.block_size);
  if (key == "method") return WordFor(settings.method);
  if (key == "symmetry") return settings.symmetry ? "true" : "false";
  if (key == "scale_type") return WordFor(settings.scale_type);
  if (key == "signed") return settings.is_signed ? "true" : "false";
  QCONVERT_CHECK(key == "per_channel");
  return settings.per_channel ? "true" : "false";
}

class Checker {
 public:
  Checker(const ReadResult& result, ReadContext& context)
      : config_(result.config),
        effective_(result.effective),
        context_(context),
        extensions_(effective_.Find("extensions")),
        device_(effective_.Find("target_device")) {}

  void Check() {
    const int opset = config_.onnx_opset_version;
    if (opset >= 0 && opset < kOldestOpset) {
      context_.problems.Add(
          PlaceOf(effective_, "onnx_opset_version"),
          fmt::format("onnx_opset_version is {}, expected -1, or {} and newer: Q and DQ per axis "
                      "came with that",
                      opset, kOldestOpset));
    }
    const ConfigNode* tensors = effective_.Find("tensor_quantize_config");
    CheckTensors(config_.tensors, tensors, "");
    const ConfigNode* layers = effective_.Find("layer_quantize_config");
    for (size_t i = 0; i < config_.layers.size(); ++i) {
      // The Vitis reader puts an entry here for each that it puts into the settings: indices
      // agree.
      const ConfigNode* entry = layers == nullptr ? nullptr : &layers->items[i];
      CheckTensors(config_.layers[i].tensors,
                   entry == nullptr ? nullptr : entry->Find("tensor_quantize_config"),
                   fmt::format(" ({})", config_.layers[i].match.pattern));
    }
    CheckForms();
    if (!rounded_.empty() && NeedsSamples(config_)) {
      context_.notes.warnings.push_back(fmt::format(
          "round_mode of {}: halves are rounded half_even, QuantizeLinear knows no other; "
          "exact_rounding: true writes the operators that do",
          fmt::join(rounded_, ", ")));
    }
  }

 private:
  ConfigPlace PlaceOf(const ConfigNode& map, std::string_view key) const {
    const ConfigNode* value = map.Find(key);
    return value == nullptr ? map.place : value->place;
  }

  // Forms of the whole file that the device has no use for.
  void CheckForms() {
    const std::string device = WordFor(config_.target_device);
    const bool is_cpu = config_.target_device == TargetDevice::kCpu;
    const auto add = [&](const char* key, const std::string& what) {
      context_.problems.Add(PlaceOf(effective_, key), what);
    };
    if (config_.scheme == Scheme::kDynamic && !is_cpu) {
      add("scheme",
          fmt::format("scheme is dynamic, target {} expects static or weight-only: it has no "
                      "kernels that find ranges at run time",
                      device));
    }
    if (config_.matmul_nbits && !is_cpu)
      add("matmul_nbits", fmt::format("matmul_nbits is true, target {} expects false", device));
  }

  void CheckTensors(const NodeSettings& settings, const ConfigNode* tensors,
                    const std::string& whose) {
    for (const TensorType type : kTensorTypes) {
      const ConfigNode* object = tensors == nullptr ? nullptr : tensors->Find(WordFor(type));
      CheckTensor(settings[type], type, object, whose);
    }
  }

  void CheckTensor(const TensorSettings& settings, TensorType type, const ConfigNode* object,
                   const std::string& whose) {
    // 32-bit codes of a bias are those of the integer kernels, whatever the method.
    if (!settings.is_int() || (type == TensorType::kBias && settings.bit_width == kExactBiasBits)) {
      return;
    }
    const TargetLimits& limits = LimitsOf(config_.target_device);
    for (const auto& limits_of : {limits.kernels, limits.formats}) {
      for (const TargetLimit& limit : limits_of) {
        if (limit.IsBroken(type, settings) && !IsTold(limits, limit.key, type, settings))
          CannotHold({type, object, whose}, limit, settings);
      }
    }
    const bool is_value = type == TensorType::kInput || type == TensorType::kActivation;
    if (is_value && !config_.exact_rounding && settings.round_mode != RoundMode::kHalfEven) {
      // Told once for all types and entries.
      rounded_.insert(WordFor(type));
    }
  }

  // By the vendor's tool, in words of its own; where nobody chose a device, it said nothing.
  bool IsTold(const TargetLimits& limits, std::string_view key, TensorType type,
              const TensorSettings& settings) const {
    if (device_ == nullptr || device_->place.is_default()) return false;
    const bool extensions = extensions_ != nullptr && AsBool(*extensions_);
    return std::any_of(limits.vendor.begin(), limits.vendor.end(), [&](const TargetLimit& one) {
      return one.key == key && one.IsBroken(type, settings) &&
             !one.IsAllowed(extensions, settings.compat);
    });
  }

  // Settings of one tensor type, in the root or in a layer entry.
  struct Owner {
    TensorType type;
    const ConfigNode* object;  // null: not in the effective settings
    const std::string& whose;
  };

  // What no file for this device can hold.
  void CannotHold(const Owner& owner, const TargetLimit& limit, const TensorSettings& settings) {
    const ConfigPlace place =
        owner.object == nullptr ? effective_.place : PlaceOf(*owner.object, limit.key);
    const std::string what = fmt::format("{}{}: {} is {}, {}", WordFor(owner.type), owner.whose,
                                         limit.key, ValueOf(settings, limit.key), limit.expected);
    // One place may speak for many entries, and a limit of the device and one of all files may say
    // the same.
    const std::string whose = place.is_default() ? owner.whose : "";
    if (told_.insert(fmt::format("{} {} {}{}", place.Text(), WordFor(owner.type), limit.key, whose))
            .second)
      context_.problems.Add(place, what);
  }

  const QuantConfig& config_;
  const ConfigNode& effective_;
  ReadContext& context_;
  const ConfigNode* extensions_;
  const ConfigNode* device_;
  std::set<std::string> told_;
  std::set<std::string> rounded_;  // values whose Q rounds another way
};

}  // namespace

void CheckTarget(const ReadResult& result, ReadContext& context) {
  Checker(result, context).Check();
}

}  // namespace qconvert
