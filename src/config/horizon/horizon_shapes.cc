// What the shapes of inputs must be: rules that need the model, or the file's input_shape. And in
// which layout they come.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "horizon/horizon.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/setting_position.h"
#include "words.h"

namespace qconvert {
namespace {

class ModelChecker {
 public:
  ModelChecker(const DeploymentConfig& deployment, const ConfigNode& effective,
               const std::vector<InputSignature>& signatures)
      : deployment_(deployment), effective_(effective), signatures_(signatures), problems_("") {}

  void Check() {
    const std::vector<InputSettings>& inputs = deployment_.inputs;
    std::vector<std::string> names;
    for (const InputSignature& one : signatures_) names.push_back(one.name);
    // A file may leave the name of a single input to the model.
    const bool unnamed = inputs.size() == 1 && inputs[0].name.empty();
    if (unnamed && names.size() != 1) {
      Refuse("input_name", fmt::format("input_name is missing, the model has {} inputs: {}",
                                       names.size(), fmt::join(names, ", ")));
    } else if (inputs.size() != names.size()) {
      Refuse("input_name", fmt::format("input_name has {} names, the model has {} inputs: {}",
                                       inputs.size(), names.size(), fmt::join(names, ", ")));
    }
    for (const InputSettings& input : inputs) {
      const auto it = std::find(names.begin(), names.end(), input.name);
      if (it != names.end() || (unnamed && names.size() == 1)) {
        CheckInput(input, signatures_[unnamed ? 0 : static_cast<size_t>(it - names.begin())]);
      } else if (!unnamed) {
        Refuse("input_name", fmt::format("the model has no input '{}'{}", input.name,
                                         DidYouMean(input.name, names)));
      }
    }
    problems_.ThrowIfAny();
  }

 private:
  void Refuse(const char* key, const std::string& message) {
    problems_.Add(PositionOf(effective_, {"input_parameters", key}), message);
  }

  void CheckInput(const InputSettings& input, const InputSignature& signature) {
    // Of unknown rank: there is nothing to hold the file against.
    if (!signature.has_shape) return;
    const bool is_j5 = deployment_.generation == Generation::kJ5;
    std::vector<int64_t> dims = signature.dims;
    if (!input.shape.empty()) {
      const bool fits =
          std::equal(dims.begin(), dims.end(), input.shape.begin(), input.shape.end(),
                     [](int64_t model, int64_t given) { return model < 0 || model == given; });
      if (!fits) {
        Refuse("input_shape", fmt::format("input_shape is {}, input '{}' of the model is {}",
                                          Shown(input.shape), signature.name, Shown(dims)));
      }
      return;  // checked against the rules when the file was read
    }
    if (is_j5 && !dims.empty() && dims[0] < 0) dims[0] = 1;  // a free batch alone becomes 1
    if (std::any_of(dims.begin(), dims.end(), [](int64_t dim) { return dim < 0; })) {
      Refuse("input_shape", fmt::format("input_shape is missing, expected with the free dimensions "
                                        "of input '{}' ({})",
                                        signature.name, Shown(dims)));
      return;
    }
    InputSettings named = input;
    // Messages name the input as the model does.
    named.name = signature.name;
    for (const std::string& problem : FindShapeProblems(named, dims, is_j5))
      Refuse("input_type_train", problem);
    if (deployment_.input_batch > 0 && !dims.empty() && dims[0] != 1) {
      Refuse("input_batch", fmt::format("input_batch needs a first dimension of 1, input '{}' has "
                                        "{}",
                                        signature.name, dims[0]));
    }
  }

  static std::string Shown(const std::vector<int64_t>& dims) {
    std::vector<std::string> parts;
    for (const int64_t dim : dims) parts.push_back(dim < 0 ? "?" : std::to_string(dim));
    return fmt::format("{}", fmt::join(parts, "x"));
  }

  const DeploymentConfig& deployment_;
  const ConfigNode& effective_;
  const std::vector<InputSignature>& signatures_;
  ConfigProblems problems_;
};

}  // namespace

bool ResizesTogether(const InputSettings& input, Generation generation) {
  return generation == Generation::kJ6 && input.source == InputSource::kResizer &&
         !input.separate_batch;
}

std::vector<std::string> FindShapeProblems(const InputSettings& input,
                                           const std::vector<int64_t>& dims, bool is_j5) {
  std::vector<std::string> problems;
  const std::string who = NameOf(input);
  const bool image =
      input.kind_train != InputKind::kFeaturemap || input.kind_rt != InputKind::kFeaturemap;
  if (!image) return problems;
  if (dims.size() != 4) {
    problems.push_back(fmt::format("{} has {} dimensions, expected 4 for {}; others are featuremap",
                                   who, dims.size(), WordFor(input.kind_train)));
    return problems;
  }
  // Images without a layout are told where it is read.
  if (input.layout_train == InputLayout::kNone) return problems;
  const bool nchw = input.layout_train == InputLayout::kNchw;
  const int64_t channels = dims[nchw ? 1 : 3];
  const int64_t height = dims[nchw ? 2 : 1];
  const int64_t width = dims[nchw ? 3 : 2];
  const int64_t expected = input.kind_train == InputKind::kGray ? 1 : 3;
  if (channels >= 0 && channels != expected) {
    problems.push_back(fmt::format("{} has {} channels in layout {}, expected {} for {}", who,
                                   channels, WordFor(input.layout_train), expected,
                                   WordFor(input.kind_train)));
  }
  const auto generation = is_j5 ? Generation::kJ5 : Generation::kJ6;
  if (dims[0] > 1 && ResizesTogether(input, generation)) {
    problems.push_back(
        fmt::format("{} has a batch of {}, the resizer takes one picture: expected "
                    "separate_batch",
                    who, dims[0]));
  }
  const bool even =
      input.kind_rt == InputKind::kNv12 || (is_j5 && input.kind_rt == InputKind::kYuv444);
  // A free dimension is -1, whose remainder is -1: it breaks no rule.
  if (even && (height % 2 == 1 || width % 2 == 1)) {
    problems.push_back(fmt::format("{} is {}x{}, {} needs an even height and width", who, height,
                                   width, WordFor(input.kind_rt)));
  }
  for (const auto& [key, numbers] : {std::pair{"mean_value", &input.mean},
                                     std::pair{"scale_value or std_value", &input.scale}}) {
    const auto count = static_cast<int64_t>(numbers->size());
    // One number holds for all channels.
    if (count <= 1 || channels < 0 || count == channels) continue;
    problems.push_back(fmt::format("{} of {} has {} numbers, expected one, or one per channel ({})",
                                   key, who, count, channels));
  }
  return problems;
}

void CheckHorizonInputs(const DeploymentConfig& deployment, const ConfigNode& effective,
                        const std::vector<InputSignature>& inputs) {
  ModelChecker(deployment, effective, inputs).Check();
}

void ReadRuntimeLayouts(const HorizonPart& part) {
  const ConfigNode* value = part.Find("input_layout_rt");
  DeploymentConfig& deployment = part.config.deployment;
  if (value == nullptr || deployment.generation != Generation::kJ5) return;
  const auto words = ValuesPerInput(part, "input_layout_rt");
  std::vector<InputSettings>& inputs = deployment.inputs;
  for (size_t i = 0; words && i < inputs.size(); ++i) {
    const std::string& word = (*words)[i];
    if (word.empty()) continue;
    if (inputs[i].kind_rt == InputKind::kNv12) {
      part.context.Warn(value->place,
                        fmt::format("input_layout_rt of {} has no effect: nv12 has a layout of its "
                                    "own, leave it empty",
                                    NameOf(inputs[i])));
      continue;
    }
    const auto layout = FromWord<InputLayout>(word);
    if (!layout || *layout == InputLayout::kNone) {
      part.Refuse("input_layout_rt", NotOneOf("input_layout_rt", word, {"NHWC", "NCHW"}));
    } else if (inputs[i].layout_train == InputLayout::kNone) {
      part.context.Warn(value->place,
                        fmt::format("input_layout_rt of {} has no effect: input_layout_train does "
                                    "not say what the float model takes",
                                    NameOf(inputs[i])));
    } else {
      inputs[i].layout_rt = *layout;
    }
  }
}

}  // namespace qconvert
