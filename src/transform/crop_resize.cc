#include "crop_resize.h"

#include <array>
#include <span>
#include <utility>
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
  // The region's last pixel belongs to it.
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
class AxisSampler {
 public:
  AxisSampler(std::string plane, std::string at, int64_t axis, InputNodes& nodes)
      : plane_(std::move(plane)), at_(std::move(at)), axis_(axis), nodes_(nodes) {
    one_ = Double("one", 1, nodes);
    size_ = nodes.Cast(nodes.Gather(nodes.Add("Shape", {plane_}).outputs[0], Index(axis, nodes), 0),
                       DataType::kDouble);
  }

  std::string Sampled(const Crop& crop) {
    const std::string values = crop.interp == InterpMode::kNearest ? Nearest() : Bilinear();
    return crop.pad == PadMode::kBorder ? values : Inside(values);
  }

 private:
  std::string Half() { return Double("half", 0.5, nodes_); }

  std::string Floor(const std::string& values) { return nodes_.Add("Floor", {values}).outputs[0]; }

  // The elements at these indices, or those of the edge.
  std::string Taken(const std::string& indices) {
    const std::string end = nodes_.Apply("Sub", size_, one_);
    const std::string inside = Clipped(indices, Double("zero", 0, nodes_), end, nodes_);
    return nodes_.Gather(plane_, nodes_.Cast(inside, DataType::kInt64), axis_);
  }

  // Halves go up; Round would take them to the even neighbour.
  std::string Nearest() { return Taken(Floor(nodes_.Apply("Add", at_, Half()))); }

  std::string Bilinear() {
    const std::string low = Floor(at_);
    const std::string share = nodes_.Apply("Sub", at_, low);  // of the higher neighbour
    const std::string of_low = nodes_.Apply("Sub", one_, share);
    const std::string first = Times(Taken(low), of_low, axis_, nodes_);
    const std::string second = Taken(nodes_.Apply("Add", low, one_));
    return nodes_.Apply("Add", first, Times(second, share, axis_, nodes_));
  }

  // 0 where a position is outside the plane.
  std::string Inside(const std::string& values) {
    // Inside is where clipping leaves the position as it is.
    const std::string edges =
        Clipped(at_, Double("start", -0.5, nodes_), nodes_.Apply("Sub", size_, Half()), nodes_);
    return Times(values, nodes_.Apply("Equal", at_, edges), axis_, nodes_);
  }

  const std::string plane_;
  const std::string at_;
  const int64_t axis_;
  InputNodes& nodes_;
  std::string one_;
  std::string size_;
};

}  // namespace

std::string AddCropResize(const std::string& plane, const std::string& roi, const Crop& crop,
                          InputNodes& nodes) {
  const auto edge = [&](int64_t index) { return nodes.Gather(roi, Index(index, nodes), 1); };
  const std::string rows = Positions(edge(1), edge(3), crop.height, crop.step, nodes);
  const std::string columns = Positions(edge(0), edge(2), crop.width, crop.step, nodes);
  const std::string cut = AxisSampler(plane, rows, 1, nodes).Sampled(crop);
  return AxisSampler(cut, columns, 2, nodes).Sampled(crop);
}

}  // namespace qconvert
