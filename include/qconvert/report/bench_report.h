// How long models take: what qconvert bench tells.
#ifndef QCONVERT_REPORT_BENCH_REPORT_H_
#define QCONVERT_REPORT_BENCH_REPORT_H_

#include <cstddef>
#include <string>
#include <vector>

namespace qconvert {

// A median and its 95 % confidence interval, from order statistics: no distribution is assumed. The
// interval between the l-th least and the l-th greatest of n values holds the median with
// probability 1 - 2 P(B < l), B binomial with n tries of 1/2; l is the greatest for which that is
// 95 % (Conover, Practical Nonparametric Statistics, 3.2). Fewer than six values have none.
struct MedianEstimate {
  double median = 0;
  double low = 0;  // of the interval, where there is one
  double high = 0;
  bool has_interval = false;
};
MedianEstimate EstimateMedian(std::vector<double> values);

// Nodes of one operator, in one run.
struct OperatorTime {
  std::string op_type;
  size_t nodes = 0;
  double seconds = 0;
};

// From the engine's trace of some runs (runtime/trace.h): of every node its median, since the first
// run is slower than those behind it; most time first, equal ones by name. Throws Error(kInternal)
// for what is no such trace.
std::vector<OperatorTime> OperatorTimes(const std::string& trace);

struct BenchedModel {
  std::string model;            // as the user named it
  std::vector<double> seconds;  // by round
  std::vector<OperatorTime> profile;
  bool has_free_dimensions = false;  // which random samples take as 1
};

struct BenchReport {
  std::string processor;
  std::string engine;
  int threads = 1;
  bool is_random = false;            // no data was given
  std::vector<BenchedModel> models;  // the first is what the others are measured by

  // Time of model `m` by that of the first, round by round.
  MedianEstimate RatioOf(size_t m) const;
};

// The table for people, 80 columns wide; of each profile the `top` operators.
std::string FormatBench(const BenchReport& report, size_t top);
// The same for scripts, with all operators. The one document of qconvert that holds times.
std::string BenchJson(const BenchReport& report, const std::string& exit_class);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_BENCH_REPORT_H_
