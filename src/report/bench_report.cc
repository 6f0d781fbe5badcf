#include "qconvert/report/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <iterator>
#include <map>
#include <utility>

#include "json_text.h"
#include "qconvert/base/check.h"
#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr double kTail = 0.025;      // on either side
constexpr size_t kFewestValues = 6;  // all of 5 values are on one side of the median 1 time in 16
constexpr size_t kNameWidth = 30;
constexpr size_t kOperatorWidth = 28;
constexpr size_t kShortNameWidth = 20;

// How far from either end the interval begins, counted from 1.
size_t RankOfBound(size_t count) {
  const boost::math::binomial_distribution<double> heads(static_cast<double>(count), 0.5);
  size_t rank = 1;
  // From there on both ends would cross.
  size_t beyond = count / 2 + 1;
  // P(heads < rank) grows with rank: the greatest rank with at most kTail, by halving.
  while (beyond - rank > 1) {
    const size_t middle = rank + (beyond - rank) / 2;
    const bool fits = boost::math::cdf(heads, static_cast<double>(middle - 1)) <= kTail;
    (fits ? rank : beyond) = middle;
  }
  return rank;
}

std::string Milliseconds(double seconds) {
  const double ms = 1e3 * seconds;
  return fmt::format("{:.{}f}", ms, ms < 1 ? 4 : ms < 100 ? 3 : 1);
}

std::string ModelRow(const BenchReport& report, size_t m) {
  const BenchedModel& model = report.models[m];
  const MedianEstimate time = EstimateMedian(model.seconds);
  const std::string interval =
      time.has_interval
          ? fmt::format("{:>8} .. {:<8}", Milliseconds(time.low), Milliseconds(time.high))
          : fmt::format("{:^20}", "too few rounds");
  std::string row = fmt::format("  {:<{}}  {:>9}  {}", ShortText(model.model, kNameWidth),
                                kNameWidth, Milliseconds(time.median), interval);
  // By itself it takes 1, whatever a division gives.
  if (m == 0) return row + "  1\n";
  return row + fmt::format("  {:.3f}\n", report.RatioOf(m).median);
}

std::string FormatProfile(const BenchedModel& model, size_t top) {
  double all = 0;
  for (const OperatorTime& time : model.profile) all += time.seconds;
  const size_t shown = std::min(top, model.profile.size());
  if (shown == 0) return "";
  std::string out;
  auto sink = std::back_inserter(out);
  fmt::format_to(sink, "  {:<{}} {:>6}  {:>10}  {:>7}\n",
                 ShortText("in " + model.model, kOperatorWidth), kOperatorWidth, "nodes", "ms",
                 "share");
  for (size_t k = 0; k < shown; ++k) {
    const OperatorTime& time = model.profile[k];
    fmt::format_to(sink, "    {:<{}} {:>6}  {:>10}  {:>5.1f} %\n",
                   ShortText(time.op_type, kOperatorWidth - 2), kOperatorWidth - 2, time.nodes,
                   Milliseconds(time.seconds), all > 0 ? 100 * time.seconds / all : 0);
  }
  return out;
}

Json EstimateJson(const MedianEstimate& estimate) {
  Json json = {{"median", estimate.median}, {"low", nullptr}, {"high", nullptr}};
  if (!estimate.has_interval) return json;
  json["low"] = estimate.low;
  json["high"] = estimate.high;
  return json;
}

// An operator's event: {"cat": "Node", "dur": microseconds, "args": {"op_name", "node_index"}}.
bool IsOperator(const Json& event) {
  // Events of the session stand in the same list.
  if (!event.is_object() || event.value("cat", "") != "Node") return false;
  const auto arguments = event.find("args");
  return arguments != event.end() && arguments->is_object() && arguments->contains("op_name") &&
         event.contains("dur") && event["dur"].is_number();
}

}  // namespace

MedianEstimate EstimateMedian(std::vector<double> values) {
  QCONVERT_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const size_t count = values.size();
  // Order statistics: true for any distribution of times, which are far from normal.
  const size_t rank = RankOfBound(count);
  return {.median = (values[(count - 1) / 2] + values[count / 2]) / 2,
          .low = values[rank - 1],
          .high = values[count - rank],
          .has_interval = count >= kFewestValues};
}

std::vector<OperatorTime> OperatorTimes(const std::string& trace) {
  const Json events = Json::parse(trace, nullptr, false);
  if (!events.is_array())
    throw Error(ExitCode::kInternal, "", "the engine's trace is no list of events");
  std::map<std::pair<std::string, std::string>, std::vector<double>> by_node;
  for (const Json& event : events) {
    if (!IsOperator(event)) continue;
    const Json& arguments = event["args"];
    // Nodes may share a name; the engine's index tells them apart.
    const std::string node = event.value("name", "") + "#" + arguments.value("node_index", "");
    by_node[{arguments["op_name"].get<std::string>(), node}].push_back(event["dur"].get<double>());
  }
  std::map<std::string, OperatorTime> by_type;
  for (const auto& [node, microseconds] : by_node) {
    OperatorTime& time = by_type[node.first];
    ++time.nodes;
    time.seconds += 1e-6 * EstimateMedian(microseconds).median;
  }
  std::vector<OperatorTime> times;
  for (auto& [type, time] : by_type) {
    time.op_type = type;
    times.push_back(time);
  }
  // They come from a map: equal ones stay in the order of their names.
  std::stable_sort(times.begin(), times.end(),
                   [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return times;
}

MedianEstimate BenchReport::RatioOf(size_t m) const {
  std::vector<double> ratios;
  for (size_t round = 0; round < models[m].seconds.size(); ++round)
    // Round by round: what slows the machine for a while slows both.
    // The clock may show 0.
    ratios.push_back(models[m].seconds[round] / std::max(models[0].seconds[round], 1e-12));
  return EstimateMedian(std::move(ratios));
}

std::string FormatBench(const BenchReport& report, size_t top) {
  const size_t rounds = report.models[0].seconds.size();
  std::string out = fmt::format("{}\n{}, {}\n", Text(report.processor),
                                Counted(report.threads, "thread"), report.engine);
  auto sink = std::back_inserter(out);
  fmt::format_to(sink, "{}, the models in turns{}\n", Counted(rounds, "round"),
                 report.is_random ? "; random samples" : "");
  fmt::format_to(sink, "  {:<{}}  {:>9}  {:^20}  {}\n", "model", kNameWidth, "median ms",
                 "95 % interval", "of first");
  for (size_t m = 0; m < report.models.size(); ++m) {
    out += ModelRow(report, m);
    if (report.is_random && report.models[m].has_free_dimensions)
      out += "    its free dimensions count as 1, --data DIR gives real ones\n";
  }
  for (size_t m = 1; m < report.models.size(); ++m) {
    const MedianEstimate ratio = report.RatioOf(m);
    const std::string interval =
        ratio.has_interval ? fmt::format(", {:.3f} .. {:.3f} (95 %)", ratio.low, ratio.high) : "";
    fmt::format_to(sink, "  {} takes {:.3f} of the first's time{}\n",
                   ShortText(report.models[m].model, kShortNameWidth), ratio.median, interval);
  }
  for (const BenchedModel& model : report.models) out += FormatProfile(model, top);
  return out;
}

std::string BenchJson(const BenchReport& report, const std::string& exit_class) {
  Json models = Json::array();
  for (size_t m = 0; m < report.models.size(); ++m) {
    const BenchedModel& model = report.models[m];
    Json operators = Json::array();
    for (const OperatorTime& time : model.profile)
      operators.push_back(
          {{"op_type", Text(time.op_type)}, {"nodes", time.nodes}, {"seconds", time.seconds}});
    models.push_back({{"model", Text(model.model)},
                      {"seconds", EstimateJson(EstimateMedian(model.seconds))},
                      {"ratio", EstimateJson(report.RatioOf(m))},
                      {"operators", std::move(operators)}});
  }
  return Json{{"exit", exit_class},
              {"processor", Text(report.processor)},
              {"engine", report.engine},
              {"threads", report.threads},
              {"rounds", report.models[0].seconds.size()},
              {"random_samples", report.is_random},
              {"models", std::move(models)}}
             .dump(2) +
         "\n";
}

}  // namespace qconvert
