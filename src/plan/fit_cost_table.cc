#include "qconvert/plan/fit_cost_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace qconvert {
namespace {

constexpr double kPriorWeight = 1e-2;
constexpr double kLeast = 0.1;  // of the prior
constexpr int kMostSweeps = 20'000;
constexpr double kConverged = 1e-9;

using Terms = std::array<double, kCostTerms>;

}  // namespace

CostTable FitCostTable(std::span<const TimedNetwork> networks, const CostTable& prior) {
  Terms squares{};
  std::vector<Terms> rows(networks.size());  // time / measured time of every term at its prior
  std::vector<double> left(networks.size(), 1);
  for (size_t i = 0; i < networks.size(); ++i) {
    for (size_t k = 0; k < kCostTerms; ++k) {
      rows[i][k] = networks[i].counts.count[k] * prior.ns[k] / networks[i].ns;
      squares[k] += rows[i][k] * rows[i][k];
      left[i] -= rows[i][k];
    }
  }
  Terms x;
  x.fill(1);
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    double most = 0;
    for (size_t k = 0; k < kCostTerms; ++k) {
      if (squares[k] == 0) continue;
      // Half the derivative by x[k], downhill; the step divides it by half the second one.
      double slope = kPriorWeight * (1 - x[k]);
      for (size_t i = 0; i < rows.size(); ++i) slope += rows[i][k] * left[i];
      const double to = std::max(kLeast, x[k] + slope / (squares[k] + kPriorWeight));
      for (size_t i = 0; i < rows.size(); ++i) left[i] -= rows[i][k] * (to - x[k]);
      most = std::max(most, std::abs(to - x[k]));
      x[k] = to;
    }
    if (most < kConverged) break;
  }
  CostTable table;
  for (size_t k = 0; k < kCostTerms; ++k) table.ns[k] = x[k] * prior.ns[k];
  return table;
}

double MeanRelativeError(std::span<const TimedNetwork> networks, const CostTable& table) {
  double sum = 0;
  for (const TimedNetwork& one : networks) sum += std::abs(TimeOf(one.counts, table) / one.ns - 1);
  return networks.empty() ? 0 : sum / static_cast<double>(networks.size());
}

}  // namespace qconvert
