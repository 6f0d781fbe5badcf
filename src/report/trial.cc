#include "qconvert/report/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>

#include "trials_json.h"

namespace qconvert {
namespace {

// Whether `a` is nowhere worse than `b`, and somewhere better.
bool Beats(const Trial& a, const Trial& b) {
  // Where one was not timed more integer nodes count as less time.
  const bool timed = a.ms && b.ms;
  const double time_a = timed ? *a.ms : -static_cast<double>(a.integer_nodes);
  const double time_b = timed ? *b.ms : -static_cast<double>(b.integer_nodes);
  const bool is_no_worse = a.sqnr_db >= b.sqnr_db && a.bytes <= b.bytes && time_a <= time_b;
  return is_no_worse && (a.sqnr_db > b.sqnr_db || a.bytes < b.bytes || time_a < time_b);
}

bool Keeps(const Trial& trial, const TrialLimits& limits) {
  // Not timed: the limit cannot be held against it.
  if (limits.max_ms && trial.ms.value_or(0) > *limits.max_ms) return false;
  return !limits.max_mb || static_cast<double>(trial.bytes) <= 1e6 * *limits.max_mb;
}

}  // namespace

std::vector<bool> FindFrontier(std::span<const Trial> trials) {
  std::vector<bool> frontier;
  for (const Trial& trial : trials)
    frontier.push_back(std::none_of(trials.begin(), trials.end(),
                                    [&](const Trial& other) { return Beats(other, trial); }));
  return frontier;
}

std::optional<size_t> ChooseTrial(std::span<const Trial> trials, const TrialLimits& limits) {
  const bool is_limited = limits.max_ms || limits.max_mb;
  // Less is better in both; a limit given says that accuracy is what is left to ask for.
  const auto rank = [&](const Trial& trial) {
    return std::tuple(is_limited ? -trial.sqnr_db : -static_cast<double>(trial.integer_nodes),
                      trial.bytes);
  };
  std::optional<size_t> best;
  for (size_t k = 0; k < trials.size(); ++k) {
    if (!trials[k].passes || !Keeps(trials[k], limits)) continue;
    if (!best || rank(trials[k]) < rank(trials[*best])) best = k;
  }
  return best;
}

std::string FormatTrials(std::span<const Trial> trials) {
  if (trials.empty()) return "";
  const bool timed =
      std::any_of(trials.begin(), trials.end(), [](const Trial& trial) { return trial.ms; });
  std::string out = fmt::format("  {:<7} {:>7} {:>8} {:>10} {:>8}{}  tried\n", "", "SQNR dB",
                                "changed", "size", "integer", timed ? "       ms" : "");
  const std::vector<bool> frontier = FindFrontier(trials);
  for (size_t k = 0; k < trials.size(); ++k) {
    const Trial& trial = trials[k];
    const char* mark = trial.chosen    ? "chosen"
                       : !trial.passes ? "fails"
                       : frontier[k]   ? "best"
                                       : "";
    fmt::format_to(std::back_inserter(out), "  {:<7} {:>7.1f} {:>6.2f} % {:>10} {:>8}{}  {}\n",
                   mark, trial.sqnr_db, 100 * trial.flips, Size(trial.bytes), trial.integer_nodes,
                   timed ? fmt::format(" {:>8.3f}", trial.ms.value_or(0)) : "", Text(trial.name));
  }
  return out;
}

Json TrialsJson(std::span<const Trial> trials) {
  const std::vector<bool> frontier = FindFrontier(trials);
  Json out = Json::array();
  for (size_t k = 0; k < trials.size(); ++k) {
    const Trial& trial = trials[k];
    Json json = {{"name", Text(trial.name)}, {"passes", trial.passes},
                 {"sqnr_db", trial.sqnr_db}, {"flips", trial.flips},
                 {"bytes", trial.bytes},     {"integer_nodes", trial.integer_nodes}};
    if (trial.ms) json["ms"] = *trial.ms;
    // What a vector of bools gives is no bool, and no JSON.
    json["frontier"] = static_cast<bool>(frontier[k]);
    json["chosen"] = trial.chosen;
    out.push_back(std::move(json));
  }
  return out;
}

}  // namespace qconvert
