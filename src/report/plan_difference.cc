#include "qconvert/report/plan_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace qconvert {
namespace {

std::string GridText(const FileGrid& grid) {
  std::string text(DataTypeName(grid.params.type));
  const std::vector<float>& scales = grid.params.scales;
  // Floating types have none.
  if (scales.empty()) return text;
  const auto [least, most] = std::minmax_element(scales.begin(), scales.end());
  text += scales.size() == 1
              ? fmt::format(", scale {:.6g}", scales[0])
              : fmt::format(", {} scales {:.4g} .. {:.4g}", scales.size(), *least, *most);
  const auto& zero_points = grid.params.zero_points;
  if (zero_points.size() == 1 && zero_points[0] != 0)
    text += fmt::format(", zero point {}", zero_points[0]);
  return text;
}

// "scale 0.02 -> 0.03, codes -128 .. 127 -> -127 .. 127". Of other types all of both.
std::string MovedText(const FileGrid& a, const FileGrid& b) {
  const QuantParams& from = a.params;
  const QuantParams& to = b.params;
  if (from.type != to.type || from.scales.size() != to.scales.size())
    return GridText(a) + " -> " + GridText(b);
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (from.scales != to.scales && from.scales.size() == 1) {
    add(fmt::format("scale {:.6g} -> {:.6g}", from.scales[0], to.scales[0]));
  } else if (from.scales != to.scales) {
    const auto [a_least, a_most] = std::minmax_element(from.scales.begin(), from.scales.end());
    const auto [b_least, b_most] = std::minmax_element(to.scales.begin(), to.scales.end());
    add(fmt::format("{} scales {:.4g} .. {:.4g} -> {:.4g} .. {:.4g}", from.scales.size(), *a_least,
                    *a_most, *b_least, *b_most));
  }
  if (from.zero_points != to.zero_points && from.zero_points.size() == 1 &&
      to.zero_points.size() == 1) {
    add(fmt::format("zero point {} -> {}", from.zero_points[0], to.zero_points[0]));
  } else if (from.zero_points != to.zero_points) {
    add("zero points");
  }
  if (a.format.qmin != b.format.qmin || a.format.qmax != b.format.qmax)
    add(fmt::format("codes {} .. {} -> {} .. {}", a.format.qmin, a.format.qmax, b.format.qmin,
                    b.format.qmax));
  // Rounding, or the axis of the slices.
  return text.empty() ? "the form of the codes" : text;
}

bool SameGrid(const FileGrid& a, const FileGrid& b) {
  return a.params == b.params && a.format == b.format;
}

double ChangeOf(const FileGrid& a, const FileGrid& b) {
  constexpr double kAnother = std::numeric_limits<double>::infinity();
  if (a.params.type != b.params.type || a.params.scales.size() != b.params.scales.size())
    return kAnother;
  // In doubles: the ratio of two floats may not be one.
  double change = 0;
  for (size_t k = 0; k < a.params.scales.size(); ++k)
    change = std::max(change,
                      std::abs(std::log2(double{b.params.scales[k]} / double{a.params.scales[k]})));
  return change;
}

void AddMoved(const std::string& name, const FileGrid& a, const FileGrid& b,
              PlanDifference& difference) {
  if (SameGrid(a, b)) return;
  difference.moved.push_back({name, GridText(a), GridText(b), MovedText(a, b), ChangeOf(a, b)});
}

// What the codes reach; of slices the widest.
Range CodesReach(const FileGrid& grid) {
  double min = 0;
  double max = 0;
  for (size_t k = 0; k < grid.params.scales.size(); ++k) {
    const double scale = grid.params.scales[k];
    const double zero = k < grid.params.zero_points.size() ? grid.params.zero_points[k] : 0;
    min = std::min(min, (grid.format.qmin - zero) * scale);
    max = std::max(max, (grid.format.qmax - zero) * scale);
  }
  return {static_cast<float>(min), static_cast<float>(max)};
}

// A value this far beyond the last code rounds to it, as those inside do.
double HalfStep(const FileGrid& grid) {
  const auto& scales = grid.params.scales;
  return scales.empty() ? 0 : 0.5 * *std::max_element(scales.begin(), scales.end());
}

// In bodies with the way there.
std::string NameOf(const FileNode& node) { return node.scope + node.name; }
std::string NameOf(const FileValue& value) { return value.scope + value.name; }
std::string NameOf(const FileWeight& weight) { return weight.name; }

// Nothing where the codes reach all of `seen`, half a step further counting as reached.
std::optional<ClippedValue> FindClipped(const FileValue& value, Range seen) {
  if (!value.grid.format.is_integer()) return std::nullopt;
  const Range codes = CodesReach(value.grid);
  const double beyond =
      std::max(double{seen.max} - codes.max, 0.0) + std::max(double{codes.min} - seen.min, 0.0);
  if (seen.max <= codes.max + HalfStep(value.grid) && seen.min >= codes.min - HalfStep(value.grid))
    return std::nullopt;
  // A single number that lies outside is all of its range.
  const double width = double{seen.max} - seen.min;
  return ClippedValue{
      NameOf(value), seen, codes, width > 0 ? std::min(beyond / width, 1.0) : 1, {}};
}

// Values in bins that lie beyond the codes as a whole.
double ShareBeyond(const TensorStatistics& seen, const ClippedValue& clipped, double half_step) {
  const Histogram& histogram = seen.histogram;
  uint64_t beyond = 0;
  for (size_t bin = 0; bin < histogram.counts().size(); ++bin) {
    const double low = histogram.LowerEdge(bin);
    const bool is_beyond = low >= clipped.codes.max + half_step ||
                           low + histogram.bin_width() <= clipped.codes.min - half_step;
    if (is_beyond) beyond += histogram.counts()[bin];
  }
  return static_cast<double>(beyond) / static_cast<double>(std::max<int64_t>(seen.count, 1));
}

template <typename Items>
auto ByName(const Items& items) {
  std::map<std::string, const typename Items::value_type*> by_name;
  for (const auto& item : items) by_name.emplace(NameOf(item), &item);
  return by_name;
}

void DiffValues(const PlanFile& a, const PlanFile& b, PlanDifference& difference) {
  const auto of_b = ByName(b.values);
  for (const FileValue& value : a.values) {
    const auto it = of_b.find(NameOf(value));
    if (it == of_b.end()) {
      difference.only_a.push_back(NameOf(value));
      continue;
    }
    AddMoved(NameOf(value), value.grid, it->second->grid, difference);
    // What was calibrated for the first against what codes of the second reach.
    if (auto clipped = FindClipped(*it->second, value.range))
      difference.clipped.push_back(*std::move(clipped));
  }
  const auto of_a = ByName(a.values);
  for (const FileValue& value : b.values)
    if (!of_a.contains(NameOf(value))) difference.only_b.push_back(NameOf(value));
}

std::string WayText(const FileNode& node) {
  return NodeWayName(node.way) + (node.reason.empty() ? "" : ", " + node.reason);
}

void DiffNodes(const PlanFile& a, const PlanFile& b, PlanDifference& difference) {
  const auto of_b = ByName(b.nodes);
  for (const FileNode& node : a.nodes) {
    const auto it = of_b.find(NameOf(node));
    const std::string where = fmt::format("{} {}", node.op_type, NameOf(node));
    if (it == of_b.end()) {
      difference.choices.push_back({where, "not there", WayText(node)});
      continue;
    }
    const FileNode& other = *it->second;
    if (other.way != node.way || other.reason != node.reason)
      difference.choices.push_back({where, WayText(other), WayText(node)});
    const auto weights = ByName(other.weights);
    for (const FileWeight& weight : node.weights) {
      const auto same = weights.find(weight.name);
      if (same != weights.end())
        AddMoved(node.scope + weight.name, weight.grid, same->second->grid, difference);
    }
  }
  const auto of_a = ByName(a.nodes);
  for (const FileNode& node : b.nodes)
    if (!of_a.contains(NameOf(node)))
      difference.choices.push_back(
          {fmt::format("{} {}", node.op_type, NameOf(node)), WayText(node), "not there"});
}

void DiffStored(const PlanFile& a, const PlanFile& b, PlanDifference& difference) {
  std::map<std::string, const FileGrid*> of_b;
  for (const FileStored& stored : b.stored) of_b.emplace(stored.way, &stored.grid);
  for (const FileStored& stored : a.stored) {
    const auto it = of_b.find(stored.way);
    if (it != of_b.end()) AddMoved(stored.way, stored.grid, *it->second, difference);
  }
}

void DiffOrigins(const PlanFile& a, const PlanFile& b, PlanDifference& difference) {
  const auto add = [&](const char* what, const std::string& before, const std::string& after) {
    if (before != after) difference.origin.push_back({what, after, before});
  };
  add("version", a.tool, b.tool);
  add("engine", a.engine, b.engine);
  add("float model", a.model_sha256, b.model_sha256);
  add("settings", a.config_sha256, b.config_sha256);
  add("samples", a.data_sha256, b.data_sha256);
}

void SortWorstFirst(PlanDifference& difference) {
  std::stable_sort(difference.moved.begin(), difference.moved.end(),
                   [](const auto& x, const auto& y) { return x.change > y.change; });
  // Between two results no shares of values are known: there the range decides.
  std::stable_sort(
      difference.clipped.begin(), difference.clipped.end(), [](const auto& x, const auto& y) {
        return std::pair(x.values.value_or(0), x.range) > std::pair(y.values.value_or(0), y.range);
      });
}

}  // namespace

PlanDifference DiffPlans(const PlanFile& a, const PlanFile& b) {
  PlanDifference difference;
  DiffOrigins(a, b, difference);
  if (a.scheme != b.scheme)
    difference.choices.push_back({"scheme",
                                  std::string(SchemeName(b.scheme)) + ", " + b.scheme_reason,
                                  std::string(SchemeName(a.scheme)) + ", " + a.scheme_reason});
  DiffNodes(a, b, difference);
  DiffValues(a, b, difference);
  DiffStored(a, b, difference);
  SortWorstFirst(difference);
  return difference;
}

PlanDifference DiffSamples(const PlanFile& a, const CalibrationTable& seen) {
  PlanDifference difference;
  difference.is_of_samples = true;
  for (const FileValue& value : a.values) {
    const auto it = seen.values.find(NameOf(value));
    // Values of branches that no sample took.
    if (it == seen.values.end() || it->second.count == 0) continue;
    const TensorStatistics& of_value = it->second;
    auto clipped = FindClipped(value, {of_value.min, of_value.max});
    if (!clipped) continue;
    clipped->values = ShareBeyond(of_value, *clipped, HalfStep(value.grid));
    difference.clipped.push_back(*std::move(clipped));
  }
  SortWorstFirst(difference);
  return difference;
}

bool PlanDifference::is_equal() const {
  return origin.empty() && choices.empty() && moved.empty() && clipped.empty() && only_a.empty() &&
         only_b.empty();
}

std::string PlanDifference::Missed() const {
  for (const ClippedValue& value : clipped) {
    const double share = value.values.value_or(value.range);
    if (max_clipped && share > *max_clipped)
      return fmt::format("\"{}\" clips {:.3g} % of its {}, at most {:.3g} %",
                         EscapeForTerminal(value.name), 100 * share,
                         value.values ? "values" : "range", 100 * *max_clipped);
  }
  for (const MovedGrid& grid : moved) {
    // Sorted by the logarithm: the first one that is too far is the farthest.
    if (max_moved && std::exp2(grid.change) - 1 > *max_moved)
      return fmt::format("\"{}\" moved from {} to {}, at most {:.3g} %",
                         EscapeForTerminal(grid.name), grid.before, grid.after, 100 * *max_moved);
  }
  return "";
}

}  // namespace qconvert
