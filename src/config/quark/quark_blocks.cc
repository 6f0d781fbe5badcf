// Weights of few bits in blocks. Source: AMD Quark, MatMulNBitsParams in the appendix of its full
// configuration.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "quark/quark.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

struct Parameter {
  const char* name;
  const char* key;  // of weights; null: it says no number of theirs
  const char* fallback;
};

constexpr Parameter kParameters[] = {{"GroupSize", "block_size", "128"},
                                     {"Bits", "bit_width", "4"},
                                     {"Symmetric", "symmetry", "true"},
                                     {"Algorithm", nullptr, "DEFAULT"},
                                     {"AccuracyLevel", nullptr, "0"},
                                     // of its algorithms
                                     {"PercDamp", nullptr, "0.01"},
                                     {"BlockSize", nullptr, "128"},
                                     {"ActOrder", nullptr, "false"},
                                     {"PerChannel", nullptr, "false"}};
constexpr size_t kOwnParameters = 4;  // those behind make no difference here

void CheckParameters(const ConfigNode& given, ReadContext& context) {
  std::vector<std::string> names;
  for (const Parameter& one : kParameters) names.emplace_back(one.name);
  const std::vector<std::string> idle(names.begin() + kOwnParameters, names.end());
  for (const auto& [key, value] : given.entries) {
    if (std::find(names.begin(), names.end(), key.scalar) == names.end())
      context.problems.Add(key.place, NotOneOf("key of MatMulNBitsParams", key.scalar, names));
    if (std::find(idle.begin(), idle.end(), key.scalar) != idle.end())
      context.Inform(value.place, fmt::format("{} makes no difference here", key.scalar));
  }
}

}  // namespace

void AddQuarkBlocks(const ConfigNode& root, ReadContext& context, ConfigNode& out,
                    ConfigNode& tensors) {
  const ConfigNode& options = *FindValue(root, "extra_options");
  const ConfigPlace& place = FindValue(options, "UseMatMulNBits")->place;
  const ConfigNode* given = FindValue(options, "MatMulNBitsParams");
  // Else all of them would be taken for not given.
  if (given != nullptr && given->kind != ConfigNode::Kind::kMap) {
    context.problems.Add(given->place,
                         fmt::format("MatMulNBitsParams is '{}', expected a map", given->Shown()));
  }
  const ConfigNode none = MapNode(place);
  const ConfigNode& parameters = given == nullptr ? none : *given;
  CheckParameters(parameters, context);
  ConfigNode& weights = ChildOf(tensors, "weights");
  for (const auto& [key, word] : {std::pair{"method", "maxmin"},
                                  {"scale_type", "float"},
                                  {"per_channel", "true"},
                                  {"signed", "true"}})
    ChildOf(weights, key) = WordNode(word, place);
  for (const Parameter& one : kParameters) {
    const ConfigNode* value = FindValue(parameters, one.name);
    if (one.key != nullptr)
      ChildOf(weights, one.key) = value == nullptr ? WordNode(one.fallback, place) : *value;
  }
  if (ConfigNode& symmetry = ChildOf(weights, "symmetry"); symmetry.scalar == "false") {
    context.Warn(symmetry.place, "Symmetric false: blocks have zero point 0, true holds");
    symmetry.scalar = "true";
  }
  // All in float: an entry for MatMul behind these makes codes of its weights again.
  for (auto& [type, object] : tensors.entries)
    ChildOf(object, "datatype") = WordNode("float32", place);
  ChildOf(out, "matmul_nbits") = WordNode("true", place);
  // The key itself wins; quant_mode and use_dynamic_quant are looked at behind.
  if (FindValue(out, "scheme") == nullptr) ChildOf(out, "scheme") = WordNode("weight-only", place);
  const ConfigNode* algorithm = FindValue(parameters, "Algorithm");
  if (algorithm == nullptr || algorithm->scalar == "DEFAULT") return;
  if (algorithm->scalar == "GPTQ") {
    ChildOf(out, "second_order_rounding") = WordNode("true", algorithm->place);
  } else if (algorithm->scalar == "HQQ") {
    context.Warn(algorithm->place,
                 "Algorithm HQQ: scales are those of the largest weights of a block, as "
                 "DEFAULT has them");
  } else {
    context.problems.Add(algorithm->place,
                         NotOneOf("Algorithm", algorithm->Shown(), {"DEFAULT", "GPTQ", "HQQ"}));
  }
}

}  // namespace qconvert
