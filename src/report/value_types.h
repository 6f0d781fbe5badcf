// Declared or inferred types of values.
#ifndef QCONVERT_SRC_REPORT_VALUE_TYPES_H_
#define QCONVERT_SRC_REPORT_VALUE_TYPES_H_

#include <algorithm>
#include <string>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

// Null where nothing is known.
inline const ValueType* FindValueType(const Graph& graph, const std::string& value) {
  const auto it = graph.value_info.find(value);
  if (it != graph.value_info.end()) return &it->second.type;
  for (const auto* list : {&graph.outputs, &graph.inputs}) {
    const auto found = std::find_if(list->begin(), list->end(),
                                    [&](const Value& one) { return one.name == value; });
    if (found != list->end()) return &found->type;
  }
  return nullptr;
}

inline const std::vector<Dim>* FindShape(const Graph& graph, const std::string& value) {
  const ValueType* type = FindValueType(graph, value);
  return type == nullptr || !type->shape ? nullptr : &*type->shape;
}

// True when every dimension is a number.
inline bool HasFixedShape(const Graph& graph, const std::string& value) {
  const std::vector<Dim>* shape = FindShape(graph, value);
  return shape != nullptr &&
         std::all_of(shape->begin(), shape->end(), [](const Dim& dim) { return dim.known(); });
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_VALUE_TYPES_H_
