// The forms in which Paddle's tools write their settings.
//
// PaddleDetection has them in QAT.quant_config and PTQ.ptq_config, PaddleSlim's automatic
// compression in Quantization, QuantAware or QuantPost, PaddleClas in Slim.quant; training is round
// about. Names of one thing differ between quant_aware, quant_post_static and paddleslim.QAT.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "paddle/paddle.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

struct Renamed {
  std::string_view from;
  std::string_view to;
};

constexpr Renamed kKeys[] = {{"quantize_op_types", "quantizable_layer_type"},
                             {"quantizable_op_type", "quantizable_layer_type"},
                             {"quant_batch_num", "batch_nums"}};

// Operators of Paddle's programs. Source: PaddlePaddle, paddle/phi/ops and its exporter to ONNX.
constexpr Renamed kTypes[] = {{"conv2d", "Conv"},
                              {"depthwise_conv2d", "Conv"},
                              {"DepthwiseConv2D", "Conv"},
                              {"conv2d_transpose", "ConvTranspose"},
                              {"depthwise_conv2d_transpose", "ConvTranspose"},
                              {"conv3d", "Conv3d"},
                              {"mul", "Linear"},
                              {"fc", "Linear"},
                              {"matmul", "MatMul"},
                              {"matmul_v2", "MatMul"},
                              {"elementwise_add", "Add"},
                              {"elementwise_sub", "Sub"},
                              {"elementwise_mul", "Mul"},
                              {"elementwise_div", "Div"},
                              {"relu", "Relu"},
                              {"relu6", "Clip"},
                              {"leaky_relu", "LeakyRelu"},
                              {"hard_swish", "HardSwish"},
                              {"hard_sigmoid", "HardSigmoid"},
                              {"sigmoid", "Sigmoid"},
                              {"tanh", "Tanh"},
                              {"softmax", "Softmax"},
                              {"concat", "Concat"},
                              {"pool2d", "AveragePool"},
                              {"lstm", "LSTM"},
                              {"lookup_table_v2", "Gather"},
                              {"batch_norm", "BatchNormalization"},
                              {"layer_norm", "LayerNormalization"}};

// Classes of paddleslim.quant.observers and of its dynamic-graph PTQ.
constexpr Renamed kQuantizers[] = {{"AbsmaxQuantizer", "abs_max"}, {"HistQuantizer", "hist"},
                                   {"KLQuantizer", "KL"},          {"AVGQuantizer", "avg"},
                                   {"MSEQuantizer", "mse"},        {"EMDQuantizer", "emd"}};

std::string_view Find(std::span<const Renamed> names, std::string_view name) {
  for (const auto& [from, to] : names)
    if (from == name) return to;
  return {};
}

// Where training and compression tools have the settings of quantization.
const std::vector<std::vector<std::string>>& SectionPaths() {
  static const std::vector<std::vector<std::string>> paths = {
      {"QAT", "quant_config"}, {"PTQ", "ptq_config"}, {"Slim", "quant"}, {"Quantization"},
      {"QuantAware"},          {"QuantPost"},         {"quant_config"}};
  return paths;
}

bool IsSection(std::string_view key) {
  return std::any_of(SectionPaths().begin(), SectionPaths().end(),
                     [&](const auto& path) { return path[0] == key; });
}

// What stands at the end of `path`, or what is no map on the way; null: nothing.
const ConfigNode* Follow(const ConfigNode& root, const std::vector<std::string>& path) {
  const ConfigNode* at = &root;
  for (const std::string& key : path) {
    if (at->kind != Kind::kMap) return at;
    at = FindValue(*at, key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

// Settings that stand beside the section `path`, in `around`: of a --set they go into `inner`, of
// the file they are told.
void TakeOthers(const ConfigNode& around, const std::vector<std::string>& path,
                const std::string& section, ConfigNode& inner, ReadContext& context) {
  bool has_more = false;
  for (const auto& [key, value] : around.entries) {
    if (key.scalar == section) continue;
    const Setting* known = PaddleTable().Find(key.scalar);
    const bool is_setting = known != nullptr && !known->compiler_only && !IsSection(key.scalar);
    if (is_setting && value.place.line == 0) {
      // A blank one too: what stands in the section goes.
      ChildOf(inner, key.scalar) = value;
      continue;
    }
    if (value.kind == Kind::kNull) continue;
    has_more = true;
    // Every part of a training has a name.
    if (is_setting && key.scalar != "name")
      context.Warn(value.place,
                   fmt::format("{} has no effect outside of {}", key.scalar, fmt::join(path, ".")));
  }
  if (has_more)
    context.Inform(around.place,
                   "settings around those of quantization are for training, no effect");
}

// Of a file of one tool; a file of none is its settings.
void TakeSection(ConfigNode& root, ReadContext& context) {
  std::vector<const std::vector<std::string>*> found;
  for (const auto& path : SectionPaths()) {
    const ConfigNode* at = Follow(root, path);
    if (at != nullptr && at->kind == Kind::kMap) found.push_back(&path);
    if (at == nullptr || at->kind == Kind::kMap) continue;
    const bool is_head = at == FindValue(root, path[0]);
    context.problems.Add(at->place, fmt::format("{} is '{}', expected a map",
                                                is_head ? path[0] : path.back(), at->Shown()));
  }
  for (size_t i = 1; i < found.size(); ++i)
    context.problems.Add(Follow(root, *found[i])->place,
                         fmt::format("{} and {} ({}) exclude each other, expected the settings of "
                                     "one tool",
                                     fmt::join(*found[i], "."), fmt::join(*found[0], "."),
                                     Follow(root, *found[0])->place.Text()));
  if (!found.empty()) {
    const std::vector<std::string>& path = *found[0];
    // Copied first: the section is a part of what it replaces.
    ConfigNode inner = *Follow(root, path);
    TakeOthers(root, path, path[0], inner, context);
    if (path.size() > 1) TakeOthers(*FindValue(root, path[0]), path, path[1], inner, context);
    root = std::move(inner);
    return;
  }
  for (const auto& path : SectionPaths()) {
    const ConfigNode* head = FindValue(root, path[0]);
    if (head != nullptr && head->kind == Kind::kMap)
      context.problems.Add(
          head->place, fmt::format("{} has no {}, expected the settings there", path[0], path[1]));
  }
}

void RenameTypes(ConfigNode& list) {
  std::vector<ConfigNode> out;
  for (ConfigNode& item : list.items) {
    const std::string_view known = Find(kTypes, item.scalar);
    if (!known.empty()) item.scalar = std::string(known);
    // Several of Paddle's operators are one in ONNX: entries would be told as given twice.
    const bool is_new = std::none_of(
        out.begin(), out.end(), [&](const ConfigNode& one) { return one.scalar == item.scalar; });
    if (is_new) out.push_back(std::move(item));
  }
  list.items = std::move(out);
}

bool IsSame(const ConfigNode& a, const ConfigNode& b) {
  return a.kind == b.kind && a.scalar == b.scalar &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), IsSame);
}

void RenameKeys(ConfigNode& root, ConfigProblems& problems) {
  // A null says nothing: it must not stand in the way of the same key by another name.
  std::erase_if(root.entries, [](const auto& entry) { return entry.value.kind == Kind::kNull; });
  for (auto& [key, value] : root.entries) {
    const std::string_view to = Find(kKeys, key.scalar);
    if ((to.empty() ? key.scalar : to) == "quantizable_layer_type") RenameTypes(value);
    // The vendor's tools take a single one too.
    if (key.scalar == "not_quant_pattern" && value.kind == Kind::kScalar) {
      ConfigNode only = value;
      value = {.kind = Kind::kSequence, .place = only.place, .items = {std::move(only)}};
    }
  }
  for (auto& [key, value] : root.entries) {
    const std::string_view to = Find(kKeys, key.scalar);
    if (to.empty()) continue;
    const ConfigNode* other = root.Find(to);
    if (other == nullptr) {
      key.scalar = std::string(to);
    } else if (!IsSame(*other, value)) {
      problems.Add(key.place, fmt::format("{} is {} by another name, which says something else",
                                          key.scalar, to));
    }
  }
}

}  // namespace

void NormalizePaddle(ConfigNode& root, ReadContext& context) {
  if (root.kind != Kind::kMap) return;
  TakeSection(root, context);
  RenameKeys(root, context.problems);
}

ConfigNode& PaddleSettings(ConfigNode& root) {
  for (const auto& path : SectionPaths()) {
    const ConfigNode* at = Follow(root, path);
    if (at == nullptr || at->kind != Kind::kMap) continue;
    ConfigNode* section = &root;
    for (const std::string& key : path) section = &ChildOf(*section, key);
    return *section;
  }
  return root;
}

void RenamePaddleValues(ConfigNode& root, ConfigProblems& problems) {
  const auto set = [&](const char* key, const std::string& value, const ConfigNode& from) {
    const ConfigNode* other = FindValue(root, key);
    if (other != nullptr && other->scalar != value)
      problems.Add(from.place,
                   fmt::format("{} is {} {} by another name, which is {} ({})", from.scalar, key,
                               value, other->scalar, other->place.Text()));
    ChildOf(root, key) = WordNode(value, from.place);
  };
  const auto find = [&](const char* key) -> std::optional<ConfigNode> {
    // Copied: what is put in may move the entries.
    if (const ConfigNode* found = FindValue(root, key)) return *found;
    return std::nullopt;
  };
  if (const auto pact = find("use_pact"); pact && pact->scalar == "true")
    ChildOf(root, "activation_preprocess_type") = WordNode("PACT", pact->place);
  if (const auto name = find("name"); name && name->scalar == "pact")
    ChildOf(root, "activation_preprocess_type") = WordNode("PACT", name->place);
  if (const auto observer = find("activation_quantizer"))
    set("algo", std::string(Find(kQuantizers, observer->scalar)), *observer);
  if (const auto observer = find("weight_quantizer")) {
    const bool by_channel = observer->scalar.starts_with("PerChannel");
    set("weight_quantize_type", by_channel ? "channel_wise_abs_max" : "abs_max", *observer);
  }
}

std::vector<std::string> PaddleQuantizers() {
  std::vector<std::string> names;
  for (const auto& [from, to] : kQuantizers) names.emplace_back(from);
  return names;
}

}  // namespace qconvert
