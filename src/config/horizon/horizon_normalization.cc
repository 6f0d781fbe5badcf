// input_parameters: mean and scale of images.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "horizon/horizon.h"
#include "read_transforms.h"
#include "text/node_edit.h"
#include "words.h"

namespace qconvert {
namespace {

// "123.675 116.28 103.53" or "123.675, 116.28, 103.53"; empty for None.
std::optional<std::vector<double>> ParseNumbers(std::string text) {
  std::vector<double> numbers;
  // Inputs that need none have to be counted all the same.
  if (text == "None" || text == "none") return numbers;
  // The vendor's files separate by either.
  std::replace(text.begin(), text.end(), ',', ' ');
  for (const std::string& part : SplitList(text, ' ')) {
    if (part.empty()) continue;
    const auto number = FindLevel(part);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  if (numbers.empty()) return std::nullopt;
  return numbers;
}

class NormalizationReader {
 public:
  NormalizationReader(const HorizonPart& part, bool kinds_known)
      : part_(part), deployment_(part.config.deployment), kinds_known_(kinds_known) {}

  void Read() {
    const auto mean = Numbers("mean_value");
    const auto scale = Numbers("scale_value");
    const auto std = Numbers("std_value");
    // What a scale of 0 leaves is no picture, and nothing could take it into weights or grids.
    RefuseZeros("scale_value", scale);
    RefuseZeros("std_value", std);
    for (size_t i = 0; i < inputs().size(); ++i) {
      InputSettings& input = inputs()[i];
      input.mean = mean[i];
      input.scale = scale[i];
      if (std[i].empty()) continue;
      if (!scale[i].empty()) {
        part_.Refuse("std_value", fmt::format("scale_value and std_value are both given for {}, "
                                              "expected one",
                                              NameOf(input)));
        continue;
      }
      // What follows knows multiplication alone.
      for (const double value : std[i]) input.scale.push_back(1 / value);
    }
    if (deployment_.generation == Generation::kJ5 &&
        std::any_of(std.begin(), std.end(), [](const auto& one) { return !one.empty(); })) {
      Warn("std_value",
           "std_value is a key of J6, which the vendor's tool for J5 does not read: it is taken as "
           "scale_value 1/std_value");
    }
    ReadNormType();
    ReadFold();
  }

 private:
  std::vector<InputSettings>& inputs() { return deployment_.inputs; }

  void Warn(const char* key, const std::string& message) {
    part_.context.Warn(part_.Find(key)->place, message);
  }

  std::vector<std::vector<double>> Numbers(const char* key) {
    std::vector<std::vector<double>> out(inputs().size());
    const auto values = ValuesPerInput(part_, key);
    for (size_t i = 0; values && i < values->size(); ++i) {
      const auto numbers = ParseNumbers((*values)[i]);
      if (!numbers) {
        part_.Refuse(key, fmt::format("{} is '{}', expected numbers, or None", key, (*values)[i]));
        continue;
      }
      out[i] = *numbers;
      if (!numbers->empty() && kinds_known_ && inputs()[i].kind_train == InputKind::kFeaturemap) {
        part_.Refuse(key, fmt::format("{} is for images, {} is a featuremap, expected None", key,
                                      NameOf(inputs()[i])));
      }
    }
    return out;
  }

  void RefuseZeros(const char* key, const std::vector<std::vector<double>>& numbers) {
    const bool has_zero = std::any_of(numbers.begin(), numbers.end(), [](const auto& of_input) {
      return std::find(of_input.begin(), of_input.end(), 0.0) != of_input.end();
    });
    if (has_zero) part_.Refuse(key, fmt::format("{} is 0, expected another number", key));
  }

  // J5's norm_type says which of the two apply; J6 derives it.
  void ReadNormType() {
    const auto values = ValuesPerInput(part_, "norm_type");
    if (!values) return;
    static const std::vector<std::string> words = {"no_preprocess", "data_mean",
                                                   "data_scale",    "data_mean_and_scale",
                                                   "data_std",      "data_mean_and_std"};
    for (size_t i = 0; i < values->size(); ++i) {
      const std::string& word = (*values)[i];
      if (std::find(words.begin(), words.end(), word) == words.end()) {
        part_.Refuse("norm_type", NotOneOf("norm_type", word, words));
      } else if (deployment_.generation == Generation::kJ5) {
        // Newer tools derive it from the numbers given and take the key for a comment.
        Apply(word, inputs()[i]);
      }
    }
  }

  void Apply(const std::string& word, InputSettings& input) {
    const bool scales =
        word.find("scale") != std::string::npos || word.find("std") != std::string::npos;
    ApplyPart(word, "mean_value", word.find("mean") != std::string::npos, input, input.mean);
    // The message names the key that is there; where neither is, the older one.
    const char* key = part_.Find("scale_value") == nullptr && part_.Find("std_value") != nullptr
                          ? "std_value"
                          : "scale_value";
    ApplyPart(word, key, scales, input, input.scale);
  }

  void ApplyPart(const std::string& word, const char* key, bool applies, const InputSettings& input,
                 std::vector<double>& numbers) {
    if (applies && numbers.empty()) {
      part_.Refuse("norm_type", fmt::format("norm_type {} needs {}", word, key));
    } else if (!applies && !numbers.empty()) {
      Warn("norm_type",
           fmt::format("norm_type {} leaves out the {} of {}", word, key, NameOf(input)));
      numbers.clear();
    }
  }

  void ReadFold() {
    const ConfigNode* fold = part_.Find("fold_normalization");
    deployment_.fold_normalization = fold != nullptr && AsBool(*fold);
    const bool normalizes =
        std::any_of(inputs().begin(), inputs().end(),
                    [](const InputSettings& input) { return input.normalizes(); });
    if (deployment_.fold_normalization && !normalizes) {
      Warn("fold_normalization",
           "fold_normalization has no effect: no input has a mean or a scale");
    }
  }

  const HorizonPart& part_;
  DeploymentConfig& deployment_;
  const bool kinds_known_;
};

}  // namespace

void ReadNormalization(const HorizonPart& part, bool kinds_known) {
  NormalizationReader(part, kinds_known).Read();
}

}  // namespace qconvert
