// algo_config. adaround and adaquant become fast_finetune of Vitis, with Quark's defaults. Source:
// AMD Quark, quark/onnx/quantization/config/algorithm.py.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

#include "quark/quark.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

struct Default {
  const char* key;
  const char* value;
};

// What acts, in both languages under one name; reconstruction is ours.
constexpr const char* kCopied[] = {"num_iterations", "learning_rate", "batch_size",  "data_size",
                                   "fixed_seed",     "early_stop",    "update_bias", "drop_ratio",
                                   "target_op_type", "reconstruction"};
constexpr Default kAdaRound[] = {{"num_iterations", "1000"}, {"learning_rate", "0.1"}};
constexpr Default kAdaQuant[] = {{"num_iterations", "3000"}, {"learning_rate", "0.00001"}};
constexpr Default kBoth[] = {{"early_stop", "false"}, {"update_bias", "false"}};
// What says otherwise has no effect.
constexpr Default kFixed[] = {{"num_batches", "1"}, {"output_index", "0"}, {"output_qdq", "false"}};

void AddFinetuning(const ConfigNode& item, ReadContext& context, ConfigNode& out) {
  // The caller has seen that it is there.
  const ConfigNode& name = *item.Find("name");
  ChildOf(out, "include_fast_ft") = WordNode("true", name.place);
  ConfigNode& finetune = ChildOf(out, "fast_finetune");
  // Of several entries the first stays, as with the vendor's tool.
  if (finetune.kind == Kind::kMap) {
    context.Warn(name.place,
                 fmt::format("{} has no effect, {} ({}) stands in front of it", name.scalar,
                             finetune.Find("algorithm")->scalar, finetune.place.Text()));
    return;
  }
  finetune = MapNode(name.place);
  ChildOf(finetune, "algorithm") = WordNode(name.scalar, name.place);
  // Written out: Quark's defaults are not those of the Vitis language.
  for (const Default& one : kBoth) ChildOf(finetune, one.key) = WordNode(one.value);
  const auto& defaults = name.scalar == "adaround" ? kAdaRound : kAdaQuant;
  for (const Default& one : defaults) ChildOf(finetune, one.key) = WordNode(one.value);
  for (const char* key : kCopied)
    if (const ConfigNode* value = FindValue(item, key)) ChildOf(finetune, key) = *value;
  for (const Default& one : kFixed) {
    const ConfigNode* value = FindValue(item, one.key);
    if (value != nullptr && value->scalar != one.value) {
      context.Warn(value->place, fmt::format("{} {} has no effect, {} holds", one.key,
                                             value->Shown(), one.value));
    }
  }
  const ConfigNode* early = FindValue(item, "early_stop");
  if (name.scalar == "adaround" && early != nullptr && AsBool(*early)) {
    context.Warn(early->place,
                 "early_stop has no effect with adaround: it ends when all weights "
                 "are at codes");
  }
  const ConfigNode* adjust = FindValue(item, "lr_adjust");
  if (adjust != nullptr && !adjust->items.empty())
    context.Warn(adjust->place, "lr_adjust has no effect, the rate stays");
}

// What the scheme leaves an algorithm nothing to do for.
void TellIdleWithScheme(const ConfigNode& name, const ConfigNode& out, ReadContext& context) {
  const ConfigNode* scheme = FindValue(out, "scheme");
  if (scheme == nullptr) return;
  const bool is_dynamic = scheme->scalar == "dynamic";
  std::string_view why;
  if (name.scalar == "bias_correction" && (is_dynamic || scheme->scalar == "weight-only"))
    why = "biases of integer kernels alone are corrected";
  if (is_dynamic &&
      (name.scalar == "gptq" || name.scalar == "adaround" || name.scalar == "adaquant"))
    why = "weights of nodes that are quantized at run time stay";
  if (why.empty()) return;
  context.Warn(name.place, fmt::format("{} has no effect with scheme {} ({}): {}", name.scalar,
                                       scheme->scalar, scheme->place.Text(), why));
}

// Parameters that change what the vendor's tool does, and nothing here.
void TellIdle(const ConfigNode& item, const SettingTable& table, ReadContext& context) {
  const std::string& name = item.Find("name")->scalar;
  // Told where they are read, with what holds instead.
  constexpr std::string_view kTold[] = {"num_batches", "output_index", "output_qdq", "lr_adjust",
                                        "alpha"};
  // All of it is told already.
  if (name == "auto_mixprecision" || name == "quarot") return;
  for (const auto& [key, value] : item.entries) {
    const Setting* setting = table.Find(key.scalar);
    const bool acts = setting == nullptr || setting->kind != Setting::Kind::kAnything;
    if (acts || value.kind == Kind::kNull ||
        std::find(std::begin(kTold), std::end(kTold), key.scalar) != std::end(kTold)) {
      continue;
    }
    context.Warn(value.place, fmt::format("{} of {} has no effect", key.scalar, name));
  }
}

// Equalization takes normalizations for first layers, with the square root of both sides.
void AddSmoothQuant(const ConfigNode& item, const ConfigNode& name, ReadContext& context) {
  constexpr double kAlpha = 0.5;
  context.Inform(name.place,
                 "smooth_quant: channels behind normalizations go into the weights behind "
                 "them, by the ranges that a normalization gives, with alpha 0.5");
  const ConfigNode* alpha = FindValue(item, "alpha");
  if (alpha != nullptr && FindNumber(alpha->scalar) != kAlpha)
    context.Warn(alpha->place, fmt::format("alpha is 0.5, not {}", alpha->Shown()));
}

void AddAlgorithm(const ConfigNode& item, ReadContext& context, ConfigNode& out) {
  static const std::map<std::string, std::string, std::less<>> kKeys = {
      {"cle", "include_cle"},
      {"smooth_quant", "include_cle"},
      {"bias_correction", "include_bias_corr"},
      {"gptq", "second_order_rounding"}};
  const ConfigNode& name = *item.Find("name");
  const auto key = kKeys.find(name.scalar);
  if (key != kKeys.end()) ChildOf(out, key->second) = WordNode("true", name.place);
  if (name.scalar == "adaround" || name.scalar == "adaquant") AddFinetuning(item, context, out);
  if (name.scalar == "smooth_quant") AddSmoothQuant(item, name, context);
  if (name.scalar == "auto_mixprecision") {
    context.Warn(name.place,
                 "auto_mixprecision: no other type is tried, nodes that cost too much are put back "
                 "to float by the guard");
  }
  if (name.scalar == "quarot") context.Warn(name.place, "quarot has no effect: nothing is rotated");
}

}  // namespace

void AddQuarkAlgorithms(const ConfigNode& root, ReadContext& context, ConfigNode& out) {
  const ConfigNode* list = FindValue(root, "algo_config");
  if (list == nullptr) return;
  if (list->kind != Kind::kSequence) {
    context.problems.Add(list->place,
                         fmt::format("algo_config is '{}', expected a list", list->Shown()));
    return;
  }
  // A copy: the check changes what it looks at.
  for (ConfigNode item : list->items) {
    if (item.kind == Kind::kNull) continue;
    const ConfigNode* name = item.Find("name");
    if (name == nullptr || name->kind != Kind::kScalar) {
      context.problems.Add(item.place, "algo_config expects maps with a name");
      continue;
    }
    const SettingTable* table = FindQuarkAlgorithm(name->scalar);
    if (table == nullptr) {
      context.problems.Add(name->place, NotOneOf("name", name->scalar, QuarkAlgorithms()));
      continue;
    }
    CheckSettings(item, *table, context.problems, context.notes);
    AddAlgorithm(item, context, out);
    TellIdleWithScheme(*name, out, context);
    TellIdle(item, *table, context);
  }
}

}  // namespace qconvert
