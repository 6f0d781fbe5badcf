#include "window_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "qconvert/base/checked.h"

namespace qconvert {
namespace {

class WindowShapes : NodeSizes {
 public:
  using NodeSizes::NodeSizes;

  Shapes Find() const {
    if (node_.Is("Conv")) return OfConv();
    if (node_.Is("ConvTranspose")) return OfConvTranspose();
    if (node_.Is("MaxPool") || node_.Is("AveragePool")) return OfPool();
    if (node_.Is("GlobalAveragePool") || node_.Is("GlobalMaxPool")) return OfGlobalPool();
    return node_.Is("Resize") ? OfResize() : Shapes{};
  }

 private:
  // A number for each axis of a window, or `fallback`.
  std::vector<int64_t> Ints(std::string_view key, size_t count, int64_t fallback) const {
    const auto* ints = node_.FindInts(key);
    return ints != nullptr && ints->size() == count ? *ints : std::vector<int64_t>(count, fallback);
  }

  // Convolution and pooling along one axis, by the sizes of the window and of its steps.
  Length Slide(const Length& size, int64_t window, int64_t stride, int64_t pads) const {
    const std::string padding = node_.GetString("auto_pad", "NOTSET");
    if (stride <= 0) return {};
    if (padding.starts_with("SAME")) return names_.Divide(names_.Add(size, stride - 1), stride);
    if (padding == "VALID") pads = 0;
    // Rounded up, a last window that would begin in the padding is left out.
    if (node_.GetInt("ceil_mode", 0) != 0)
      return names_.Derived(size, fmt::format("pool({},{},{})", window, stride, pads));
    return names_.Add(names_.Divide(names_.Add(size, pads - window), stride), 1);
  }

  Shape OfWindow(const Lengths& shape, const Length& channels, const Lengths& kernel) const {
    const size_t axes = shape.size() - 2;
    const auto strides = Ints("strides", axes, 1);
    const auto dilations = Ints("dilations", axes, 1);
    const auto pads = Ints("pads", 2 * axes, 0);
    Lengths out = {shape[0], channels};
    for (size_t d = 0; d < axes; ++d) {
      const auto window =
          kernel[d].number ? CheckedMul(*kernel[d].number - 1, dilations[d]) : std::nullopt;
      const auto sum = CheckedAdd(pads[d], pads[d + axes]);
      const bool is_known = window && sum && (pads[d] == pads[d + axes] || !IsCeil());
      out.push_back(is_known ? Slide(shape[d + 2], *window + 1, strides[d], *sum) : Length{});
    }
    return out;
  }
  bool IsCeil() const { return node_.GetInt("ceil_mode", 0) != 0; }

  Shapes OfConv() const {
    const Shape shape = ShapeOf(0);
    const Shape weight = ShapeOf(1);
    if (!shape || !weight || shape->size() < 3 || weight->size() != shape->size()) return {};
    return {OfWindow(*shape, (*weight)[0], {weight->begin() + 2, weight->end()})};
  }

  Shapes OfPool() const {
    const Shape shape = ShapeOf(0);
    const auto* kernel = node_.FindInts("kernel_shape");
    if (!shape || kernel == nullptr || shape->size() != kernel->size() + 2) return {};
    Lengths sizes;
    for (const int64_t size : *kernel) sizes.push_back(Exactly(size));
    const Shape out = OfWindow(*shape, (*shape)[1], sizes);
    return {out, out};
  }

  Shapes OfGlobalPool() const {
    Shape shape = ShapeOf(0);
    if (!shape || shape->size() < 2) return {};
    std::fill(shape->begin() + 2, shape->end(), Exactly(1));
    return {shape};
  }

  Shapes OfConvTranspose() const {
    const Shape shape = ShapeOf(0);
    const Shape weight = ShapeOf(1);
    if (!shape || !weight || shape->size() < 3 || weight->size() != shape->size()) return {};
    const size_t axes = shape->size() - 2;
    const auto strides = Ints("strides", axes, 1);
    const auto dilations = Ints("dilations", axes, 1);
    const auto pads = Ints("pads", 2 * axes, 0);
    const auto more = Ints("output_padding", axes, 0);
    const bool is_plain = node_.FindInts("output_shape") == nullptr &&
                          node_.GetString("auto_pad", "NOTSET") == "NOTSET";
    Lengths out = {(*shape)[0], names_.Multiply((*weight)[1], node_.GetInt("group", 1))};
    for (size_t d = 0; d < axes; ++d) {
      const auto window = (*weight)[d + 2].number
                              ? CheckedMul(*(*weight)[d + 2].number - 1, dilations[d])
                              : std::nullopt;
      const auto fits = [](int64_t n) { return n > -(1 << 20) && n < (1 << 20); };
      const bool is_known = is_plain && window && fits(*window) && fits(pads[d]) &&
                            fits(pads[d + axes]) && fits(more[d]) && fits(strides[d]);
      // stride (size - 1) + window + what is padded
      out.push_back(is_known
                        ? names_.Add(names_.Multiply((*shape)[d + 2], strides[d]),
                                     *window + 1 - strides[d] + more[d] - pads[d] - pads[d + axes])
                        : Length{});
    }
    return {out};
  }

  // By factors that are whole numbers or one over such.
  Length Scale(const Length& size, float factor) const {
    if (factor >= 1 && factor < 4096 && std::floor(factor) == factor)
      return names_.Multiply(size, static_cast<int64_t>(factor));
    const float divisor = 1 / factor;
    // Others are no exact floats, and what the engine rounds down may be one less.
    const bool is_power =
        divisor > 1 && divisor < 4096 && std::log2(divisor) == std::floor(std::log2(divisor));
    return is_power ? names_.Divide(size, static_cast<int64_t>(divisor)) : Length{};
  }

  Shapes OfResize() const {
    const Shape shape = ShapeOf(0);
    if (!shape || node_.FindInts("axes") != nullptr) return {};
    if (const Shape sizes = ElementsOf(3); sizes && sizes->size() == shape->size()) {
      const bool stretches = node_.GetString("keep_aspect_ratio_policy", "stretch") == "stretch";
      return {stretches ? *sizes : Lengths(shape->size())};
    }
    const Tensor* scales = node_.input(2).empty() ? nullptr : known_.constant(node_.input(2));
    if (scales == nullptr || scales->type != DataType::kFloat ||
        scales->element_count() != static_cast<int64_t>(shape->size()))
      return {Lengths(shape->size())};
    Lengths out;
    for (size_t d = 0; d < shape->size(); ++d)
      out.push_back(Scale((*shape)[d], scales->values<float>()[d]));
    return {out};
  }
};

}  // namespace

Shapes ShapesOfWindows(const Node& node, const KnownSizes& known, SizeNames& names) {
  return WindowShapes(node, known, names).Find();
}

}  // namespace qconvert
