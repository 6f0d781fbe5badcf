#include "same_nodes.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace qconvert {
namespace {

bool IsSame(const Tensor* a, const Tensor* b) {
  return a == nullptr || b == nullptr ? a == b : HaveSameElements(*a, *b);
}

// Bodies and what is not looked into are not the same.
template <typename T>
bool IsSame(const Attribute& a, const Attribute& b) {
  const T* one = std::get_if<T>(&a.data);
  const T* other = std::get_if<T>(&b.data);
  if constexpr (std::is_same_v<T, Tensor>) {
    return one != nullptr && other != nullptr && HaveSameElements(*one, *other);
  } else {
    return one != nullptr && other != nullptr && *one == *other;
  }
}

bool IsSame(const Attribute& a, const Attribute& b) {
  return IsSame<float>(a, b) || IsSame<int64_t>(a, b) || IsSame<std::string>(a, b) ||
         IsSame<Tensor>(a, b) || IsSame<std::vector<float>>(a, b) ||
         IsSame<std::vector<int64_t>>(a, b) || IsSame<std::vector<std::string>>(a, b);
}

bool HaveSameAttributes(const Node& a, const Node& b) {
  return std::equal(a.attributes.begin(), a.attributes.end(), b.attributes.begin(),
                    b.attributes.end(), [](const auto& one, const auto& other) {
                      return one.first == other.first && IsSame(one.second, other.second);
                    });
}

bool AreAlike(const Graph& a, const Node& one, const Graph& b, const Node& other) {
  return one.op_type == other.op_type && one.domain == other.domain && one.inputs == other.inputs &&
         one.outputs == other.outputs && HaveSameAttributes(one, other) &&
         std::all_of(one.inputs.begin(), one.inputs.end(), [&](const std::string& input) {
           return IsSame(a.FindInitializer(input), b.FindInitializer(input));
         });
}

}  // namespace

bool AreSame(const Graph& a, const Node& one, const Graph& b, const Node& other) {
  return one.name == other.name && AreAlike(a, one, b, other);
}

bool ComputeTheSame(const Model& model, const Model& other) {
  const Graph& a = model.graph;
  const Graph& b = other.graph;
  const auto have_same_name = [](const Value& x, const Value& y) { return x.name == y.name; };
  const bool is_looked_into = model.functions.empty() && other.functions.empty() &&
                              a.sparse_initializers.empty() && b.sparse_initializers.empty();
  return is_looked_into && model.opsets == other.opsets && a.outputs.size() <= b.outputs.size() &&
         std::equal(a.inputs.begin(), a.inputs.end(), b.inputs.begin(), b.inputs.end(),
                    have_same_name) &&
         std::equal(a.outputs.begin(), a.outputs.end(), b.outputs.begin(), have_same_name) &&
         std::all_of(a.outputs.begin(), a.outputs.end(),
                     [&](const Value& output) {
                       return IsSame(a.FindInitializer(output.name),
                                     b.FindInitializer(output.name));
                     }) &&
         std::equal(
             a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(),
             [&](const Node& one, const Node& another) { return AreAlike(a, one, b, another); });
}

}  // namespace qconvert
