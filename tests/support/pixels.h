// What preprocessing nodes are held against: pixels by their definitions.
#ifndef QCONVERT_TESTS_SUPPORT_PIXELS_H_
#define QCONVERT_TESTS_SUPPORT_PIXELS_H_

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "qconvert/transform/insert_preprocessing.h"

namespace qconvert {

inline constexpr double kLevelTolerance = 1e-4;  // of a level

using Pixel = std::array<double, 3>;

// Y, U, V of JPEG BT.601 as the vendor's node has them, and of ITU-R BT.601 8 bit to more digits
// than levels in double precision tell apart.
inline Pixel ReferencePixel(const InputSettings& input, const Pixel& p) {
  const bool from_yuv = input.kind_rt == InputKind::kNv12 || input.kind_rt == InputKind::kYuv444;
  if (input.kind_train == InputKind::kYuv444 || input.kind_train == InputKind::kGray) return p;
  if (!from_yuv) return input.kind_rt == input.kind_train ? p : Pixel{p[2], p[1], p[0]};
  const double u = p[1] - 128;
  const double v = p[2] - 128;
  Pixel rgb{p[0] + 1.4017 * v, p[0] - 0.3437 * u - 0.7142 * v, p[0] + 1.7722 * u};
  if (input.range == YuvRange::kVideo) {
    const double y = 1.1643835616438356 * (p[0] - 16);
    rgb = {y + 1.5960267857142858 * v, y - 0.39176229009491361 * u - 0.81296764723777068 * v,
           y + 2.0172321428571428 * u};
  }
  if (input.kind_train == InputKind::kBgr) std::swap(rgb[0], rgb[2]);
  return rgb;
}

inline InputSettings CameraInput(InputKind rt, InputKind train) {
  return {.name = "x", .kind_rt = rt, .kind_train = train, .layout_train = InputLayout::kNchw};
}

inline std::string TextOfInputs(const Graph& graph) {
  std::string out;
  for (const Value& input : graph.inputs) {
    out += fmt::format("{} {}", input.name, DataTypeName(input.type.element));
    for (const Dim& dim : *input.type.shape) out += fmt::format(" {}", dim.value);
    out += "; ";
  }
  return out;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_PIXELS_H_
