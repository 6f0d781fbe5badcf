// What qconvert --auto tried, and what each gave.
#ifndef QCONVERT_REPORT_TRIAL_H_
#define QCONVERT_REPORT_TRIAL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qconvert {

// Conversions in which a model is compared with the float one.
struct Trial {
  std::string name;     // the options beside those given: "as given", "--objective size"
  bool passes = false;  // the gate, with what --max-drop asks for
  double sqnr_db = 0;   // of the worst output that was judged
  double flips = 0;     // greatest share of decisions changed
  int64_t bytes = 0;
  size_t integer_nodes = 0;  // with those that are fused into them
  std::optional<double> ms;  // median of a run, where it was timed
  bool chosen = false;
};

// What a trial must keep to besides.
struct TrialLimits {
  std::optional<double> max_ms;
  std::optional<double> max_mb;  // 1e6 bytes
};

// By trial, whether none is better in accuracy, size or time (integer nodes where nothing was
// timed) without being worse in another: the frontier.
std::vector<bool> FindFrontier(std::span<const Trial> trials);

// The trial to take: of those that pass and keep to the limits the most accurate where there is a
// limit, else the one of most integer nodes, then of fewest bytes, then the first. Nothing where
// there is none.
std::optional<size_t> ChooseTrial(std::span<const Trial> trials, const TrialLimits& limits);

// A row for each: 80 columns but for names.
std::string FormatTrials(std::span<const Trial> trials);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_TRIAL_H_
