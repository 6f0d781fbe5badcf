#include "guilty_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "qconvert/base/metric.h"
#include "qconvert/config/name_pattern.h"

namespace qconvert {
namespace {

constexpr double kLeastGainDb = 0.5;

}  // namespace

std::string Decibels(std::optional<double> noise) {
  return noise ? fmt::format("{:.1f}", SqnrOfNoise(*noise)) : "-";
}

std::string TitleOf(const LayerRow& row) { return row.name.empty() ? row.op_type : row.name; }

std::string KeepFloatOption(const std::string& origin) {
  std::string quoted;
  for (const char c : PatternOfName(origin)) {
    // Nothing ends a quoted word but the quote itself.
    if (c == '\'') quoted += "'\\'";
    quoted += c;
  }
  return fmt::format("--keep-float '{}'", quoted);
}

std::vector<Suggestion> SuggestionsOf(const LayerReport& layers) {
  std::vector<Suggestion> out;
  for (size_t row = 0; row < layers.layers.size(); ++row) {
    const LayerRow& layer = layers.layers[row];
    if (!layer.errors.without || layer.origin.empty()) continue;
    // In dB, where a ratio of noise is a difference.
    const double gain = SqnrOfNoise(*layer.errors.without) - SqnrOfNoise(layers.errors.whole);
    if (gain >= kLeastGainDb) out.push_back({row, gain});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Suggestion& a, const Suggestion& b) { return a.gain_db > b.gain_db; });
  return out;
}

std::string GuiltyText(const GuiltyNodes& guilty) {
  const std::string target = Decibels(guilty.target);
  if (!guilty.reached) {
    return fmt::format(
        "no set of nodes left float gives {} dB; the best of {} that were measured: {} dB", target,
        guilty.measurements, Decibels(guilty.after));
  }
  const size_t count = guilty.rows.size();
  if (count == 0) return fmt::format("the model has {} dB as it is", Decibels(guilty.before));
  std::string text = fmt::format(
      "keep {} node{} float: {} -> {} dB", count == 1 ? "this" : fmt::format("these {}", count),
      count == 1 ? "" : "s", Decibels(guilty.before), Decibels(guilty.after));
  if (!guilty.is_minimal) return text + "; fewer may do, the budget was used up";
  // Of one node any fewer is none: that is the number in front.
  if (count > 1)
    text += fmt::format("; any {} of them: at most {} dB", count - 1, Decibels(guilty.any_fewer));
  return text;
}

}  // namespace qconvert
