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
// Of the time that all parts save, and of their units: where less is left than this, the quietest
// are looked for.
constexpr double kLittleTime = 0.25;
constexpr double kFewUnits = 0.15;

// The parts before some place in the order are given back.
struct Prefix {
  std::set<size_t> without;
  std::vector<double> left;  // noise of the other parts, at each output
  double time = 0;
  std::set<size_t> units = {};  // that stay on integers
};

class Search {
 public:
  explicit Search(const GiveBackOptions& options)
      : options_(options), outputs_(options.whole.noise.size()) {}

  std::set<size_t> Run() {
    MakePrefixes();
    seen_[0] = options_.whole;
    int left = options_.budget;
    for (; left > 0; --left) {
      const size_t next = Next();
      if (seen_.contains(next)) break;
      Tell(prefixes_[next], ExpectedNoise(&JudgedPlan::noise, next),
           ExpectedNoise(&JudgedPlan::typical, next));
      seen_[next] = options_.measure(prefixes_[next].without);
    }
    const size_t best = BestSeen();
    // Units may save nothing: then it is no loss that they are gone.
    const double least = (1 - kLittleTime) * prefixes_.back().time;
    const auto few = kFewUnits * static_cast<double>(prefixes_[0].units.size());
    const bool is_bare = seen_.at(best).passes && prefixes_[best].time > least &&
                         static_cast<double>(prefixes_[best].units.size()) < few;
    return is_bare ? KeepTheQuietest(best, std::max(left, options_.budget * 3 / 4))
                   : prefixes_[best].without;
  }

 private:
  static double Worst(const std::vector<double>& noise) {
    return noise.empty() ? 0 : *std::max_element(noise.begin(), noise.end());
  }

  static void Tell(const Prefix& set, double noise, double typical) {
    LogDebug(fmt::format(
        "without {} units: {:.1f} dB expected, {:.1f} in a typical sample, for {:.3f} of the time",
        set.without.size(), SqnrOfNoise(noise), SqnrOfNoise(typical), set.time));
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
    prefixes_.push_back(Without({}));
    prefixes_[0].left = TotalNoise(options_.parts, outputs_);
    prefixes_[0].time = 0;
    for (const NoisyPart& part : PartsInOrder()) {
      std::set<size_t> without = prefixes_.back().without;
      without.insert(part.units.begin(), part.units.end());
      Prefix next = Without(std::move(without));
      next.time = std::max(next.time, prefixes_.back().time);  // what goes back is no gain
      prefixes_.push_back(std::move(next));
    }
  }

  Prefix Without(std::set<size_t> without) const {
    const Remainder rest = options_.rest(without);
    Prefix set{std::move(without), std::vector<double>(outputs_, 0), rest.time, rest.units};
    for (const NoisyPart& part : options_.parts) {
      const auto on_integers =
          std::count_if(part.units.begin(), part.units.end(),
                        [&](size_t unit) { return rest.units.contains(unit); });
      const double share =
          static_cast<double>(on_integers) / static_cast<double>(part.units.size());
      for (size_t o = 0; o < outputs_; ++o) set.left[o] += share * part.noise[o];
    }
    return set;
  }

  // Greatest saving by noise first.
  std::vector<NoisyPart> QuietFirst() const {
    std::vector<NoisyPart> order = options_.parts;
    const auto by_noise = [](const NoisyPart& part) {
      return part.saved / std::max(Worst(part.noise), kLeastNoise);
    };
    std::stable_sort(order.begin(), order.end(), [&](const NoisyPart& a, const NoisyPart& b) {
      return by_noise(a) > by_noise(b);
    });
    return order;
  }

  // The order that gives most relief by time leaves fast parts to the end; where one of these fails
  // by itself (in some sample: parts are known by what they do in a typical one), nothing stays.
  // From the other end: half of the parts is taken in, and where that fails half of these, until
  // one part is known to fail and left out. `best`: the prefix that is taken where none is better.
  std::set<size_t> KeepTheQuietest(size_t best, int left) const {
    double worth = WorthOfSeen(best);
    std::set<size_t> without = prefixes_[best].without;
    std::vector<std::set<size_t>> failing;  // these on integers
    for (const auto& [k, plan] : seen_)
      if (!plan.passes) failing.push_back(prefixes_[k].units);
    std::vector<NoisyPart> open = QuietFirst();
    Prefix kept = Without(prefixes_.back().without);
    for (size_t count = open.size() / 2; !open.empty();) {
      count = std::clamp<size_t>(count, 1, open.size());
      std::set<size_t> fewer = kept.without;
      for (size_t p = 0; p < count; ++p)
        for (const size_t unit : open[p].units) fewer.erase(unit);
      Prefix next = Without(std::move(fewer));
      bool passes = next.units == kept.units;  // what saves nothing stays float all the same
      if (!passes && !HoldsAny(next.units, failing)) {
        if (left-- == 0) break;
        Tell(next, Worst(next.left), Worst(next.left));
        const JudgedPlan plan = options_.measure(next.without);
        passes = plan.passes;
        const double gain = Worth(next.time, Worst(plan.typical)) - worth;
        if (passes && gain > 0) {
          worth += gain;
          without = next.without;
        }
        if (!passes) failing.push_back(next.units);
      }
      // One part that fails beside those that are kept goes.
      if (passes || count == 1) open.erase(open.begin(), open.begin() + static_cast<int>(count));
      if (passes) {
        kept = std::move(next);
        count *= 2;
      } else {
        count = count == 1 ? open.size() / 2 : count / 2;
      }
    }
    return without;
  }

  static bool HoldsAny(const std::set<size_t>& units, const std::vector<std::set<size_t>>& any) {
    return std::any_of(any.begin(), any.end(), [&](const std::set<size_t>& one) {
      return std::includes(units.begin(), units.end(), one.begin(), one.end());
    });
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

  double Worth(double time_given, double noise) const {
    const double time = time_given / options_.time_of_decibel;
    if (options_.aim <= 0) return -time;
    const double left = std::max({noise, options_.aim, kLeastNoise});
    const double poor = std::max(left / kPoorNoise, 1.0);
    return -10 * (std::log10(left) + (kWorthOfPoor - 1) * std::log10(poor)) - time;
  }

  double WorthOfSeen(size_t k) const {
    const JudgedPlan& plan = seen_.at(k);
    if (plan.passes) return Worth(prefixes_[k].time, Worst(plan.typical));
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
      const double worth = Worth(prefixes_[k].time, ExpectedNoise(&JudgedPlan::typical, k));
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
