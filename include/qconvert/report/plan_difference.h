// How far one result of a conversion is from another, or from new samples: what qconvert diff
// tells.
#ifndef QCONVERT_REPORT_PLAN_DIFFERENCE_H_
#define QCONVERT_REPORT_PLAN_DIFFERENCE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/calibration/calibration_table.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/report/model_difference.h"

namespace qconvert {

// Parameters of a value or a weight that are not what they were.
struct MovedGrid {
  std::string name;
  std::string before;  // "uint8, scale 0.02, zero point 3"
  std::string after;
  std::string what;   // of that alone what is not the same: "scale 0.02 -> 0.03"
  double change = 0;  // greatest |log2(scale after / before)| of its slices; infinite: another type
};

// A value that takes numbers which its codes cannot.
struct ClippedValue {
  std::string name;
  Range seen;
  Range codes;                   // what they reach
  double range = 0;              // share of the range seen that lies outside
  std::optional<double> values;  // share of the values, at least; known of samples only
};

struct PlanDifference {
  std::string a;  // as the user named them
  std::string b;
  bool is_of_samples = false;         // b is samples, not a result
  std::vector<Difference> origin;     // version, engine, hashes: found is b's, expected is a's
  std::vector<Difference> choices;    // scheme, and nodes computed otherwise, with the reason
  std::vector<MovedGrid> moved;       // most first
  std::vector<ClippedValue> clipped;  // most first
  std::vector<std::string> only_a;    // values that have codes in one of them only
  std::vector<std::string> only_b;
  // Budgets; what is not given is not asked for.
  std::optional<double> max_clipped;  // share of values, of two results of the range
  std::optional<double> max_moved;    // |after / before - 1| of a scale

  bool is_equal() const;
  // Which budget is missed, in words; empty: none.
  std::string Missed() const;
};

// Result b against result a. Clipped is what a calibrated and codes of b do not reach.
PlanDifference DiffPlans(const PlanFile& a, const PlanFile& b);

// Samples against result a: what they hold and codes of a do not reach. A code's rounding reaches
// half a step further. Shares of values are counted in whole bins of the histogram.
PlanDifference DiffSamples(const PlanFile& a, const CalibrationTable& seen);

// The table for people, 80 columns wide, longer rows broken; at most `shown` rows of each kind.
std::string FormatPlanDifference(const PlanDifference& difference, size_t shown);
std::string PlanDifferenceJson(const PlanDifference& difference, const std::string& exit_class);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_PLAN_DIFFERENCE_H_
