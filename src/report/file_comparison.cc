#include "qconvert/report/file_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "json_text.h"
#include "qconvert/base/counted.h"

namespace qconvert {
namespace {

constexpr size_t kOutputNameWidth = 17;
constexpr size_t kInnerNameWidth = 30;
constexpr size_t kTypeWidth = 13;

double Share(int64_t part, int64_t all) {
  return static_cast<double>(part) / static_cast<double>(std::max<int64_t>(all, 1));
}

// Numbers of floating-point values, as rows and objects share them.
void AddDistances(const ErrorSums& sums, int64_t mismatched, Json& json) {
  json["cosine"] = Number(Evaluate(Metric::kCosine, sums));
  json["sqnr_db"] = Number(Evaluate(Metric::kSqnr, sums));
  if (sums.count > 0) {
    json["l1"] = Number(sums.absolute_error);
    json["l2"] = Number(std::sqrt(sums.error_power));
    json["chebyshev"] = Number(sums.max_error);
    json["mismatch"] = Share(mismatched, sums.count);
  }
  json["values"] = sums.count;
}

std::string OutputRow(const OutputComparison& output, size_t width) {
  const std::string name = ShortText(output.value.name, width);
  const ErrorSums& sums = output.sums;
  if (sums.count > 0) {
    return fmt::format("  {:<{}}  {:>9.6f} {:>8.2f} {:>9.3g} {:>9.3g} {:>9.3g} {:>8.2f} %\n", name,
                       width, output.cosine(), output.sqnr_db(), sums.absolute_error,
                       std::sqrt(sums.error_power), sums.max_error,
                       100 * Share(output.mismatched, sums.count));
  }
  // Integers and strings have no distances, only equal ones.
  const std::string mismatch =
      output.elements > 0
          ? fmt::format("{:.2f} %", 100 * Share(output.elements - output.equal, output.elements))
          : "-";
  return fmt::format("  {:<{}}  {:>9} {:>8} {:>9} {:>9} {:>9} {:>10}\n", name, width, "-", "-", "-",
                     "-", "-", mismatch);
}

std::string FormatInner(const FileComparison& comparison, size_t worst) {
  const size_t shown = std::min(worst, comparison.inner.size());
  std::string out;
  auto sink = std::back_inserter(out);
  if (comparison.inner.empty()) return "  no inner value has a name that both models have\n";
  fmt::format_to(sink, "  {} of one name in both, worst first\n",
                 Counted(std::ssize(comparison.inner), "inner value"));
  if (shown == 0) return out;
  fmt::format_to(sink, "  {:<{}}  {:<{}}  {:>9} {:>8} {:>9}\n", "value", kInnerNameWidth,
                 "computed by", kTypeWidth, "cosine", "SQNR dB", "max error");
  const std::vector<size_t> order = WorstInner(comparison);
  for (size_t k = 0; k < shown; ++k) {
    const InnerComparison& value = comparison.inner[order[k]];
    fmt::format_to(sink, "  {:<{}}  {:<{}}  ", ShortText(value.name, kInnerNameWidth),
                   kInnerNameWidth, ShortText(value.op_type, kTypeWidth), kTypeWidth);
    // Sums are of finite pairs alone: their numbers would look well.
    if (value.non_finite > 0) {
      fmt::format_to(sink, "{} not finite\n", value.non_finite);
      continue;
    }
    fmt::format_to(sink, "{:>9.6f} {:>8.2f} {:>9.3g}\n",
                   Evaluate(Metric::kCosine, value.sums).value_or(0),
                   Evaluate(Metric::kSqnr, value.sums).value_or(0), value.sums.max_error);
  }
  return out;
}

}  // namespace

bool FileComparison::Passes() const {
  return !is_judged || JudgeOutputs(outputs, gate, sample_names).passed;
}

std::vector<size_t> WorstInner(const FileComparison& comparison) {
  std::vector<size_t> order(comparison.inner.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto noise = [&](size_t k) {
    const InnerComparison& value = comparison.inner[k];
    // Broken ones first.
    return value.non_finite > 0 ? HUGE_VAL : value.sums.noise();
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return noise(a) > noise(b); });
  return order;
}

std::string FormatFileComparison(const FileComparison& comparison, size_t worst) {
  std::string out = fmt::format("{} against {}, {}\n", Text(comparison.b), Text(comparison.a),
                                Counted(std::ssize(comparison.sample_names), "sample"));
  auto sink = std::back_inserter(out);
  fmt::format_to(sink, "  {:<{}}  {:>9} {:>8} {:>9} {:>9} {:>9} {:>10}\n", "output",
                 kOutputNameWidth, "cosine", "SQNR dB", "L1", "L2", "max error", "mismatch");
  for (const OutputComparison& output : comparison.outputs)
    out += OutputRow(output, kOutputNameWidth);
  for (const auto& [names, file] : {std::pair{&comparison.only_a, &comparison.a},
                                    std::pair{&comparison.only_b, &comparison.b}}) {
    for (const std::string& name : *names)
      fmt::format_to(sink, "  output {} is in {} only\n", Text(name), Text(*file));
  }
  if (comparison.is_judged)
    out +=
        FormatVerdict(JudgeOutputs(comparison.outputs, comparison.gate, comparison.sample_names));
  return out + FormatInner(comparison, worst);
}

std::string FileComparisonJson(const FileComparison& comparison, const std::string& exit_class) {
  const Verdict verdict =
      JudgeOutputs(comparison.outputs, comparison.gate, comparison.sample_names);
  Json outputs = Json::array();
  for (size_t o = 0; o < comparison.outputs.size(); ++o) {
    const OutputComparison& output = comparison.outputs[o];
    Json json = OutputJson(output, verdict.outputs[o], comparison.sample_names);
    // Without a budget the verdict is one by defaults that nobody asked for.
    if (!comparison.is_judged) {
      json.erase("result");
      json.erase("verdict");
    }
    AddDistances(output.sums, output.mismatched, json);
    outputs.push_back(std::move(json));
  }
  Json inner = Json::array();
  for (const InnerComparison& value : comparison.inner) {
    Json json = {{"name", Text(value.name)}, {"op_type", Text(value.op_type)}};
    AddDistances(value.sums, value.mismatched, json);
    json["non_finite"] = value.non_finite;
    inner.push_back(std::move(json));
  }
  Json json = {{"exit", exit_class},
               {"a", Text(comparison.a)},
               {"b", Text(comparison.b)},
               {"samples", comparison.sample_names.size()},
               {"outputs", std::move(outputs)},
               {"only_in_a", TextsJson(comparison.only_a)},
               {"only_in_b", TextsJson(comparison.only_b)},
               {"inner", std::move(inner)}};
  if (comparison.is_judged)
    json["budget"] = {{"passed", verdict.passed}, {"gate", GateJson(comparison.gate)}};
  return json.dump(2) + "\n";
}

}  // namespace qconvert
