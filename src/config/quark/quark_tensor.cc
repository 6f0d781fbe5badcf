// Tensor objects: {"spec": "XInt8Spec", "params": {...}}, or the five keys in full.
#include <fmt/format.h>

#include <array>
#include <string_view>

#include "quark/quark.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

constexpr std::string_view kSpec = "Spec";

// `text` without the prefix of a Python enumeration.
ConfigNode Plain(const ConfigNode& word) {
  ConfigNode out = word;
  out.scalar = word.scalar.substr(word.scalar.rfind('.') + 1);
  return out;
}

// What a spec of Quark's constructors stands for; granularity Tensor throughout.
QuarkTensor FromSpec(const ConfigNode& spec) {
  const std::string type = spec.scalar.substr(0, spec.scalar.size() - kSpec.size());
  const bool npu = type == "XInt8";
  const bool integer = type.starts_with("Int") || type.starts_with("UInt");
  const auto word = [&](std::string text) { return WordNode(std::move(text), spec.place); };
  return {.symmetric = word(type.starts_with("UInt") ? "false" : "true"),
          .scale_type = word(npu ? "PowerOf2" : "Float32"),
          .method = word(npu       ? "MinMSE"
                         : integer ? "Percentile"
                                   : "MinMax"),
          .granularity = word("Tensor"),
          .data_type = word(npu ? "Int8" : type)};
}

struct Member {
  const char* key;
  ConfigNode QuarkTensor::*node;
};
constexpr std::array kMembers = {Member{"symmetric", &QuarkTensor::symmetric},
                                 Member{"scale_type", &QuarkTensor::scale_type},
                                 Member{"calibration_method", &QuarkTensor::method},
                                 Member{"quant_granularity", &QuarkTensor::granularity},
                                 Member{"data_type", &QuarkTensor::data_type}};

}  // namespace

QuarkTensor ReadQuarkTensor(const ConfigNode& object, ReadContext& context) {
  QuarkTensor tensor;
  ConfigNode type_word;  // Int8 for XInt8
  const ConfigNode* spec = FindValue(object, "spec");
  const ConfigNode* params = FindValue(object, "params");
  if (spec != nullptr) tensor = FromSpec(*spec);
  // What is not written is as in the spec of the type.
  const ConfigNode* type = FindValue(object, "data_type");
  if (spec == nullptr && type != nullptr) {
    tensor = FromSpec(WordNode(Plain(*type).scalar + std::string(kSpec), type->place));
    type_word = tensor.data_type;
  }
  for (const auto& [key, node] : kMembers) {
    // The object's own keys last: they win over params.
    for (const ConfigNode* from : {params, &object}) {
      const ConfigNode* value = from == nullptr ? nullptr : FindValue(*from, key);
      if (value != nullptr) tensor.*node = Plain(*value);
    }
  }
  if (type_word.kind == ConfigNode::Kind::kScalar) tensor.data_type = type_word;
  // A refused value or spec is told already, and null.
  if (object.Find("spec") == nullptr && object.Find("data_type") == nullptr)
    context.problems.Add(object.place, "has no data_type, expected it or a spec");
  return tensor;
}

void SetQuarkType(const QuarkTensor& tensor, ReadContext& context, ConfigNode& out) {
  const ConfigNode& type = tensor.data_type;
  if (type.kind != ConfigNode::Kind::kScalar) return;
  const auto set = [&](const char* key, std::string value, const ConfigPlace& place) {
    ChildOf(out, key) = WordNode(std::move(value), place);
  };
  if (type.scalar == "Float16" || type.scalar == "BFloat16") {
    set("datatype", type.scalar == "Float16" ? "float16" : "bfloat16", type.place);
    return;
  }
  // Where the width begins in the word.
  const size_t digits = type.scalar.starts_with("Int")    ? 3
                        : type.scalar.starts_with("UInt") ? 4
                                                          : std::string::npos;
  if (digits == std::string::npos) {
    context.problems.Add(type.place,
                         fmt::format("data_type is '{}', whose blocks no ONNX operator has, "
                                     "expected an Int, UInt, Float16 or BFloat16 type",
                                     type.scalar));
    return;
  }
  // Symmetric UInt8 has its zero point at 128: the numbers of Int8. Asymmetric Int8 has those of
  // UInt8.
  set("datatype", "int", type.place);
  set("bit_width", type.scalar.substr(digits), type.place);
  if (tensor.symmetric.kind != ConfigNode::Kind::kScalar) return;
  set("symmetry", tensor.symmetric.scalar, tensor.symmetric.place);
  set("signed", tensor.symmetric.scalar, tensor.symmetric.place);
}

}  // namespace qconvert
