// Ranges of the values of a block as variables of an optimizer, and the grids that they make.
#ifndef QCONVERT_SRC_WEIGHTS_BLOCK_RANGES_H_
#define QCONVERT_SRC_WEIGHTS_BLOCK_RANGES_H_

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "learned_codes.h"
#include "qconvert/numbers/half_even.h"
#include "qconvert/numbers/quant_params.h"
#include "qconvert/plan/plan.h"

namespace qconvert {

// The grid of a value: codes of [low, high] in steps of `scale`.
struct RoundingGrid {
  float scale = 1;
  float low = 0;
  float high = 0;

  float Rounded(float x) const {
    const float code = std::min(std::max(x, low), high) / scale;
    return RoundHalfEven(code) * scale;  // codes of 16 bits lie far below 2^22
  }
  bool operator==(const RoundingGrid&) const = default;
};
RoundingGrid RoundingGridOf(const QuantParams& params, const NumericFormat& format);

using RoundingGrids = std::map<std::string, RoundingGrid>;  // by value
// Of all values with integer parameters for the whole tensor.
RoundingGrids GridsOf(const std::map<std::string, ValuePlan>& values);

// Of a loss by the grid Q of a value, g being its gradient by Q(x). A number within the grid gives
// its scale what rounding added to it, with a gradient that passes the rounding itself unchanged
// (Esser et al. 2020, "Learned Step Size Quantization", equation 3); one beyond it is the bound
// (Choi et al. 2018, "PACT: Parameterized Clipping Activation for Quantized Neural Networks",
// equation 3):
//
//   inside = sum of g (Q(x) - x) / scale over low <= x <= high
//   below  = sum of g over x < low,     above = sum of g over x > high
struct GridGradient {
  double inside = 0;
  double below = 0;
  double above = 0;

  GridGradient& operator+=(const GridGradient& other);
};

// `added`: Q(x) - x, 0 where x was not rounded; `passes`: whether x was within the grid.
GridGradient GradientOfGrid(const RoundingGrid& grid, std::span<const float> by_rounded,
                            std::span<const float> added, std::span<const char> passes);

// One range for all values of a root. A bound that is 0 stays 0, and 0 stays in the range. With a
// scale s = (high - low) / steps and the zero point, an integer, as it comes:
//
//   by high = inside / steps + above,   by low = -inside / steps + below
//
// and for a symmetric format with bounds high and -r high, of `steps` above zero, one variable
//
//   by high = inside / steps + above - r below
class RangeVariables {
 public:
  // `roots`: of values of the plan.
  RangeVariables(const std::map<std::string, ValuePlan>& values,
                 const std::set<std::string>& roots);

  bool empty() const { return all_.empty(); }
  // One step of Adam for every root; what gradients are of: values, in any order.
  void Step(std::span<const std::string> values, std::span<const GridGradient> gradients);
  // The grids of now, and those of the best ranges, to all values of the roots.
  void PutCurrent(RoundingGrids& grids) const;
  void PutBest(RoundingGrids& grids) const;
  void KeepCurrent();
  // Best ranges by root, those that are not what they began with.
  LearnedRanges Changed() const;

 private:
  struct Variable {
    std::string root;
    NumericFormat format;
    Range start;
    Range range;
    Range best;
    std::vector<std::string> values;
    Adam adam;
  };
  static FloatMatrix GradientOf(const Variable& variable, const GridGradient& by_grid);
  static void Put(const Variable& variable, Range range, RoundingGrids& grids);

  std::vector<Variable> all_;  // by root
  std::map<std::string, size_t> of_value_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_BLOCK_RANGES_H_
