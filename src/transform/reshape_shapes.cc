#include "reshape_shapes.h"

#include <algorithm>
#include <utility>

#include "qconvert/base/checked.h"

namespace qconvert {
namespace {

class ReshapeShapes : NodeSizes {
 public:
  using NodeSizes::NodeSizes;

  Shapes Find() const {
    if (node_.Is("Reshape")) return OfReshape();
    if (node_.Is("Flatten")) return OfFlatten();
    if (node_.Is("Squeeze")) return OfSqueeze();
    return node_.Is("Unsqueeze") ? OfUnsqueeze() : Shapes{};
  }

 private:
  Shapes OfSqueeze() const {
    const Shape shape = ShapeOf(0);
    const Numbers axes = Axes(1);
    if (!shape || !axes || axes->empty()) return {};
    std::vector<bool> gone(shape->size(), false);
    for (const int64_t one : *axes) {
      const auto axis = AxisOf(one, shape->size());
      if (!axis) return {};
      gone[*axis] = true;
    }
    Lengths out;
    for (size_t d = 0; d < shape->size(); ++d)
      if (!gone[d]) out.push_back((*shape)[d]);
    return {out};
  }

  Shapes OfUnsqueeze() const {
    const Shape shape = ShapeOf(0);
    const Numbers axes = Axes(1);
    if (!shape || !axes) return {};
    std::vector<bool> is_new(shape->size() + axes->size(), false);
    for (const int64_t one : *axes) {
      const auto axis = AxisOf(one, is_new.size());
      if (!axis || is_new[*axis]) return {};
      is_new[*axis] = true;
    }
    Lengths out;
    auto next = shape->begin();
    for (const bool one : is_new) out.push_back(one ? Exactly(1) : *next++);
    return {out};
  }

  Length ProductOf(Lengths lengths) const {
    // Symbols first: what they make is one that numbers divide again.
    std::stable_partition(lengths.begin(), lengths.end(),
                          [](const Length& length) { return !length.number; });
    Length product = Exactly(1);
    for (const Length& length : lengths) product = names_.Multiply(product, length);
    return product;
  }

  Shapes OfFlatten() const {
    const Shape shape = ShapeOf(0);
    if (!shape) return {};
    int64_t axis = node_.GetInt("axis", 1);
    axis += axis < 0 ? static_cast<int64_t>(shape->size()) : 0;
    if (axis < 0 || axis > static_cast<int64_t>(shape->size())) return {};
    const auto at = shape->begin() + axis;
    return {Lengths{ProductOf({shape->begin(), at}), ProductOf({at, shape->end()})}};
  }

  Shapes OfReshape() const {
    const Shape to = ElementsOf(1);
    const Shape from = ShapeOf(0);
    if (!to || node_.GetInt("allowzero", 0) != 0) return {};
    Lengths out;
    std::optional<size_t> open;
    for (size_t d = 0; d < to->size(); ++d) {
      const Length& length = (*to)[d];
      if (length.number == 0)
        out.push_back(from && d < from->size() ? (*from)[d] : Length{});
      else if (length.number && *length.number < 0)
        out.push_back({});
      else
        out.push_back(length);
      if (length.number && *length.number < 0) open = d;
    }
    if (open && from) out[*open] = Remaining(*from, out, *open);
    return {out};
  }

  // Elements of `from` over the product of the other dimensions of `to`.
  Length Remaining(Lengths from, const Lengths& to, size_t open) const {
    int64_t divisor = 1;
    for (size_t d = 0; d < to.size(); ++d) {
      if (d == open) continue;
      if (to[d].number) {
        const auto product = CheckedMul(divisor, *to[d].number);
        if (!product || *product <= 0) return {};
        divisor = *product;
        continue;
      }
      // The same symbol on both sides.
      const auto same = std::find(from.begin(), from.end(), to[d]);
      if (!to[d].is_exact() || same == from.end()) return {};
      from.erase(same);
    }
    return names_.Divide(ProductOf(std::move(from)), divisor);
  }
};

}  // namespace

Shapes ShapesOfReshapes(const Node& node, const KnownSizes& known, SizeNames& names) {
  return ReshapeShapes(node, known, names).Find();
}

}  // namespace qconvert
