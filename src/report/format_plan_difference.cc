#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "json_text.h"
#include "plan_difference_json.h"

namespace qconvert {
namespace {

constexpr size_t kNameWidth = 28;

// "  N things" and the first rows, made by `row`.
template <typename Items, typename Row>
void AddRows(const std::string& title, const Items& items, size_t shown, const Row& row,
             std::string& out) {
  if (items.empty()) return;
  fmt::format_to(std::back_inserter(out), "  {}: {}\n", title, items.size());
  for (size_t k = 0; k < std::min(shown, items.size()); ++k)
    out += FittedRow("    " + row(items[k]));
  if (items.size() > shown)
    fmt::format_to(std::back_inserter(out), "    ... {} more, see the JSON\n",
                   items.size() - shown);
}

// The share stands in front, where no long name moves it.
std::string ClippedRow(const ClippedValue& value) {
  return fmt::format("{:>7.2g} %  {:<{}} {:.3g} .. {:.3g}, codes reach {:.3g} .. {:.3g}",
                     100 * value.values.value_or(value.range), ShortText(value.name, kNameWidth),
                     kNameWidth, value.seen.min, value.seen.max, value.codes.min, value.codes.max);
}

std::string MovedRow(const MovedGrid& grid) {
  // Between types there is no share.
  const std::string share = std::isfinite(grid.change)
                                // A scale that halves and one that doubles are 100 % both: the
                                // logarithm has no sign.
                                ? fmt::format("{:.2g} %", 100 * (std::exp2(grid.change) - 1))
                                : "type";
  return fmt::format("{:>9}  {:<{}} {}", share, ShortText(grid.name, kNameWidth), kNameWidth,
                     grid.what);
}

std::string ChoiceRow(const Difference& choice) {
  return fmt::format("{}: {} -> {}", ShortText(choice.where, kNameWidth), Text(choice.expected),
                     Text(choice.found));
}

Json RangeJson(Range range) { return {range.min, range.max}; }

Json DifferencesJson(const std::vector<Difference>& differences) {
  Json out = Json::array();
  for (const Difference& one : differences)
    out.push_back({{"what", Text(one.where)}, {"a", Text(one.expected)}, {"b", Text(one.found)}});
  return out;
}

}  // namespace

std::string FormatPlanDifference(const PlanDifference& difference, size_t shown) {
  std::string out = fmt::format("{} against {}\n", Text(difference.b), Text(difference.a));
  if (difference.is_equal())
    return out + (difference.is_of_samples ? "  codes reach all that the samples hold\n"
                                           : "  the same parameters and choices\n");
  const auto name = [](const std::string& text) { return Text(text); };
  // All of them: versions and hashes are five at most.
  AddRows("made of other things", difference.origin, difference.origin.size(), ChoiceRow, out);
  AddRows("chosen otherwise", difference.choices, shown, ChoiceRow, out);
  AddRows("parameters moved, share of the scale", difference.moved, shown, MovedRow, out);
  AddRows(difference.is_of_samples ? "clip, share of the values" : "clip now, share of the range",
          difference.clipped, shown, ClippedRow, out);
  AddRows("values with codes in the first only", difference.only_a, shown, name, out);
  AddRows("values with codes in the second only", difference.only_b, shown, name, out);
  return out;
}

Json DifferenceJson(const PlanDifference& difference) {
  Json moved = Json::array();
  for (const MovedGrid& grid : difference.moved)
    moved.push_back({{"name", Text(grid.name)},
                     {"a", grid.before},
                     {"b", grid.after},
                     {"octaves", std::isfinite(grid.change) ? Json(grid.change) : Json(nullptr)}});
  Json clipped = Json::array();
  for (const ClippedValue& value : difference.clipped)
    clipped.push_back({{"name", Text(value.name)},
                       {"seen", RangeJson(value.seen)},
                       {"codes", RangeJson(value.codes)},
                       {"range_share", value.range},
                       {"value_share", Number(value.values)}});
  return {{"a", Text(difference.a)},
          {"b", Text(difference.b)},
          {"equal", difference.is_equal()},
          {"origin", DifferencesJson(difference.origin)},
          {"choices", DifferencesJson(difference.choices)},
          {"moved", std::move(moved)},
          {"clipped", std::move(clipped)},
          {"only_in_a", TextsJson(difference.only_a)},
          {"only_in_b", TextsJson(difference.only_b)}};
}

std::string PlanDifferenceJson(const PlanDifference& difference, const std::string& exit_class) {
  Json json = {{"exit", exit_class}};
  json.update(DifferenceJson(difference));
  return json.dump(2) + "\n";
}

}  // namespace qconvert
