#include "qconvert/config/vitis_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "qconvert/base/file.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/config_node.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

const std::vector<std::string> kTensorTypes = {"input", "weights", "bias", "activation"};
// Switches that must be off until they do something.
const std::vector<std::string> kSwitches = {"include_cle",
                                            "include_bias_corr",
                                            "convert_relu6_to_relu",
                                            "convert_silu_to_hswish",
                                            "keep_add_layer_accuracy",
                                            "keep_first_last_layer_accuracy",
                                            "change_concat_input_fix",
                                            "change_pool_input_fix"};
const std::vector<std::string> kLaterKeys = {"layer_quantize_config", "quantizable_data_type",
                                             "onnx_opset_version"};
const std::vector<std::string> kParameterKeys = {"datatype",
                                                 "bit_width",
                                                 "method",
                                                 "percentage",
                                                 "round_mode",
                                                 "symmetry",
                                                 "per_channel",
                                                 "signed",
                                                 "narrow_range",
                                                 "scale_type",
                                                 "calib_statistic_method"};

// One parameter object; absent keys inherit.
struct Parameters {
  std::optional<int> bit_width;
  std::optional<CalibrationMethod> method;
  std::optional<double> percentage;
  std::optional<bool> symmetry;
  std::optional<bool> per_channel;
  std::optional<bool> is_signed;
  std::optional<bool> narrow_range;
};

class Reader {
 public:
  explicit Reader(std::string file) : problems_(std::move(file)) {}

  QuantConfig Read(const ConfigNode& root) {
    const auto is_overall = [](const ConfigNode& key) {
      return key.scalar == "overall_quantize_config";
    };
    for (const auto& [key, value] :
         root.entries) {  // first: the others go on top of it, wherever it stands
      if (is_overall(key)) ReadOverall(value);
    }
    for (const auto& [key, value] : root.entries) {
      if (!is_overall(key)) ReadTop(key, value);
    }
    if (!has_target_) problems_.Add(root.place, "has no target_device, expected CPU");
    problems_.ThrowIfAny();
    Check();
    problems_.ThrowIfAny();
    return config_;
  }

 private:
  void ReadTop(const ConfigNode& key, const ConfigNode& value) {
    const std::string& name = key.scalar;
    if (name == "target_device") {
      has_target_ = true;
      ReadChoice(value, name, {"CPU"}, {"DPU", "GPU", "BPU"});
    } else if (name == "scheme") {
      const auto scheme = ReadNamed(
          value, name, {Scheme::kAuto, Scheme::kStatic, Scheme::kDynamic, Scheme::kWeightOnly},
          SchemeName, {});
      if (scheme) config_.scheme = *scheme;
    } else if (name == "objective") {
      const auto objective =
          ReadNamed(value, name, {Objective::kBalanced, Objective::kSpeed, Objective::kSize},
                    ObjectiveName, {});
      if (objective) config_.objective = *objective;
    } else if (name == "tensor_quantize_config") {
      if (!ExpectMap(value, name)) return;
      for (const auto& [type, object] : value.entries) ReadTensor(type, object);
    } else if (Has(kSwitches, name)) {
      const auto on = ReadBool(value, name);
      if (on && *on)
        problems_.Add(value.place, fmt::format("{}: true is not implemented yet", name));
    } else if (Has(kLaterKeys, name)) {
      problems_.Add(key.place, fmt::format("{} is not implemented yet", name));
    } else {
      std::vector<std::string> known = kSwitches;
      known.insert(known.end(), {"target_device", "scheme", "objective", "overall_quantize_config",
                                 "tensor_quantize_config"});
      problems_.Add(key.place, fmt::format("unknown key '{}'{}", name, DidYouMean(name, known)));
    }
  }

  void ReadOverall(const ConfigNode& value) {
    const Parameters parameters = ReadParameters(value, "");
    for (const std::string& type : kTensorTypes) {
      Parameters mine = parameters;
      if (type != "weights") mine.per_channel.reset();
      if (type != "bias") Apply(mine, Settings(type));
    }
  }

  void ReadTensor(const ConfigNode& type, const ConfigNode& object) {
    if (!Has(kTensorTypes, type.scalar)) {
      problems_.Add(
          type.place,
          fmt::format("unknown tensor type '{}'{}, expected input, weights, bias or activation",
                      type.scalar, DidYouMean(type.scalar, kTensorTypes)));
      return;
    }
    Apply(ReadParameters(object, type.scalar), Settings(type.scalar));
    places_[Index(type.scalar)] = object.place;
  }

  Parameters ReadParameters(const ConfigNode& object, const std::string& type) {
    Parameters out;
    if (!ExpectMap(object, "a parameter object")) return out;
    for (const auto& [key, value] : object.entries) {
      const std::string& name = key.scalar;
      if (name == "datatype") {
        ReadChoice(value, name, {"int"}, {"bfloat16", "float16", "float32"});
      } else if (name == "bit_width") {
        out.bit_width = ReadBitWidth(value, type);
      } else if (name == "method") {
        out.method = ReadNamed(value, name,
                               {CalibrationMethod::kMaxMin, CalibrationMethod::kPercentile,
                                CalibrationMethod::kMse, CalibrationMethod::kAuto},
                               MethodName, {"entropy", "diffs"});
      } else if (name == "percentage") {
        out.percentage = ReadPercentage(value);
      } else if (name == "round_mode") {
        ReadChoice(value, name, {"half_even"}, {"half_up", "half_down", "std_round"});
      } else if (name == "scale_type") {
        ReadChoice(value, name, {"float"}, {"poweroftwo"});
      } else if (name == "symmetry") {
        out.symmetry = ReadBool(value, name);
      } else if (name == "per_channel") {
        out.per_channel = ReadBool(value, name);
      } else if (name == "signed") {
        out.is_signed = ReadBool(value, name);
      } else if (name == "narrow_range") {
        out.narrow_range = ReadBool(value, name);
      } else if (name == "calib_statistic_method") {
        problems_.Add(key.place, "calib_statistic_method is not implemented yet");
      } else {
        problems_.Add(key.place,
                      fmt::format("unknown key '{}'{}", name, DidYouMean(name, kParameterKeys)));
      }
    }
    return out;
  }

  std::optional<int> ReadBitWidth(const ConfigNode& value, const std::string& type) {
    int width = 0;
    const char* end = value.scalar.data() + value.scalar.size();
    const auto [stop, error] = std::from_chars(value.scalar.data(), end, width);
    if (value.kind != Kind::kScalar || value.quoted || error != std::errc() || stop != end) {
      problems_.Add(value.place,
                    fmt::format("bit_width is '{}', expected a whole number", Shown(value)));
      return std::nullopt;
    }
    const std::vector<int> works = type == "weights" ? std::vector{8}
                                   : type == "bias"  ? std::vector{32}
                                                     : std::vector{8, 16};
    if (std::find(works.begin(), works.end(), width) == works.end()) {
      const bool legal = width >= 1 && width <= 32;
      problems_.Add(value.place, fmt::format("bit_width {} {}, expected {}", width,
                                             legal ? "is not implemented yet" : "is out of range",
                                             fmt::join(works, " or ")));
      return std::nullopt;
    }
    return width;
  }

  std::optional<double> ReadPercentage(const ConfigNode& value) {
    double number = 0;
    const char* end = value.scalar.data() + value.scalar.size();
    const auto [stop, error] = std::from_chars(value.scalar.data(), end, number);
    if (value.kind != Kind::kScalar || value.quoted || error != std::errc() || stop != end ||
        !(number > 0 && number <= 100)) {
      problems_.Add(
          value.place,
          fmt::format("percentage is '{}', expected a number above 0, at most 100", Shown(value)));
      return std::nullopt;
    }
    return number;
  }

  std::optional<bool> ReadBool(const ConfigNode& value, const std::string& name) {
    if (value.kind == Kind::kScalar && !value.quoted &&
        (value.scalar == "true" || value.scalar == "false")) {
      return value.scalar == "true";
    }
    problems_.Add(value.place,
                  fmt::format("{} is '{}', expected true or false", name, Shown(value)));
    return std::nullopt;
  }

  // A word out of `works`; one out of `later` is an error of its own.
  std::optional<std::string> ReadChoice(const ConfigNode& value, const std::string& name,
                                        const std::vector<std::string>& works,
                                        const std::vector<std::string>& later) {
    if (value.kind == Kind::kScalar && Has(works, value.scalar)) return value.scalar;
    if (value.kind == Kind::kScalar && Has(later, value.scalar)) {
      problems_.Add(value.place, fmt::format("{}: {} is not implemented yet, expected {}", name,
                                             value.scalar, fmt::join(works, " or ")));
      return std::nullopt;
    }
    std::vector<std::string> all = works;
    all.insert(all.end(), later.begin(), later.end());
    problems_.Add(value.place, fmt::format("{} is '{}'{}, expected {}", name, Shown(value),
                                           DidYouMean(value.scalar, all), fmt::join(all, ", ")));
    return std::nullopt;
  }

  // The value out of `works` that goes by the word written.
  template <typename T>
  std::optional<T> ReadNamed(const ConfigNode& value, const std::string& name,
                             std::initializer_list<T> works, std::string (*name_of)(T),
                             const std::vector<std::string>& later) {
    std::vector<std::string> words;
    for (const T& one : works) words.push_back(name_of(one));
    const auto word = ReadChoice(value, name, words, later);
    for (const T& one : works) {
      if (word && *word == name_of(one)) return one;
    }
    return std::nullopt;
  }

  bool ExpectMap(const ConfigNode& value, std::string_view name) {
    if (value.kind == Kind::kMap) return true;
    problems_.Add(value.place, fmt::format("{} is '{}', expected a map", name, Shown(value)));
    return false;
  }

  // Contradictions of the merged settings.
  void Check() {
    for (const std::string& type : kTensorTypes) {
      const TensorSettings& settings = Settings(type);
      const ConfigPlace& place = places_[Index(type)];
      if (settings.per_channel && type != "weights")
        problems_.Add(place, fmt::format("per_channel is for weights only, not {}", type));
      if (settings.narrow_range && !(settings.symmetry && settings.is_signed)) {
        problems_.Add(place, fmt::format("narrow_range of {} needs symmetry and signed", type));
      }
      if (type == "weights" && settings.bit_width != 8)
        problems_.Add(place, "bit_width of weights is 16, expected 8");
      if (type == "weights" && settings.method == CalibrationMethod::kPercentile) {
        problems_.Add(place, "weights take method maxmin, mse or auto");
      }
      if ((type == "weights" || type == "bias") && !(settings.symmetry && settings.is_signed)) {
        problems_.Add(
            place, fmt::format("{} on target CPU are symmetric and signed: integer kernels need it",
                               type));
      }
    }
  }

  static void Apply(const Parameters& from, TensorSettings& to) {
    if (from.bit_width) to.bit_width = *from.bit_width;
    if (from.method) to.method = *from.method;
    if (from.percentage) to.percentage = *from.percentage;
    if (from.symmetry) to.symmetry = *from.symmetry;
    if (from.per_channel) to.per_channel = *from.per_channel;
    if (from.is_signed) to.is_signed = *from.is_signed;
    if (from.narrow_range) to.narrow_range = *from.narrow_range;
  }

  static std::string Shown(const ConfigNode& node) {
    switch (node.kind) {
      case Kind::kScalar:
        return node.scalar;
      case Kind::kSequence:
        return "a list";
      case Kind::kMap:
        return "a map";
      case Kind::kNull:
        return "null";
    }
    return "";
  }

  static bool Has(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  }

  static size_t Index(const std::string& type) {
    return static_cast<size_t>(std::find(kTensorTypes.begin(), kTensorTypes.end(), type) -
                               kTensorTypes.begin());
  }

  TensorSettings& Settings(const std::string& type) {
    return type == "input"     ? config_.input
           : type == "weights" ? config_.weights
           : type == "bias"    ? config_.bias
                               : config_.activation;
  }

  ConfigProblems problems_;
  QuantConfig config_;
  bool has_target_ = false;
  ConfigPlace places_[4];
};

ConfigNode Word(std::string text) {
  ConfigNode node;
  node.kind = Kind::kScalar;
  node.place.line = ConfigPlace::kOverride;
  node.scalar = std::move(text);
  return node;
}

// The value under `key`, made if it is not there.
ConfigNode& Child(ConfigNode& map, const std::string& key) {
  map.kind = Kind::kMap;
  for (auto& [name, value] : map.entries) {
    if (name.scalar == key) return value;
  }
  return map.entries.emplace_back(Word(key), ConfigNode{}).second;
}

// "activation.method=percentile" -> tensor_quantize_config / activation / method.
void ApplyOverride(ConfigNode& root, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw ConfigError({fmt::format("--set {}: expected key=value", EscapeForTerminal(text))});
  }
  const std::string path = text.substr(0, equals);
  const size_t dot = path.find('.');
  ConfigNode* place = nullptr;
  if (dot == std::string::npos) {
    place = &Child(root, path);
  } else {
    const std::string head = path.substr(0, dot);
    const bool tensor =
        std::find(kTensorTypes.begin(), kTensorTypes.end(), head) != kTensorTypes.end();
    ConfigNode& object = tensor ? Child(Child(root, "tensor_quantize_config"), head)
                                : Child(root, head == "overall" ? "overall_quantize_config" : head);
    place = &Child(object, path.substr(dot + 1));
  }
  *place = Word(text.substr(equals + 1));
}

}  // namespace

QuantConfig ParseVitisConfig(const std::string& text, const std::string& name,
                             const std::vector<std::string>& overrides) {
  ConfigNode root = ParseConfig(text, name);
  for (const std::string& override_text : overrides) ApplyOverride(root, override_text);
  return Reader(name).Read(root);
}

QuantConfig ReadVitisConfig(const std::filesystem::path& file,
                            const std::vector<std::string>& overrides) {
  return ParseVitisConfig(ReadFile(file, kMaxConfigBytes), file.string(), overrides);
}

}  // namespace qconvert
