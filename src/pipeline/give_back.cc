#include "give_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "qconvert/base/log.h"
#include "qconvert/report/comparison.h"

namespace qconvert {
namespace {

constexpr double kLeastSaving = 1e-3;  // of the float time: what a part is taken to save at least
// What is expected to pass has to keep this distance from what is allowed.
constexpr double kMargin = 0.8;
// Decibels that a set has to look better by to be measured.
constexpr double kWorthALook = 0.5;
// The same where nothing is known of it but that fewer parts fail and more pass.
constexpr double kWorthAGuess = 2;
constexpr double kLeastNoise = 1e-20;

// The parts before some place in the order are given back.
struct Prefix {
  std::set<size_t> without;
  std::vector<double> left;  // noise of the other parts, at each output
  double time = 0;
};

class Search {
 public:
  explicit Search(const GiveBackOptions& options)
      : options_(options), outputs_(options.whole.noise.size()) {}

  std::set<size_t> Run() {
    MakePrefixes();
    seen_[0] = options_.whole;
    for (int k = 0; k < options_.budget; ++k) {
      const size_t next = Next();
      if (seen_.contains(next)) break;
      LogDebug(fmt::format(
          "without {} units: {:.1f} dB expected, {:.1f} in a typical sample, for {:.3f} of the "
          "time",
          prefixes_[next].without.size(), SqnrOfNoise(ExpectedNoise(&JudgedPlan::noise, next)),
          SqnrOfNoise(ExpectedNoise(&JudgedPlan::typical, next)), prefixes_[next].time));
      seen_[next] = options_.measure(prefixes_[next].without);
    }
    return prefixes_[BestSeen()].without;
  }

 private:
  static double Worst(const std::vector<double>& noise) {
    return noise.empty() ? 0 : *std::max_element(noise.begin(), noise.end());
  }

  // Noise of all outputs above the goal, where the whole model is as it was judged.
  double Excess(const std::vector<double>& left, const std::vector<double>& total) const {
    const double goal = options_.aim > 0 ? options_.aim : options_.allowed;
    double sum = 0;
    for (size_t o = 0; o < outputs_; ++o) {
      const double now = options_.aim > 0 ? options_.whole.typical[o] : options_.whole.noise[o];
      const double noise = now * (total[o] > 0 ? left[o] / total[o] : 1);
      sum += std::max(noise, goal);
    }
    return sum;
  }

  // Relief of what is above the goal by time; below it, of all noise.
  std::vector<NoisyPart> PartsInOrder() const {
    std::vector<NoisyPart> open = options_.parts;
    std::vector<NoisyPart> order;
    const std::vector<double> total = TotalNoise(open, outputs_);
    std::vector<double> left = total;
    while (!open.empty()) {
      const double excess = Excess(left, total);
      size_t best = 0;
      std::pair<double, double> most{-1, -1};
      for (size_t p = 0; p < open.size(); ++p) {
        std::vector<double> without = left;
        double all = 0;
        for (size_t o = 0; o < outputs_; ++o) {
          without[o] = std::max(without[o] - open[p].noise[o], 0.0);
          all += total[o] > 0 ? open[p].noise[o] / total[o] : 0;
        }
        const double saved = std::max(open[p].saved, kLeastSaving);
        const std::pair relief{(excess - Excess(without, total)) / saved, all / saved};
        // Of equal ones the first: the order of parts is that of the graph.
        if (relief <= most) continue;
        most = relief;
        best = p;
      }
      for (size_t o = 0; o < outputs_; ++o) left[o] = std::max(left[o] - open[best].noise[o], 0.0);
      order.push_back(std::move(open[best]));
      open.erase(open.begin() + static_cast<ptrdiff_t>(best));
    }
    return order;
  }

  // Nodes between floats may go back as well: what is left may be less than the other parts.
  void MakePrefixes() {
    prefixes_.push_back({{}, TotalNoise(options_.parts, outputs_), 0});
    for (const NoisyPart& part : PartsInOrder()) {
      Prefix next{prefixes_.back().without, std::vector<double>(outputs_, 0), 0};
      next.without.insert(part.units.begin(), part.units.end());
      const Remainder rest = options_.rest(next.without);
      next.time = std::max(rest.time, prefixes_.back().time);  // what goes back is no gain
      for (const NoisyPart& other : options_.parts) {
        const auto on_integers =
            std::count_if(other.units.begin(), other.units.end(),
                          [&](size_t unit) { return rest.units.contains(unit); });
        const double share =
            static_cast<double>(on_integers) / static_cast<double>(other.units.size());
        for (size_t o = 0; o < outputs_; ++o) next.left[o] += share * other.noise[o];
      }
      prefixes_.push_back(std::move(next));
    }
  }

  using Noise = std::vector<double> JudgedPlan::*;

  // Measured noise over that of the parts at the nearest prefix that was measured and is no longer.
  // Longer ones would say little: few errors, or none, of single positions decide there.
  double Factor(Noise kind, size_t k, size_t o) const {
    const auto& [prefix, plan] = *std::prev(seen_.upper_bound(k));
    const double left = prefixes_[prefix].left[o];
    return std::max((plan.*kind)[o], kLeastNoise) / std::max(left, kLeastNoise);
  }

  double ExpectedNoise(Noise kind, size_t k) const {
    double worst = 0;
    for (size_t o = 0; o < outputs_; ++o)
      worst = std::max(worst, Factor(kind, k, o) * prefixes_[k].left[o]);
    return worst;
  }

  double Worth(size_t k, double noise) const {
    const double time = prefixes_[k].time / options_.time_of_decibel;
    if (options_.aim <= 0) return -time;
    const double left = std::max({noise, options_.aim, kLeastNoise});
    const double poor = std::max(left / kPoorNoise, 1.0);
    return -10 * (std::log10(left) + (kWorthOfPoor - 1) * std::log10(poor)) - time;
  }

  double WorthOfSeen(size_t k) const {
    const JudgedPlan& plan = seen_.at(k);
    if (plan.passes) return Worth(k, Worst(plan.typical));
    return -std::numeric_limits<double>::infinity();
  }

  size_t BestSeen() const {
    size_t best = 0;
    for (const auto& [k, plan] : seen_) {
      const JudgedPlan& other = seen_.at(best);
      const bool better = plan.passes || other.passes ? WorthOfSeen(k) > WorthOfSeen(best)
                                                      : Worst(plan.noise) < Worst(other.noise);
      if (better) best = k;
    }
    return best;
  }

  // The prefix to be measured next; one that was, where none looks better.
  size_t Next() const {
    size_t best = BestSeen();
    const bool passes = seen_.at(best).passes;
    if (!passes) best = prefixes_.size() - 1;
    double most =
        passes ? WorthOfSeen(best) + kWorthALook : -std::numeric_limits<double>::infinity();
    size_t failing = 0;  // fewer than these have to fail too
    for (const auto& [k, plan] : seen_)
      if (!plan.passes) failing = k;
    for (size_t k = failing; k < prefixes_.size(); ++k) {
      if (seen_.contains(k)) continue;
      if (ExpectedNoise(&JudgedPlan::noise, k) > kMargin * options_.allowed) continue;
      const double worth = Worth(k, ExpectedNoise(&JudgedPlan::typical, k));
      if (worth <= most) continue;
      most = worth;
      best = k;
    }
    return passes && seen_.contains(best) ? Middle(failing, best) : best;
  }

  // Errors that do not add up are expected wrongly. Between the longest prefix that fails and the
  // shortest behind it that passes: what takes half of the time. `best` where little could be won.
  size_t Middle(size_t failing, size_t best) const {
    const auto passing = seen_.upper_bound(failing);
    if (passing == seen_.end()) return best;
    const auto time = [&](size_t k) { return prefixes_[k].time; };
    const double gap = time(passing->first) - time(failing);
    if (gap < kWorthAGuess * options_.time_of_decibel) return best;
    size_t middle = best;
    double least = gap / 2;
    for (size_t k = failing + 1; k < passing->first; ++k) {
      const double off = std::abs(time(k) - time(failing) - gap / 2);
      if (off >= least) continue;
      least = off;
      middle = k;
    }
    return middle;
  }

  const GiveBackOptions& options_;
  const size_t outputs_;
  std::vector<Prefix> prefixes_;
  std::map<size_t, JudgedPlan> seen_;  // by prefix
};

}  // namespace

std::set<size_t> GiveBack(const GiveBackOptions& options) { return Search(options).Run(); }

}  // namespace qconvert
