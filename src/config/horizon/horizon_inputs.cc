// input_parameters: one scalar carries the values of all inputs, separated by ';'.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "horizon/horizon.h"
#include "qconvert/base/suggest.h"
#include "text/node_edit.h"
#include "words.h"

namespace qconvert {
namespace {

using Pair = std::pair<InputKind, InputKind>;  // train, rt

constexpr std::array kLegalPairs = {Pair{InputKind::kRgb, InputKind::kNv12},
                                    Pair{InputKind::kRgb, InputKind::kYuv444},
                                    Pair{InputKind::kRgb, InputKind::kRgb},
                                    Pair{InputKind::kRgb, InputKind::kBgr},
                                    Pair{InputKind::kBgr, InputKind::kNv12},
                                    Pair{InputKind::kBgr, InputKind::kYuv444},
                                    Pair{InputKind::kBgr, InputKind::kRgb},
                                    Pair{InputKind::kBgr, InputKind::kBgr},
                                    Pair{InputKind::kYuv444, InputKind::kNv12},
                                    Pair{InputKind::kYuv444, InputKind::kYuv444},
                                    Pair{InputKind::kGray, InputKind::kGray},
                                    Pair{InputKind::kFeaturemap, InputKind::kFeaturemap}};

// Listed by the vendor, but not described in public.
const std::vector<std::string> kClosedTypes = {"yuv444_128", "yuv_bt601_full", "yuv_bt601_video",
                                               "yuv420sp_bt601_video"};

std::vector<std::string> OpenKinds(bool with_nv12) {
  std::vector<std::string> words = AllWords<InputKind>();
  if (!with_nv12) std::erase(words, "nv12");
  return words;
}

std::optional<std::vector<int64_t>> ParseShape(const std::string& text) {
  std::vector<int64_t> dims;
  for (const std::string& part : SplitList(text, 'x')) {
    int64_t dim = 0;
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), dim);
    // from_chars stops at what is no digit and calls that a success.
    if (part.empty() || error != std::errc() || stop != part.data() + part.size() || dim < 1)
      return std::nullopt;
    dims.push_back(dim);
  }
  return dims;
}

class InputReader {
 public:
  InputReader(const HorizonPart& part, const ConfigNode* input_source)
      : part_(part), deployment_(part.config.deployment), source_(input_source) {}

  void Read() {
    // All other keys have a value per input: without their number none can be told wrong.
    if (!ReadCount()) return;
    ReadKinds();
    ReadLayouts();
    ReadShapes();
    ReadRanges();
    ReadNormalization(part_, kinds_known_);
    ReadBatch();
    ReadSources();
    for (const InputSettings& input : inputs()) CheckInput(input);
  }

 private:
  std::vector<InputSettings>& inputs() { return deployment_.inputs; }

  std::optional<std::vector<std::string>> List(const char* key) const {
    return ValuesPerInput(part_, key);
  }

  bool ReadCount() {
    // One input, whose name the model tells.
    std::vector<std::string> names = {""};
    if (const ConfigNode* given = part_.Find("input_name")) {
      names = SplitPerInput(given->scalar);
      std::set<std::string> seen;
      for (const std::string& name : names) {
        if (name.empty()) part_.Refuse("input_name", "input_name has an empty name");
        if (!seen.insert(name).second && !name.empty())
          part_.Refuse("input_name", fmt::format("input_name has '{}' twice", name));
      }
    } else if (const ConfigNode* kinds = part_.Find("input_type_rt");
               kinds != nullptr && SplitPerInput(kinds->scalar).size() > 1) {
      if (part_.Lacks("input_name"))
        part_.Refuse("input_type_rt", "input_name is missing, expected with several inputs");
      return false;
    }
    for (const std::string& name : names) inputs().push_back({.name = name});
    return true;
  }

  void ReadKinds() {
    for (const auto& [key, member, allowed] :
         {std::tuple{"input_type_rt", &InputSettings::kind_rt, true},
          std::tuple{"input_type_train", &InputSettings::kind_train, false}}) {
      if (part_.Find(key) == nullptr) {
        if (part_.Lacks(key))
          part_.Refuse(key, fmt::format("{} is missing, expected {}", key,
                                        fmt::join(AllWords<InputKind>(), ", ")));
        kinds_known_ = false;
        continue;
      }
      const auto values = List(key);
      // A wrong count leaves kinds at their defaults: nothing may be judged by them.
      kinds_known_ = kinds_known_ && values;
      for (size_t i = 0; values && i < values->size(); ++i) {
        const auto kind = FromWord<InputKind>((*values)[i]);
        if (kind && (allowed || *kind != InputKind::kNv12)) {
          inputs()[i].*member = *kind;
        } else {
          RefuseKind(key, (*values)[i], allowed);
        }
      }
    }
  }

  void RefuseKind(const char* key, const std::string& word, bool with_nv12) {
    kinds_known_ = false;
    if (std::find(kClosedTypes.begin(), kClosedTypes.end(), word) != kClosedTypes.end()) {
      part_.Refuse(key, fmt::format("{} is '{}', which the vendor lists but has closed, expected "
                                    "one of the open ones: {}",
                                    key, word, fmt::join(OpenKinds(with_nv12), ", ")));
      return;
    }
    part_.Refuse(key, NotOneOf(key, word, OpenKinds(with_nv12)));
  }

  void ReadLayouts() {
    // Null where the count is wrong too: then no layout is called missing.
    const auto values = List("input_layout_train");
    for (size_t i = 0; i < inputs().size(); ++i) {
      InputSettings& input = inputs()[i];
      if (values && !(*values)[i].empty()) {
        const auto layout = FromWord<InputLayout>((*values)[i]);
        if (layout && *layout != InputLayout::kNone) {
          input.layout_train = *layout;
        } else {
          part_.Refuse("input_layout_train", fmt::format("input_layout_train is '{}', expected "
                                                         "NCHW or NHWC",
                                                         (*values)[i]));
        }
      } else if (kinds_known_ && (values || part_.Lacks("input_layout_train")) &&
                 input.kind_train != InputKind::kFeaturemap) {
        part_.Refuse("input_layout_train",
                     fmt::format("input_layout_train is missing, expected NCHW or NHWC for {}",
                                 NameOf(input)));
      }
    }
  }

  void ReadShapes() {
    const auto values = List("input_shape");
    for (size_t i = 0; values && i < values->size(); ++i) {
      const auto shape = ParseShape((*values)[i]);
      if (shape) {
        inputs()[i].shape = *shape;
      } else {
        part_.Refuse("input_shape", fmt::format("input_shape is '{}', expected a shape like "
                                                "1x3x224x224",
                                                (*values)[i]));
      }
    }
  }

  void ReadRanges() {
    const auto values = List("input_space_and_range");
    for (size_t i = 0; values && i < values->size(); ++i) {
      const std::string& word = (*values)[i];
      // An empty part is an input that says nothing.
      if (word != "regular" && word != "bt601_video" && !word.empty()) {
        part_.Refuse(
            "input_space_and_range",
            fmt::format("input_space_and_range is '{}', expected regular or bt601_video", word));
      }
      if (word != "bt601_video") continue;
      inputs()[i].range = YuvRange::kVideo;
      if (kinds_known_ && inputs()[i].kind_rt != InputKind::kNv12) {
        part_.Refuse("input_space_and_range",
                     fmt::format("bt601_video is for input_type_rt nv12 only, {} has {}",
                                 NameOf(inputs()[i]), WordFor(inputs()[i].kind_rt)));
      }
    }
  }

  void ReadBatch() {
    if (const ConfigNode* batch = part_.Find("input_batch"))
      deployment_.input_batch = AsInteger(*batch);
    const ConfigNode* all = part_.Find("separate_batch");
    const ConfigNode* some = part_.Find("separate_name");
    const bool separate_all = all != nullptr && AsBool(*all);
    if (separate_all && some != nullptr)
      part_.Refuse("separate_name", "separate_batch and separate_name exclude each other");
    for (InputSettings& input : inputs()) input.separate_batch = separate_all;
    if (some == nullptr) return;
    std::vector<std::string> names;
    for (const InputSettings& input : inputs()) names.push_back(input.name);
    for (const std::string& name : SplitList(some->scalar)) {
      const auto it = std::find(names.begin(), names.end(), name);
      if (it == names.end() || name.empty()) {
        part_.Refuse("separate_name", fmt::format("separate_name has '{}', which is no "
                                                  "input_name{}",
                                                  name, DidYouMean(name, names)));
      } else {
        inputs()[static_cast<size_t>(it - names.begin())].separate_batch = true;
      }
    }
  }

  void ReadSources() {
    for (InputSettings& input : inputs()) {
      // What input_source leaves open.
      const bool pyramid = input.kind_rt == InputKind::kNv12 || input.kind_rt == InputKind::kGray;
      input.source = pyramid ? InputSource::kPyramid : InputSource::kDdr;
    }
    if (source_ == nullptr) return;
    if (source_->kind != ConfigNode::Kind::kMap) {
      part_.context.problems.Add(source_->place,
                                 fmt::format("input_source is '{}', expected a map from inputs to "
                                             "pyramid, ddr or resizer",
                                             source_->Shown()));
      return;
    }
    for (const auto& [key, value] : source_->entries) ReadSource(key, value);
  }

  void ReadSource(const ConfigNode& key, const ConfigNode& value) {
    ConfigProblems& problems = part_.context.problems;
    std::vector<std::string> names;
    for (const InputSettings& input : inputs()) names.push_back(input.name);
    const auto it = std::find(names.begin(), names.end(), key.scalar);
    // A single input may go without input_name: then any key is it.
    const bool only = names.size() == 1 && names[0].empty();
    if (it == names.end() && !only) {
      problems.Add(key.place, fmt::format("input_source has '{}', which is no input_name{}",
                                          key.scalar, DidYouMean(key.scalar, names)));
      return;
    }
    // Not given: the default stays.
    if (value.kind == ConfigNode::Kind::kNull) return;
    const auto source = FromWord<InputSource>(value.scalar);
    if (!source || value.kind != ConfigNode::Kind::kScalar) {
      problems.Add(value.place, NotOneOf("input_source", value.Shown(), AllWords<InputSource>()));
      return;
    }
    InputSettings& input = inputs()[only ? 0 : static_cast<size_t>(it - names.begin())];
    input.source = *source;
    if (!kinds_known_) return;
    const bool camera = input.kind_rt == InputKind::kNv12 || input.kind_rt == InputKind::kGray;
    // NV12 comes from the pyramid or the resizer alone, gray from memory too, all others from
    // memory alone.
    const bool fits = *source == InputSource::kDdr ? input.kind_rt != InputKind::kNv12 : camera;
    const bool is_j5 = deployment_.generation == Generation::kJ5;
    if (fits && is_j5 && *source == InputSource::kResizer)
      part_.context.Inform(value.place, "the chip crops and resizes before what the models take");
    if (fits) return;
    problems.Add(
        value.place,
        fmt::format("input_source {} does not go with input_type_rt {}, expected {}", value.scalar,
                    WordFor(input.kind_rt), camera ? "pyramid or resizer" : "ddr"));
  }

  // What one input's settings say together.
  void CheckInput(const InputSettings& input) {
    if (!kinds_known_) return;
    const Pair pair{input.kind_train, input.kind_rt};
    if (std::find(kLegalPairs.begin(), kLegalPairs.end(), pair) == kLegalPairs.end()) {
      std::vector<std::string> legal;
      for (const Pair& one : kLegalPairs) {
        if (one.first == input.kind_train) legal.push_back(WordFor(one.second));
      }
      part_.Refuse(
          "input_type_rt",
          fmt::format("input_type_rt {} cannot be made from input_type_train {}, expected "
                      "{}",
                      WordFor(input.kind_rt), WordFor(input.kind_train), fmt::join(legal, ", ")));
    }
    if (!input.shape.empty()) {
      for (const std::string& problem :
           FindShapeProblems(input, input.shape, deployment_.generation == Generation::kJ5)) {
        part_.Refuse("input_shape", problem);
      }
    }
    if (deployment_.input_batch > 0 && !input.shape.empty() && input.shape[0] != 1) {
      part_.Refuse("input_batch", fmt::format("input_batch needs a first dimension of 1, {} has {}",
                                              NameOf(input), input.shape[0]));
    }
    if (deployment_.input_batch > 1 && ResizesTogether(input, deployment_.generation)) {
      part_.Refuse("input_batch",
                   fmt::format("input_batch is {}, the resizer of {} takes one picture: expected "
                               "separate_batch",
                               deployment_.input_batch, NameOf(input)));
    }
  }

  const HorizonPart& part_;
  DeploymentConfig& deployment_;
  const ConfigNode* source_;
  bool kinds_known_ = true;
};

}  // namespace

std::optional<std::vector<std::string>> ValuesPerInput(const HorizonPart& part, const char* key) {
  const ConfigNode* value = part.Find(key);
  if (value == nullptr) return std::nullopt;
  const size_t expected = part.config.deployment.inputs.size();
  if (expected == 0) return std::nullopt;  // how many there are is told as a problem already
  std::vector<std::string> values = SplitPerInput(value->scalar);
  if (values.size() == expected) return values;
  part.Refuse(key, fmt::format("{} has {} values, expected {}, one per input", key, values.size(),
                               expected));
  return std::nullopt;
}

void ReadHorizonInputs(const HorizonPart& part, const ConfigNode* input_source) {
  InputReader(part, input_source).Read();
}

}  // namespace qconvert
