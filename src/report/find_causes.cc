#include "find_causes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "drawn_values.h"
#include "guilty_text.h"
#include "qconvert/base/counted.h"
#include "qconvert/calibration/range.h"
#include "qconvert/plan/safe_plan.h"
#include "residual_sums.h"

namespace qconvert {
namespace {

constexpr double kClash = 32;
constexpr double kMost = 99.9;  // percent of the magnitudes
constexpr double kFewSteps = 12;
constexpr double kMuchClipped = 1e-3;
constexpr double kNearZero = 2;  // steps
constexpr double kMuchNearZero = 1e-2;
constexpr double kGrowth = 16;
constexpr size_t kNamed = 4;  // channels that a text names

float Largest(Range range) { return std::max(std::fabs(range.min), std::fabs(range.max)); }

// With zero in it, as every grid has.
double Width(const TensorStatistics& seen) {
  return std::max(0.0, static_cast<double>(seen.max)) -
         std::min(0.0, static_cast<double>(seen.min));
}

class Finder {
 public:
  Finder(const Graph& graph, const QuantizationPlan& plan, const CalibrationTable& table)
      : graph_(graph),
        plan_(plan),
        table_(table),
        front_ends_(FindFrontEndNodes(graph)),
        sums_(ResidualSums(graph)) {}

  std::vector<Finding> Find(size_t n) const {
    std::vector<Finding> out;
    const Node& node = graph_.nodes[n];
    if (plan_.placement.nodes[n].domain != NodeDomain::kInteger) return out;
    LookAtInputs(node, out);
    LookAtSum(n, out);
    // What the unit writes: nodes that are fused behind belong to it.
    std::vector<std::string> touched = {plan_.placement.nodes[n].unit.output};
    // An input that an integer node wrote is told there, once.
    for (const std::string& input : node.inputs)
      if (!plan_.placement.integer_values.contains(input)) touched.push_back(input);
    for (const std::string& value : touched) LookAtValue(value, out);
    if (front_ends_.contains(n)) LookAtFrontEnd(node, touched, out);
    const auto integer = plan_.integer_nodes.find(n);
    if (integer != plan_.integer_nodes.end() && integer->second.weight)
      LookAtWeight(node, *integer->second.weight, out);
    return out;
  }

 private:
  const TensorStatistics* Seen(const std::string& value) const {
    const auto it = table_.values.find(value);
    return it == table_.values.end() ? nullptr : &it->second;
  }

  void LookAtInputs(const Node& node, std::vector<Finding>& out) const {
    if (!node.Is("Add") && !node.Is("Sub") && !node.Is("Concat")) return;
    const std::string* widest = nullptr;
    const std::string* narrowest = nullptr;
    // Constants were not seen in calibration: their grids are their own.
    for (const std::string& input : node.inputs) {
      const TensorStatistics* seen = Seen(input);
      if (seen == nullptr || Width(*seen) <= 0) continue;
      if (widest == nullptr || Width(*seen) > Width(*Seen(*widest))) widest = &input;
      if (narrowest == nullptr || Width(*seen) < Width(*Seen(*narrowest))) narrowest = &input;
    }
    // Narrowest and widest are the same where only one was seen: a ratio of 1.
    if (widest == nullptr) return;
    const double ratio = Width(*Seen(*widest)) / Width(*Seen(*narrowest));
    if (ratio < kClash) return;
    out.push_back(
        {Finding::Cause::kRangeClash,
         fmt::format("\"{}\" is {:.0f} times as wide as \"{}\"", *widest, ratio, *narrowest),
         KeepFloat(node)});
  }

  void LookAtSum(size_t n, std::vector<Finding>& out) const {
    const auto sum = sums_.find(n);
    if (sum == sums_.end() || sum->second.number < 2) return;
    const TensorStatistics* end = Seen(graph_.nodes[n].outputs[0]);
    const TensorStatistics* begin = Seen(sum->second.begin);
    if (end == nullptr || begin == nullptr || Width(*begin) <= 0) return;
    const double times = Width(*end) / Width(*begin);
    if (times < kGrowth) return;
    out.push_back({Finding::Cause::kResidualGrowth,
                   fmt::format("after {} sums the path is {:.0f} times as wide as \"{}\", where it "
                               "begins",
                               sum->second.number, times, sum->second.begin),
                   KeepFloat(graph_.nodes[n])});
  }

  // The worst of the values that the node makes or rounds.
  void LookAtFrontEnd(const Node& node, const std::vector<std::string>& touched,
                      std::vector<Finding>& out) const {
    const std::string* worst = nullptr;
    double most = kMuchNearZero;
    for (const std::string& value : touched) {
      const auto decided = plan_.values.find(value);
      if (decided == plan_.values.end()) continue;
      const TensorStatistics* seen = Seen(decided->second.root);
      if (seen == nullptr || seen->histogram.counts().empty()) continue;
      const auto near = static_cast<float>(kNearZero * decided->second.params.scales[0]);
      // What lies inside of a range is what that range would not clip.
      const double share = 1 - ClippedShare(*seen, {-near, near});
      if (share < most) continue;
      most = share;
      worst = &value;
    }
    if (worst == nullptr) return;
    out.push_back(
        {Finding::Cause::kLogarithm,
         fmt::format("{:.2g} % of \"{}\" are within {} steps of 0, in front of a logarithm "
                     "or power spectrum",
                     100 * most, *worst, kNearZero),
         KeepFloat(node)});
  }

  static std::string KeepFloat(const Node& node) {
    return node.origin_name().empty() ? "" : KeepFloatOption(node.origin_name());
  }

  void LookAtValue(const std::string& value, std::vector<Finding>& out) const {
    const auto decided = plan_.values.find(value);
    if (decided == plan_.values.end()) return;
    const TensorStatistics* seen = Seen(decided->second.root);
    if (seen == nullptr || seen->histogram.counts().empty()) return;
    const Range range = decided->second.range;
    if (const double clipped = ClippedShare(*seen, range); clipped >= kMuchClipped) {
      out.push_back({Finding::Cause::kSaturation,
                     fmt::format("{:.2g} % of \"{}\" are clipped to [{:.4g}, {:.4g}]",
                                 100 * clipped, value, range.min, range.max),
                     "--set activation.method=maxmin"});
    }
    const double most = Largest(SymmetricPercentileRange(*seen, kMost));
    const double steps = most / decided->second.params.scales[0];
    const int codes = decided->second.format.qmax - decided->second.format.qmin;
    // Grids of more than 8 bits have steps to spare: the same share of them is asked for. A value
    // that is nothing but zero has no outliers.
    if (steps > kFewSteps * std::max(1.0, codes / 255.0) || Largest(range) <= 0) return;
    out.push_back({Finding::Cause::kOutliers,
                   fmt::format("{} % of \"{}\" take {:.0f} of {} steps, it goes from {:.4g} to "
                               "{:.4g}",
                               kMost, value, std::ceil(steps), codes, range.min, range.max),
                   "--set activation.method=percentile"});
  }

  void LookAtWeight(const Node& node, const ConstantCodes& weight,
                    std::vector<Finding>& out) const {
    const auto channels = ChannelsOf(graph_, node, weight.name);
    const std::vector<float> widths = WidthsOf(channels);
    // One channel cannot be wider than the others.
    if (widths.size() < 2) return;
    const std::vector<float>& scales = weight.params.scales;
    FindDead(widths, scales, out);
    // With a scale each no channel can drown in another: there one number may drown its own.
    if (scales.size() > 1) return FindPeak(channels, widths, out);
    std::vector<float> sorted = widths;
    std::sort(sorted.begin(), sorted.end());
    const float median = sorted[sorted.size() / 2];
    const auto widest = std::max_element(widths.begin(), widths.end());
    // Where half of the channels are zero no ratio says anything.
    if (median <= 0 || *widest < kClash * static_cast<double>(median)) return;
    out.push_back({Finding::Cause::kOutlierChannel,
                   fmt::format("channel {} of the weights is {:.0f} times as wide as the median "
                               "one, and all have one scale",
                               widest - widths.begin(), *widest / median),
                   "--set weights.per_channel=true"});
  }

  static void FindPeak(const std::vector<std::vector<float>>& channels,
                       const std::vector<float>& widths, std::vector<Finding>& out) {
    size_t worst = 0;
    double ratio = 0;
    for (size_t c = 0; c < channels.size(); ++c) {
      double power = 0;
      for (const float v : channels[c]) power += static_cast<double>(v) * v;
      if (power <= 0) continue;
      const double peak = widths[c] / std::sqrt(power / static_cast<double>(channels[c].size()));
      if (peak <= ratio) continue;
      ratio = peak;
      worst = c;
    }
    if (ratio < kClash) return;
    out.push_back({Finding::Cause::kOutlierChannel,
                   fmt::format("channel {} of the weights has a number {:.0f} times as large as "
                               "its root mean square",
                               worst, ratio),
                   "--set weights.method=mse"});
  }

  static void FindDead(const std::vector<float>& widths, const std::vector<float>& scales,
                       std::vector<Finding>& out) {
    std::vector<std::string> dead;
    for (size_t c = 0; c < widths.size(); ++c) {
      const float scale = scales.size() == widths.size() ? scales[c] : scales[0];
      // Below half a step everything rounds to 0; a channel of zeros loses nothing by that.
      if (widths[c] > 0 && widths[c] < scale / 2) dead.push_back(std::to_string(c));
    }
    if (dead.empty()) return;
    const size_t count = dead.size();
    if (count > kNamed) dead.resize(kNamed);
    out.push_back(
        {Finding::Cause::kDeadChannels,
         fmt::format("{} of the weights {} 0 as codes ({}{})",
                     Counted(static_cast<int64_t>(count), "channel"), count == 1 ? "is" : "are",
                     fmt::join(dead, ", "), count > kNamed ? ", ..." : ""),
         scales.size() > 1 ? "" : "--set weights.per_channel=true"});
  }

  const Graph& graph_;
  const QuantizationPlan& plan_;
  const CalibrationTable& table_;
  const std::set<size_t> front_ends_;
  const std::map<size_t, ResidualSum> sums_;
};

}  // namespace

const char* CauseName(Finding::Cause cause) {
  switch (cause) {
    case Finding::Cause::kRangeClash:
      return "range clash";
    case Finding::Cause::kOutliers:
      return "outliers";
    case Finding::Cause::kSaturation:
      return "saturation";
    case Finding::Cause::kOutlierChannel:
      return "outlier channel";
    case Finding::Cause::kLogarithm:
      return "logarithm";
    case Finding::Cause::kResidualGrowth:
      return "residual growth";
    case Finding::Cause::kDeadChannels:
      break;
  }
  return "dead channels";
}

void AddFindings(const Graph& graph, const QuantizationPlan& plan, const CalibrationTable& table,
                 std::vector<LayerRow>& layers) {
  const Finder finder(graph, plan, table);
  for (size_t n = 0; n < layers.size(); ++n) layers[n].findings = finder.Find(n);
}

}  // namespace qconvert
