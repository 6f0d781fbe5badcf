// What is known of the sizes around a node.
#ifndef QCONVERT_SRC_TRANSFORM_NODE_SIZES_H_
#define QCONVERT_SRC_TRANSFORM_NODE_SIZES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "size_names.h"

namespace qconvert {

using Shape = std::optional<Lengths>;  // nothing where the rank is unknown
using Shapes = std::vector<Shape>;     // by output
using Numbers = std::optional<std::vector<int64_t>>;

struct KnownSizes {
  std::function<Shape(const std::string&)> shape;
  std::function<Shape(const std::string&)> elements;  // of small int64 tensors
  std::function<const Tensor*(const std::string&)> constant;
};

// `axis` counted from the front; nothing where there is none of that number.
inline std::optional<size_t> AxisOf(int64_t axis, size_t rank) {
  axis += axis < 0 ? static_cast<int64_t>(rank) : 0;
  if (axis < 0 || axis >= static_cast<int64_t>(rank)) return std::nullopt;
  return static_cast<size_t>(axis);
}

// The same by inputs of a node; nothing of those that are left out.
class NodeSizes {
 public:
  NodeSizes(const Node& node, const KnownSizes& known, SizeNames& names)
      : node_(node), known_(known), names_(names) {}

 protected:
  Shape ShapeOf(size_t slot) const {
    return node_.input(slot).empty() ? std::nullopt : known_.shape(node_.input(slot));
  }
  Shape ElementsOf(size_t slot) const {
    return node_.input(slot).empty() ? std::nullopt : known_.elements(node_.input(slot));
  }
  // Elements that are all numbers.
  Numbers NumbersOf(size_t slot) const {
    const Shape elements = ElementsOf(slot);
    if (!elements) return std::nullopt;
    std::vector<int64_t> out;
    for (const Length& one : *elements) {
      if (!one.number) return std::nullopt;
      out.push_back(*one.number);
    }
    return out;
  }

  // Axes as an attribute or, in newer opsets, as input `slot`; empty where the node names none.
  Numbers Axes(size_t slot) const {
    if (const auto* axes = node_.FindInts("axes")) return *axes;
    return node_.input(slot).empty() ? Numbers(std::vector<int64_t>{}) : NumbersOf(slot);
  }
  const Node& node_;
  const KnownSizes& known_;
  SizeNames& names_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_NODE_SIZES_H_
