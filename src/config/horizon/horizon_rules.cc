// What of the Horizon language does not go together and stands in single keys; what is said of one
// node twice is found where nodes are read.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "horizon/horizon.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = SettingRule::Kind;

constexpr SettingRule kCalibration[] = {
    {Kind::kIdle, "max_percentile", {}, "calibration_type", "!max"},
    {Kind::kIdle, "cal_data_dir", {}, "calibration_type", "skip", "random samples are taken"},
    {Kind::kIdle, "cal_data_type", {}, "preprocess_on", "true", "pictures have 8 bits"},
    {Kind::kIdle, "calibration_type", "max|kl|mix", "scheme", "weight-only",
     "values have no ranges there"},
    {Kind::kIdle, "max_percentile", {}, "scheme", "weight-only", "values have no ranges there"},
};

bool HasWord(const ConfigNode* list, std::string_view word) {
  if (list == nullptr) return false;
  const std::vector<std::string> words = SplitList(list->scalar, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

const ConfigNode* FindIn(const ConfigNode* map, std::string_view key) {
  return map == nullptr ? nullptr : FindValue(*map, key);
}

class QuantConfigChecker {
 public:
  QuantConfigChecker(const HorizonPart& calibration, const ConfigNode& quant)
      : calibration_(calibration), quant_(quant) {}

  void Check() {
    const ConfigNode* type = InModel("all_node_type");
    if (type != nullptr && type->scalar != "int16")
      TellWord("set_all_nodes_int16", fmt::format("all_node_type {}", type->scalar), *type);
    const ConfigNode* asymmetric = FindIn(InModel("activation"), "asymmetric");
    if (asymmetric != nullptr && (asymmetric->scalar == "false" || asymmetric->scalar == "False"))
      TellWord("asymmetric", "asymmetric false of activation", *asymmetric);
    CheckMethod();
    for (const ConfigNode* level : {&quant_, FindValue(quant_, "model_config")})
      if (level != nullptr) CheckSearches(*level);
  }

 private:
  // Of model_config, or of its older place.
  const ConfigNode* InModel(std::string_view key) const {
    const ConfigNode* found = FindIn(FindValue(quant_, "model_config"), key);
    return found != nullptr ? found : FindValue(quant_, key);
  }

  void Tell(const ConfigNode& idle, std::string_view key, std::string_view beside,
            const ConfigNode& holds) {
    calibration_.context.Warn(
        idle.place, fmt::format("{} has no effect with {} ({})", key, beside, holds.place.Text()));
  }

  void TellWord(std::string_view word, const std::string& beside, const ConfigNode& holds) {
    const ConfigNode* optimization = calibration_.Find("optimization");
    if (HasWord(optimization, word)) Tell(*optimization, word, beside, holds);
  }

  // How ranges are chosen is said by the file and by its quant_config.
  void CheckMethod() {
    const ConfigNode* activation = InModel("activation");
    const ConfigNode* type = FindIn(activation, "calibration_type");
    const ConfigNode* holds = type;
    for (const char* search : {"modelwise_search", "layerwise_search", "search"})
      if (holds == nullptr) holds = InModel(search);
    if (holds == nullptr) return;
    const ConfigNode* written = calibration_.Find("calibration_type");
    if (written != nullptr && written->scalar != "default" && written->scalar != holds->scalar)
      Tell(*written, "calibration_type " + written->scalar, "that of quant_config", *holds);
    const ConfigNode* share = calibration_.Find("max_percentile");
    const ConfigNode* own = FindIn(activation, "max_percentile");
    if (share != nullptr && (own == nullptr || own->scalar != share->scalar))
      Tell(*share, "max_percentile", "the calibration_type of quant_config", *holds);
  }

  void CheckSearches(const ConfigNode& level) {
    const ConfigNode* model = FindValue(level, "modelwise_search");
    const ConfigNode* newer = FindValue(level, "search");
    if (model != nullptr && newer != nullptr) Tell(*newer, "search", "modelwise_search", *model);
    const ConfigNode* layers = FindValue(level, "layerwise_search");
    const ConfigNode* count = FindIn(layers, "topk");
    const ConfigNode* similarity = FindIn(layers, "similarity");
    if (count != nullptr && similarity != nullptr)
      Tell(*similarity, "similarity", "topk " + count->Shown(), *count);
    const bool of_ranges =
        layers != nullptr && count == nullptr && FindIn(layers, "qtype") == nullptr;
    if (model != nullptr && of_ranges)
      Tell(*model, "modelwise_search", "a layerwise_search without topk and qtype", *layers);
  }

  const HorizonPart& calibration_;
  const ConfigNode& quant_;
};

}  // namespace

void CheckQuantConfig(const HorizonPart& calibration, const ConfigNode& quant) {
  QuantConfigChecker(calibration, quant).Check();
}

std::span<const SettingRules> RulesOfHorizon() {
  static const std::array<SettingRules, 2> rules = {
      SettingRules{"calibration_parameters", RulesOfOurKeys()},
      SettingRules{"calibration_parameters", kCalibration}};
  return rules;
}

}  // namespace qconvert
