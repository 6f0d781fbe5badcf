#include "crop_resize.h"

#include <array>
#include <span>
#include <vector>

namespace qconvert {
namespace {

// In double: positions of a source 8192 wide keep 2^-13 of a pixel in float, a level of 255 needs
// more.
std::string Double(const char* what, double value, InputNodes& nodes) {
  return nodes.Constant(what, MakeTensor<double>("", DataType::kDouble, {}, std::array{value}));
}

std::string Index(int64_t value, InputNodes& nodes) {
  return nodes.Constant("index", MakeInt64Tensor("", {}, std::array{value}));
}

// Positions in elements of the plane, [count].
std::string Positions(const std::string& first, const std::string& last, int64_t count,
                      int64_t step, InputNodes& nodes) {
  std::vector<double> shares;
  for (int64_t i = 0; i < count; ++i)
    shares.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(count));
  const std::string grid = nodes.Constant(
      "grid", MakeTensor<double>("", DataType::kDouble, {count}, std::span<const double>(shares)));
  const std::string past = nodes.Apply("Add", last, Double("one", 1, nodes));
  const std::string extent = nodes.Apply("Sub", past, first);
  // Edges of pixels, not centers: source edge = first + share * extent.
  std::string edge = nodes.Apply("Add", nodes.Apply("Mul", grid, extent), first);
  if (step != 1) edge = nodes.Apply("Div", edge, Double("step", static_cast<double>(step), nodes));
  return nodes.Apply("Sub", edge, Double("half", 0.5, nodes));
}

std::string Clipped(const std::string& values, const std::string& least, const std::string& most,
                    InputNodes& nodes) {
  return nodes.Apply("Max", nodes.Apply("Min", values, most), least);
}

// `weights` [count] along an axis of a plane.
std::string Times(const std::string& plane, const std::string& weights, int64_t axis,
                  InputNodes& nodes) {
  constexpr std::array<int64_t, 3> kRows = {-1, 1, 1};
  constexpr std::array<int64_t, 2> kColumns = {-1, 1};
  const std::string shape = nodes.Constant(
      "shape", axis == 1 ? MakeInt64Tensor("", {3}, kRows) : MakeInt64Tensor("", {2}, kColumns));
  return nodes.Apply("Mul", plane, nodes.Apply("Reshape", nodes.Cast(weights), shape));
}

// Rows (axis 1) or columns (axis 2) of the plane at these positions.
std::string Interpolated(const std::string& plane, const std::string& at, int64_t axis,
                         InputNodes& nodes) {
  const std::string one = Double("one", 1, nodes);
  const std::string half = Double("half", 0.5, nodes);
  const std::string size =
      nodes.Cast(nodes.Gather(nodes.Add("Shape", {plane}).outputs[0], Index(axis, nodes), 0),
                 DataType::kDouble);
  const std::string zero = Double("zero", 0, nodes);
  const std::string end = nodes.Apply("Sub", size, one);
  const std::string low = nodes.Add("Floor", {at}).outputs[0];
  const std::string share = nodes.Apply("Sub", at, low);  // of the higher neighbour
  const auto neighbour = [&](const std::string& index, const std::string& weight) {
    const std::string inside = nodes.Cast(Clipped(index, zero, end, nodes), DataType::kInt64);
    return Times(nodes.Gather(plane, inside, axis), weight, axis, nodes);
  };
  const std::string blend = nodes.Apply("Add", neighbour(low, nodes.Apply("Sub", one, share)),
                                        neighbour(nodes.Apply("Add", low, one), share));
  const std::string edges =
      Clipped(at, Double("start", -0.5, nodes), nodes.Apply("Sub", size, half), nodes);
  return Times(blend, nodes.Apply("Equal", at, edges), axis, nodes);
}

}  // namespace

std::string AddCropResize(const std::string& plane, const std::string& roi, const CropSize& size,
                          InputNodes& nodes) {
  const auto edge = [&](int64_t index) { return nodes.Gather(roi, Index(index, nodes), 1); };
  const std::string rows = Positions(edge(1), edge(3), size.height, size.step, nodes);
  const std::string columns = Positions(edge(0), edge(2), size.width, size.step, nodes);
  return Interpolated(Interpolated(plane, rows, 1, nodes), columns, 2, nodes);
}

}  // namespace qconvert
