// Types of numbers in Horizon files, and what they mean for the tensors of a node.
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cctype>

#include "horizon/horizon.h"
#include "op_names.h"
#include "qconvert/config/name_pattern.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

bool EqualInAnyCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string OpTypeInAnyCase(const std::string& type) {
  // A name that is right wins over one that differs in case: there are Sum and sum.
  if (!FindOpTypes(type).empty()) return type;
  for (const std::string& known : KnownOpNames())
    if (EqualInAnyCase(known, type)) return known;
  return type;
}

// Names alone: the tool knows no patterns.
bool KeepFloatInHorizon(ConfigNode& root, const std::string& pattern) {
  if (PatternOfName(pattern) != pattern || SplitNames(pattern) != std::vector{pattern})
    return false;
  ConfigNode& nodes = ChildOf(ChildOf(root, "calibration_parameters"), "run_on_cpu");
  const std::string before = nodes.kind == Kind::kScalar ? nodes.scalar + ";" : "";
  nodes = WordNode(before + pattern);
  nodes.quoted = true;
  return true;
}

void KeepFloat(NodeSettings& tensors) {
  for (const TensorType type : kTensorTypes) tensors[type].datatype = Datatype::kFloat32;
}

void SetBits(const std::string& type, const ConfigNode& at,
             std::initializer_list<TensorSettings*> tensors, ConfigProblems& problems) {
  static const std::vector<std::string> types = {"int8", "int16", "float16", "float32"};
  if (std::find(types.begin(), types.end(), type) == types.end())
    return problems.Add(at.place, NotOneOf("type", type, types));
  for (TensorSettings* one : tensors) {
    if (type.starts_with("float")) {
      one->datatype = Datatype::kFloat32;
    } else {
      one->bit_width = type == "int8" ? 8 : 16;
    }
  }
}

void SetQuantType(const ConfigNode& type, NodeSettings& tensors, ReadContext& context) {
  const std::string& word = type.scalar;
  if (word == "float32" || word == "float16") {
    KeepFloat(tensors);
  } else if (word == "int32") {
    // The vendor's Softmax computes so; no ONNX kernel does, and floats are no worse.
    KeepFloat(tensors);
    context.Inform(type.place, "qtype int32: computed in float32");
  } else if (word == "int8" || word == "int16") {
    SetBits(word, type, {&tensors.activation, &tensors.input}, context.problems);
  } else if (word == "dual-int16") {
    SetBits("int16", type, {&tensors.activation, &tensors.input, &tensors.weights},
            context.problems);
  } else {
    const auto& known = QuantTypes();
    if (std::find(known.begin(), known.end(), word) == known.end())
      return context.problems.Add(type.place, NotOneOf("qtype", type.Shown(), known));
    context.problems.Add(type.place,
                         fmt::format("qtype is '{}', whose numbers no ONNX operator has, expected "
                                     "int8, int16, dual-int16, int32, float16 or float32",
                                     word));
  }
}

void SetTypePerInput(const ConfigNode& types, NodeSettings& tensors, ConfigProblems& problems) {
  for (const auto& [key, value] : types.entries) {
    if (!re2::RE2::FullMatch(key.scalar, "input\\d+")) {
      problems.Add(key.place, fmt::format("unknown key '{}', expected input0, input1", key.scalar));
    } else if (value.kind != Kind::kNull) {
      // Second inputs of nodes with weights are these; other nodes have one type for all inputs.
      SetBits(value.Shown(), value, {key.scalar == "input1" ? &tensors.weights : &tensors.input},
              problems);
    }
  }
}

void EvenOutChannels(const ConfigNode& at, ReadContext& context, QuantConfig& config) {
  config.equalization = Correction::kOn;
  context.Warn(at.place,
               "per_channel: a value has one scale for all of its channels; instead, weights in "
               "front of it and behind even them out where that helps (equalization)");
}

}  // namespace qconvert
