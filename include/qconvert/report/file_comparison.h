// Two model files on the same samples: what qconvert compare tells.
#ifndef QCONVERT_REPORT_FILE_COMPARISON_H_
#define QCONVERT_REPORT_FILE_COMPARISON_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/base/metric.h"
#include "qconvert/report/verdict.h"

namespace qconvert {

// A value that nodes of both models compute, over all samples.
struct InnerComparison {
  std::string name;
  std::string op_type;  // of the node that computes it in the first model
  ErrorSums sums;
  int64_t mismatched = 0;     // as in OutputComparison
  int64_t non_finite = 0;     // in the second model, where they are finite in the first
  bool is_quantized = false;  // its readers in the second model see codes
};

// A top-level node of the first model, for the page.
struct ComparedNode {
  std::string name;
  std::string op_type;
  std::vector<size_t> reads;    // other nodes whose values it reads, increasing
  std::optional<double> noise;  // of the worst value that it writes; nothing: none was compared
  bool is_quantized = false;    // in the second model its readers see codes of such a value
};

struct FileComparison {
  std::string a;  // as the user named them
  std::string b;
  std::vector<std::string> sample_names;  // in the order compared
  std::vector<OutputComparison> outputs;  // those of both, in the order of the first model
  std::vector<std::string> only_a;        // outputs that the other model does not have
  std::vector<std::string> only_b;
  std::vector<InnerComparison> inner;  // in the order in which the first model computes them
  std::vector<ComparedNode> nodes;     // where they were asked for
  bool is_judged = false;              // a budget was given: `gate`
  Gate gate;

  // Whether every output keeps to the budget; true without one.
  bool Passes() const;
};

// Indices into `inner`, most noise first; equal ones as computed. What became NaN or infinite comes
// before all others.
std::vector<size_t> WorstInner(const FileComparison& comparison);

// The table for people, 80 columns wide; of the inner values the `worst` ones.
std::string FormatFileComparison(const FileComparison& comparison, size_t worst);

// All of it for scripts: deterministic, no times. Distances: l1 = sum |a - b|, l2 = square root of
// the sum of (a - b)^2, chebyshev = max |a - b|, mismatch = share of values that differ in the
// first five digits (kSameWithin). `exit_class` is ExitCodeName of the run.
std::string FileComparisonJson(const FileComparison& comparison, const std::string& exit_class);

// The same with `nodes` as "layers", for ReportPage.
std::string ComparisonPageJson(const FileComparison& comparison, const std::string& exit_class);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_FILE_COMPARISON_H_
