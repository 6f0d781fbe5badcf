// Declared or inferred types of values, on one level of a graph; constants have their own.
#ifndef QCONVERT_IR_VALUE_TYPES_H_
#define QCONVERT_IR_VALUE_TYPES_H_

#include <algorithm>
#include <string_view>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Null where nothing is known. What was inferred says more than what a file declares of its ends.
inline const ValueType* FindValueType(const Graph& graph, std::string_view value) {
  const auto it = graph.value_info.find(value);
  if (it != graph.value_info.end()) return &it->second.type;
  for (const auto* list : {&graph.outputs, &graph.inputs}) {
    const auto found = std::find_if(list->begin(), list->end(),
                                    [&](const Value& one) { return one.name == value; });
    if (found != list->end()) return &found->type;
  }
  return nullptr;
}

inline const std::vector<Dim>* FindShape(const Graph& graph, std::string_view value) {
  const ValueType* type = FindValueType(graph, value);
  return type == nullptr || !type->shape ? nullptr : &*type->shape;
}

// True when every dimension is a number.
inline bool HasFixedShape(const Graph& graph, std::string_view value) {
  const std::vector<Dim>* shape = FindShape(graph, value);
  return shape != nullptr &&
         std::all_of(shape->begin(), shape->end(), [](const Dim& dim) { return dim.known(); });
}

}  // namespace qconvert

#endif  // QCONVERT_IR_VALUE_TYPES_H_
