#include "block_ranges.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

// Of a step, in widths of the range: 500 steps to one side would be all of it.
constexpr float kRate = 0.002F;
// Bounds stay beyond this part of what they began with.
constexpr float kLeastPart = 1.0F / 16;

float WidthOf(Range range) { return range.max - range.min; }

float Bounded(float bound, float start) {
  return start < 0 ? std::min(bound, start * kLeastPart) : std::max(bound, start * kLeastPart);
}

}  // namespace

RoundingGrid RoundingGridOf(const QuantParams& params, const NumericFormat& format) {
  const float scale = params.scales[0];
  const auto zero = static_cast<float>(params.zero_points[0]);
  return {scale, (static_cast<float>(format.qmin) - zero) * scale,
          (static_cast<float>(format.qmax) - zero) * scale};
}

RoundingGrids GridsOf(const std::map<std::string, ValuePlan>& values) {
  RoundingGrids grids;
  for (const auto& [name, value] : values) {
    if (value.format.is_integer() && value.params.per_tensor())
      grids.emplace(name, RoundingGridOf(value.params, value.format));
  }
  return grids;
}

GridGradient& GridGradient::operator+=(const GridGradient& other) {
  inside += other.inside;
  below += other.below;
  above += other.above;
  return *this;
}

GridGradient GradientOfGrid(const RoundingGrid& grid, std::span<const float> by_rounded,
                            std::span<const float> added, std::span<const char> passes) {
  GridGradient out;
  for (size_t i = 0; i < added.size(); ++i) {
    if (passes[i] != 0) {
      out.inside += static_cast<double>(by_rounded[i]) * added[i];
    } else if (added[i] > 0) {
      out.below += by_rounded[i];
    } else {
      out.above += by_rounded[i];
    }
  }
  out.inside /= grid.scale;
  return out;
}

RangeVariables::RangeVariables(const std::map<std::string, ValuePlan>& values,
                               const std::set<std::string>& roots) {
  std::map<std::string, size_t> places;
  for (const auto& [name, value] : values) {
    if (!roots.contains(value.root)) continue;
    const auto [place, is_new] = places.emplace(value.root, all_.size());
    if (is_new) {
      const float rate = kRate * WidthOf(value.range);
      all_.push_back({value.root,
                      value.format,
                      value.range,
                      value.range,
                      value.range,
                      {},
                      Adam(1, FloatRow::Constant(2, rate))});
    }
    all_[place->second].values.push_back(name);
    of_value_.emplace(name, place->second);
  }
}

FloatMatrix RangeVariables::GradientOf(const Variable& variable, const GridGradient& by_grid) {
  const NumericFormat& format = variable.format;
  FloatMatrix out = FloatMatrix::Zero(1, 2);
  if (format.symmetric) {
    const double steps = static_cast<double>(format.qmax) - format.zero;
    const double below = (static_cast<double>(format.zero) - format.qmin) / steps;
    out(0, 1) = static_cast<float>(by_grid.inside / steps + by_grid.above - below * by_grid.below);
    return out;
  }
  const double steps = static_cast<double>(format.qmax) - format.qmin;
  if (variable.start.min < 0)
    out(0, 0) = static_cast<float>(-by_grid.inside / steps + by_grid.below);
  if (variable.start.max > 0)
    out(0, 1) = static_cast<float>(by_grid.inside / steps + by_grid.above);
  return out;
}

void RangeVariables::Step(std::span<const std::string> values,
                          std::span<const GridGradient> gradients) {
  QCONVERT_CHECK(values.size() == gradients.size());
  std::vector<GridGradient> sums(all_.size());
  for (size_t v = 0; v < values.size(); ++v) {
    const auto of = of_value_.find(values[v]);
    if (of != of_value_.end()) sums[of->second] += gradients[v];
  }
  for (size_t k = 0; k < all_.size(); ++k) {
    Variable& one = all_[k];
    FloatMatrix bounds(1, 2);
    const float largest = std::max(-one.range.min, one.range.max);
    bounds << one.range.min, one.format.symmetric ? largest : one.range.max;
    one.adam.Step(GradientOf(one, sums[k]), bounds);
    if (one.format.symmetric) {
      const float start = std::max(-one.start.min, one.start.max);
      const float part = Bounded(bounds(0, 1), start) / start;
      one.range = {part * one.start.min, part * one.start.max};
    } else {
      one.range = {Bounded(bounds(0, 0), one.start.min), Bounded(bounds(0, 1), one.start.max)};
    }
  }
}

void RangeVariables::Put(const Variable& variable, Range range, RoundingGrids& grids) {
  const RoundingGrid grid =
      RoundingGridOf(ParamsFromRange(range, variable.format), variable.format);
  for (const std::string& value : variable.values) grids.insert_or_assign(value, grid);
}

void RangeVariables::PutCurrent(RoundingGrids& grids) const {
  for (const Variable& one : all_) Put(one, one.range, grids);
}

void RangeVariables::PutBest(RoundingGrids& grids) const {
  for (const Variable& one : all_) Put(one, one.best, grids);
}

void RangeVariables::KeepCurrent() {
  for (Variable& one : all_) one.best = one.range;
}

LearnedRanges RangeVariables::Changed() const {
  LearnedRanges out;
  for (const Variable& one : all_)
    if (one.best != one.start) out.emplace(one.root, one.best);
  return out;
}

}  // namespace qconvert
