// Quark's adaround and adaquant -> fast_finetune of Vitis, with Quark's defaults. Source: AMD
// Quark, quark/onnx/quantization/config/algorithm.py.
#include <fmt/format.h>

#include "quark/quark.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

struct Default {
  const char* key;
  const char* value;
};

// What acts, in both languages under one name.
constexpr const char* kCopied[] = {"num_iterations", "learning_rate", "batch_size",
                                   "data_size",      "fixed_seed",    "early_stop",
                                   "update_bias",    "drop_ratio",    "target_op_type"};
constexpr Default kAdaRound[] = {{"num_iterations", "1000"}, {"learning_rate", "0.1"}};
constexpr Default kAdaQuant[] = {{"num_iterations", "3000"}, {"learning_rate", "0.00001"}};
constexpr Default kBoth[] = {{"early_stop", "false"}, {"update_bias", "false"}};
// What says otherwise is not done.
constexpr Default kFixed[] = {{"num_batches", "1"}, {"output_index", "0"}, {"output_qdq", "false"}};

}  // namespace

void AddQuarkFinetuning(const ConfigNode& item, ReadContext& context, ConfigNode& out) {
  const ConfigNode& name = *item.Find("name");
  ChildOf(out, "include_fast_ft") = WordNode("true", name.place);
  ConfigNode& finetune = ChildOf(out, "fast_finetune");
  // Of several entries the first stays.
  if (finetune.kind == Kind::kMap) return;
  finetune = MapNode(name.place);
  ChildOf(finetune, "algorithm") = WordNode(name.scalar, name.place);
  for (const Default& one : kBoth) ChildOf(finetune, one.key) = WordNode(one.value);
  const auto& defaults = name.scalar == "adaround" ? kAdaRound : kAdaQuant;
  for (const Default& one : defaults) ChildOf(finetune, one.key) = WordNode(one.value);
  for (const char* key : kCopied)
    if (const ConfigNode* value = FindValue(item, key)) ChildOf(finetune, key) = *value;
  for (const Default& one : kFixed) {
    const ConfigNode* value = FindValue(item, one.key);
    if (value != nullptr && value->scalar != one.value)
      context.NotYet(value->place, fmt::format("{} {}", one.key, value->Shown()));
  }
  if (const ConfigNode* value = FindValue(item, "lr_adjust"))
    context.NotYet(value->place, "lr_adjust");
}

}  // namespace qconvert
