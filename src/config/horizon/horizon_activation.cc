// The activation objects of a quant_config, and searches over what they list.
#include <fmt/format.h>

#include <algorithm>

#include "horizon/horizon.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

constexpr double kFewestBins = 129;
constexpr double kFewestMaxBins = 258;
// What the vendor's search tries of method max where the file does not say.
constexpr double kSearchedPercentile = 0.99995;

// What `value` may be; empty: it is that.
std::string ExpectedOf(std::string_view key, const ConfigNode& value) {
  if (key == "calibration_type") {
    const bool known = value.scalar == "max" || value.scalar == "kl" || value.scalar == "load";
    return known ? "" : "max, kl or load";
  }
  if (key == "max_percentile") {
    const auto number = FindNumber(value.scalar);
    const bool fits = number && *number >= 0.5 && *number <= 1;
    return fits ? "" : "a number of at least 0.5 and at most 1";
  }
  if (key == "num_bin" || key == "max_num_bin") {
    const auto number = FindInteger(value);
    // Bounds of the vendor's documents, so that what its tool refuses is refused here.
    const double least = key == "num_bin" ? kFewestBins : kFewestMaxBins;
    const bool fits = number && static_cast<double>(*number) >= least;
    return fits ? "" : fmt::format("a whole number of at least {}", least);
  }
  return value.scalar == "true" || value.scalar == "false" ? "" : "true or false";
}

// One value or a list of them; bools as Python writes them count too.
std::vector<ConfigNode> ValuesAt(const ConfigNode& activation, std::string_view key) {
  const ConfigNode* value = FindValue(activation, key);
  if (value == nullptr) return {};
  std::vector<ConfigNode> values =
      value->kind == Kind::kSequence ? value->items : std::vector<ConfigNode>{*value};
  std::erase_if(values, [](const ConfigNode& one) { return one.kind == Kind::kNull; });
  for (ConfigNode& one : values) {
    // Keys that may have lists are no bools in the table: nothing has brought them into one form.
    if (one.scalar == "True") one.scalar = "true";
    if (one.scalar == "False") one.scalar = "false";
  }
  return values;
}

bool HasList(const ConfigNode& activation) {
  return std::any_of(activation.entries.begin(), activation.entries.end(),
                     [](const auto& entry) { return entry.value.kind == Kind::kSequence; });
}

// Reports what is wrong in `activation`.
bool CheckActivation(const ConfigNode& activation, ConfigProblems& problems) {
  bool fine = true;
  for (const auto& [key, value] : activation.entries) {
    for (const ConfigNode& one : ValuesAt(activation, key.scalar)) {
      const std::string expected = ExpectedOf(key.scalar, one);
      if (expected.empty()) continue;
      fine = false;
      problems.Add(one.place,
                   fmt::format("{} is '{}', expected {}", key.scalar, one.Shown(), expected));
    }
  }
  return fine;
}

// The product of what is listed; where nothing is said that of the vendor's search.
std::vector<TensorSettings> Candidates(const ConfigNode& activation, const TensorSettings& root,
                                       bool by_default) {
  std::vector<std::string> types;
  std::vector<double> shares;
  std::vector<bool> asymmetric;
  for (const ConfigNode& one : ValuesAt(activation, "calibration_type"))
    types.push_back(one.scalar);
  for (const ConfigNode& one : ValuesAt(activation, "max_percentile"))
    shares.push_back(AsNumber(one));
  for (const ConfigNode& one : ValuesAt(activation, "asymmetric"))
    asymmetric.push_back(one.scalar == "true");
  if (types.empty()) types = {"max", "kl"};
  if (shares.empty())
    shares = by_default ? std::vector<double>{kSearchedPercentile, 1} : std::vector<double>{1};
  if (asymmetric.empty() && by_default) asymmetric = {false, true};
  if (asymmetric.empty()) asymmetric = {!root.symmetry};
  std::vector<TensorSettings> out;
  for (const bool is_asymmetric : asymmetric) {
    for (const std::string& type : types) {
      // Percentiles are of method max alone: kl would be tried several times.
      for (const double share : type == "max" ? shares : std::vector<double>{1}) {
        TensorSettings& one = out.emplace_back(root);
        one.symmetry = !is_asymmetric;
        ApplyCalibrationType(type, share, one);
      }
    }
  }
  return out;
}

// The search of the whole model, in its newer form too.
const ConfigNode* ModelwiseSearch(const ConfigNode& level) {
  const ConfigNode* model = FindValue(level, "modelwise_search");
  return model != nullptr ? model : FindValue(level, "search");
}

const ConfigNode* LayerwiseSearch(const ConfigNode& level) {
  if (const ConfigNode* layers = FindValue(level, "layerwise_search")) return layers;
  const ConfigNode* model = ModelwiseSearch(level);
  return model == nullptr ? nullptr : FindValue(*model, "layer");
}

void ReadMetric(const ConfigNode& search, Metric& metric) {
  if (const ConfigNode* word = FindValue(search, "metric"))
    metric = MetricFromName(word->scalar).value_or(Metric::kCosine);
}

// The nested form is in no table that has been checked.
void CheckNested(const ConfigNode& level, ReadContext& context) {
  for (const char* key : {"modelwise_search", "search"}) {
    const ConfigNode* model = FindValue(level, key);
    const ConfigNode* layers = model == nullptr ? nullptr : FindValue(*model, "layer");
    if (layers == nullptr) continue;
    CheckedMap(*layers, "layer", HorizonSearchKeys(), "{metric, topk, qtype}", context);
  }
}

// Whether a layerwise_search is for nodes that need another type, not for ranges.
bool SearchesNodes(const ConfigNode& layers) {
  return FindValue(layers, "qtype") != nullptr || FindValue(layers, "topk") != nullptr;
}

bool IsMax(const TensorSettings& settings) {
  return settings.method == CalibrationMethod::kMaxMin ||
         settings.method == CalibrationMethod::kPercentile;
}

// Until something is measured, the method is open.
void Search(std::vector<TensorSettings> candidates, QuantConfig& config) {
  config.search.activations = std::move(candidates);
  for (TensorSettings* one : {&config.tensors.activation, &config.tensors.input})
    one->method = CalibrationMethod::kAuto;
}

}  // namespace

std::optional<ConfigNode> CheckedMap(const ConfigNode& node, std::string_view name,
                                     const SettingTable& keys, std::string_view expected,
                                     ReadContext& context) {
  if (node.kind != Kind::kMap) {
    context.problems.Add(node.place, fmt::format("{} is no map, expected {}", name, expected));
    return std::nullopt;
  }
  ConfigNode checked = node;
  CheckSettings(checked, keys, context.problems, context.notes);
  return checked;
}

void ReadHorizonActivation(const ConfigNode& activation, NodeSettings& tensors, QuantConfig& config,
                           ReadContext& context) {
  // Values are read as numbers below: nothing that was refused may get there.
  if (!CheckActivation(activation, context.problems)) return;
  const bool is_whole_model = &tensors == &config.tensors;
  const std::vector<ConfigNode> types = ValuesAt(activation, "calibration_type");
  const auto load = std::find_if(types.begin(), types.end(),
                                 [](const ConfigNode& type) { return type.scalar == "load"; });
  if (load != types.end()) {
    if (is_whole_model && types.size() == 1) return LoadThresholds(config);
    return context.problems.Add(load->place,
                                "calibration_type load is for the whole model and alone: the "
                                "thresholds are all in it");
  }
  for (const ConfigNode& one : ValuesAt(activation, "per_channel")) {
    if (one.scalar == "true") EvenOutChannels(one, context, config);
  }
  for (const char* key : {"num_bin", "max_num_bin"}) {
    if (const ConfigNode* bins = FindValue(activation, key))
      context.Inform(bins->place, fmt::format("{}: kl is searched on bins of its own", key));
  }
  if (HasList(activation)) {
    const bool has_max =
        types.empty() || std::any_of(types.begin(), types.end(),
                                     [](const auto& one) { return one.scalar == "max"; });
    if (const ConfigNode* shares = FindValue(activation, "max_percentile");
        shares != nullptr && !has_max)
      context.Warn(shares->place, "max_percentile has no effect without calibration_type max");
    if (is_whole_model) return Search(Candidates(activation, tensors.activation, false), config);
    return context.problems.Add(activation.place,
                                "the activation of single nodes has a list, expected single "
                                "values: lists in model_config.activation are searched");
  }
  const ConfigNode* percentile = FindValue(activation, "max_percentile");
  const std::vector<ConfigNode> asymmetric = ValuesAt(activation, "asymmetric");
  // Without a type of its own it is of the one that holds.
  const std::string type = !types.empty()                                       ? types[0].scalar
                           : percentile != nullptr && IsMax(tensors.activation) ? "max"
                                                                                : "";
  if (percentile != nullptr && type != "max")
    context.Warn(percentile->place, "max_percentile has no effect without calibration_type max");
  for (TensorSettings* one : {&tensors.activation, &tensors.input}) {
    if (!type.empty())
      ApplyCalibrationType(type, percentile == nullptr ? 1 : AsNumber(*percentile), *one);
    if (!asymmetric.empty()) one->symmetry = asymmetric[0].scalar != "true";
  }
}

void ReadHorizonNodeSearch(const ConfigNode& level, QuantConfig& config, ReadContext& context) {
  CheckNested(level, context);
  if (const ConfigNode* model = FindValue(level, "modelwise_search")) {
    for (const char* key : {"topk", "qtype"}) {
      if (const ConfigNode* value = FindValue(*model, key))
        context.Warn(value->place, fmt::format("{} of modelwise_search has no effect, it is one of "
                                               "layerwise_search",
                                               key));
    }
  }
  const ConfigNode* layers = LayerwiseSearch(level);
  if (layers == nullptr || !SearchesNodes(*layers)) return;
  NodeSearch search{.tensors = config.tensors};
  ReadMetric(*layers, search.metric);
  const ConfigNode* count = FindValue(*layers, "topk");
  const ConfigNode* similarity = FindValue(*layers, "similarity");
  if (count != nullptr) search.count = FindInteger(*count).value_or(0);
  // Of the nested form what was refused is told, but still there.
  if (similarity != nullptr)
    search.similarity = FindNumber(similarity->scalar).value_or(search.similarity);
  // The default 0.995 is a cosine: by any other metric it says nothing.
  if (count == nullptr && search.metric != Metric::kCosine && similarity == nullptr) {
    context.problems.Add(layers->place,
                         "layerwise_search by another metric than cosine-similarity goes on until "
                         "what? expected topk or similarity");
  }
  const ConfigNode* type = FindValue(*layers, "qtype");
  if (type != nullptr) {
    SetQuantType(*type, search.tensors, context);
  } else {
    // The vendor's default qtype, int16, with weights as they are.
    for (TensorSettings* one : {&search.tensors.activation, &search.tensors.input})
      one->bit_width = 16;
  }
  config.node_search = search;
}

void ReadHorizonSearch(const ConfigNode& level, QuantConfig& config) {
  if (const ConfigNode* model = ModelwiseSearch(level)) {
    ReadMetric(*model, config.search.metric);
    if (config.search.activations.empty())
      Search(Candidates(MapNode(), config.tensors.activation, true), config);
  }
  const ConfigNode* layers = LayerwiseSearch(level);
  if (layers == nullptr || SearchesNodes(*layers)) return;
  for (TensorSettings* one : {&config.tensors.activation, &config.tensors.input})
    one->method = CalibrationMethod::kAuto;
  config.search.activations.clear();  // value by value wins
}

}  // namespace qconvert
