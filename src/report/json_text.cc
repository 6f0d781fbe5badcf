#include "json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>

#include "qconvert/base/error.h"
#include "qconvert/base/utf8.h"
#include "qconvert/base/wrap.h"

namespace qconvert {
namespace {

const char* ResultName(OutputVerdict::Result result) {
  switch (result) {
    case OutputVerdict::Result::kPassed:
      return "passed";
    case OutputVerdict::Result::kFailed:
      return "failed";
    case OutputVerdict::Result::kNotJudged:
      break;
  }
  return "not judged";
}

}  // namespace

std::string Size(int64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  if (bytes < 10'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

std::string FilesLine(const std::vector<std::string>& files) {
  std::vector<std::string> names;
  for (const std::string& file : files) names.push_back(EscapeForTerminal(file));
  return files.empty() ? "" : fmt::format("  wrote    {}\n", fmt::join(names, ", "));
}

std::string Text(const std::string& name) { return EscapeForTerminal(name); }

std::string ShortText(const std::string& name, size_t width) {
  const std::string text = Text(name);
  if (CountColumns(text) <= width) return text;
  return "..." + std::string(LastColumns(text, width - 3));
}

std::string FittedRow(const std::string& row) {
  std::string out;
  std::istringstream lines(WrapLine(row));
  for (std::string line; std::getline(lines, line);) {
    if (CountColumns(line) > kTerminalColumns)
      line = std::string(FirstColumns(line, kTerminalColumns - 3)) + "...";
    out += line + "\n";
  }
  return out;
}

Json TextsJson(const std::vector<std::string>& names) {
  Json out = Json::array();
  for (const std::string& name : names) out.push_back(Text(name));
  return out;
}

Json Number(std::optional<double> value) {
  return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

Json OutputJson(const OutputComparison& output, const OutputVerdict& verdict,
                const std::vector<std::string>& sample_names) {
  Json json = {{"name", Text(output.value.name)},
               {"result", ResultName(verdict.result)},
               {"verdict", verdict.text}};
  for (const std::string& name : output.value.stands_for) json["stands_for"].push_back(Text(name));
  json["cosine"] = Number(Evaluate(Metric::kCosine, output.sums));
  json["sqnr_db"] = Number(Evaluate(Metric::kSqnr, output.sums));
  json["sqnr_db_at_least"] = Number(output.SqnrAtLeast());
  json["max_error"] = Number(Evaluate(Metric::kChebyshev, output.sums));
  json["values"] = output.sums.count;
  // Samples count where values were compared: without any their noise is 0.
  if (const auto worst = output.WorstSample(); worst && output.sums.count > 0) {
    json["worst_sample"] = {{"sqnr_db", SqnrOfNoise(output.SampleNoise(*worst))}};
    if (*worst < sample_names.size()) json["worst_sample"]["name"] = Text(sample_names[*worst]);
  }
  // A rate of no decisions would look like one of no flips.
  if (output.decisions.decided > 0) {
    json["decisions"] = {{"decided", output.decisions.decided},
                         {"flips", output.decisions.flips},
                         {"flip_rate_at_most", Number(output.FlipRateAtMost())}};
  }
  if (output.elements > 0)
    json["equal"] = static_cast<double>(output.equal) / static_cast<double>(output.elements);
  json["mismatched_shapes"] = output.mismatched_shapes;
  json["non_finite"] = output.non_finite;
  json["float_non_finite"] = output.float_non_finite;
  return json;
}

Json GateJson(const Gate& gate) {
  return {{"min_sqnr_db", gate.min_sqnr_db},
          {"min_sample_sqnr_db", gate.min_sample_sqnr_db},
          {"min_group_sqnr_db", gate.min_group_sqnr_db},
          {"max_flips", gate.max_flips},
          {"min_cosine", Number(gate.min_cosine)}};
}

std::string FormatVerdict(const Verdict& verdict) {
  std::string out;
  const char* label = "judged";
  for (const OutputVerdict& output : verdict.outputs) {
    fmt::format_to(std::back_inserter(out), "  {:<7}  {} {}\n", label, Text(output.name),
                   output.text);
    label = "";
  }
  return out;
}

}  // namespace qconvert
