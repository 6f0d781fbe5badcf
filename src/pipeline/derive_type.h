// Types that follow from those of a node's inputs.
#ifndef QCONVERT_SRC_PIPELINE_DERIVE_TYPE_H_
#define QCONVERT_SRC_PIPELINE_DERIVE_TYPE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Whether a shape has the rank that is said and every number of it.
bool IsAsSaid(const std::vector<Dim>& said, const std::vector<Dim>& found);

// Whether DeriveType knows the operator: element by element, normalizations, products, Conv, to
// codes and back. All of these write one value.
bool MayDerive(const Node& node);

// The type of what the node writes, as the engine infers it; nothing where a type is not known, or
// one of its dimensions is neither a number nor a name, or does not follow. `type_of` gives null
// for unknown values.
std::optional<ValueType> DeriveType(
    const Node& node, const std::function<const ValueType*(const std::string&)>& type_of);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_DERIVE_TYPE_H_
