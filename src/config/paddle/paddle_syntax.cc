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

// The map of settings in a file of a training or compression tool; null where the root is it.
const ConfigNode* FindSection(const ConfigNode& root) {
  static const std::vector<std::vector<const char*>> kPaths = {
      {"QAT", "quant_config"}, {"PTQ", "ptq_config"}, {"Slim", "quant"}, {"Quantization"},
      {"QuantAware"},          {"QuantPost"},         {"quant_config"}};
  for (const auto& path : kPaths) {
    const ConfigNode* at = &root;
    for (const char* key : path) at = at == nullptr ? nullptr : FindValue(*at, key);
    if (at != nullptr && at->kind == Kind::kMap) return at;
  }
  return nullptr;
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

// Switches and classes that are words of other keys.
void RenameValues(ConfigNode& root) {
  const auto set = [&](const char* key, std::string value, const ConfigNode& from) {
    ChildOf(root, key) = WordNode(std::move(value), from.place);
  };
  const auto take = [&](const char* key) -> std::optional<ConfigNode> {
    const ConfigNode* found = FindValue(root, key);
    if (found == nullptr) return std::nullopt;
    // Copied before it goes: `found` points into the map.
    ConfigNode value = *found;
    std::erase_if(root.entries, [&](const auto& entry) { return entry.key.scalar == key; });
    return value;
  };
  if (const auto pact = take("use_pact"); pact && pact->scalar == "true")
    set("activation_preprocess_type", "PACT", *pact);
  // PaddleClas: pact or quant.
  if (const auto name = take("name"); name && name->scalar == "pact")
    set("activation_preprocess_type", "PACT", *name);
  if (const auto observer = take("activation_quantizer")) {
    const std::string_view algo = Find(kQuantizers, observer->scalar);
    set("algo", algo.empty() ? observer->scalar : std::string(algo), *observer);
  }
  if (const auto observer = take("weight_quantizer")) {
    const bool by_channel = observer->scalar.starts_with("PerChannel");
    set("weight_quantize_type", by_channel ? "channel_wise_abs_max" : "abs_max", *observer);
  }
}

}  // namespace

void NormalizePaddle(ConfigNode& root, ReadContext& context) {
  if (root.kind != Kind::kMap) return;
  if (const ConfigNode* section = FindSection(root)) {
    if (root.entries.size() > 1)
      context.Inform(root.place,
                     "settings around those of quantization are for training, no effect");
    // Copied first: the section is a part of what it replaces.
    ConfigNode inner = *section;
    root = std::move(inner);
  }
  RenameKeys(root, context.problems);
  RenameValues(root);
}

}  // namespace qconvert
