#include "qconvert/report/conversion_report.h"

#include <fmt/format.h>

#include <iterator>

#include "conversion_json.h"
#include "float_reasons.h"
#include "json_text.h"
#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"
#include "qconvert/base/utf8.h"
#include "qconvert/ir/body_graph.h"
#include "qconvert/report/advice.h"
#include "trials_json.h"

namespace qconvert {
namespace {

Verdict VerdictOf(const ConversionReport& report) {
  Verdict verdict = JudgeOutputs(report.outputs, report.gate, report.sample_names);
  SetAdvice(AdviceOf(report.integer_nodes + report.dynamic_nodes > 0, ""), verdict);
  return verdict;
}

constexpr size_t kMaxGuardRows = 8;

// A row of numbers for every output that has some, then what each was judged to be.
void FormatOutputs(const ConversionReport& report, std::string& out) {
  auto sink = std::back_inserter(out);
  size_t width = 6;
  for (const OutputComparison& output : report.outputs)
    // As it is printed: an escaped name is longer.
    width = std::max(width, CountColumns(Text(output.value.name)));
  fmt::format_to(sink, "  {:<{}}  {:>9}  {:>9}  {:>10}\n", "output", width, "cosine", "SQNR dB",
                 "max error");
  for (const OutputComparison& output : report.outputs) {
    const std::string name = Text(output.value.name);
    // No number where nothing was compared: a cosine of 1 would be a lie.
    if (output.sums.count == 0 || output.value.is_random) {
      fmt::format_to(sink, "  {:<{}}  {:>9}  {:>9}  {:>10}\n", name, width, "-", "-", "-");
    } else {
      fmt::format_to(sink, "  {:<{}}  {:>9.6f}  {:>9.2f}  {:>10.4g}\n", name, width,
                     output.cosine(), output.sqnr_db(), output.sums.max_error);
    }
  }
  out += FormatVerdict(VerdictOf(report));
}

void FormatNoiseParts(const NoiseParts& parts, std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 "  noise    {:.1f} dB with rounded weights alone, {:.1f} dB with rounded values "
                 "alone\n",
                 SqnrOfNoise(parts.weights), SqnrOfNoise(parts.values));
}

// "20.0 -> 30.0 dB", with as many digits as show a difference; without one "20.0 dB".
std::string ChangeOf(double before, double after) {
  for (const int digits : {1, 2}) {
    const std::string from = fmt::format("{:.{}f}", before, digits);
    const std::string to = fmt::format("{:.{}f}", after, digits);
    if (from != to) return fmt::format("{} -> {} dB", from, to);
  }
  return fmt::format("{:.1f} dB", before);
}

// Where nothing is gained, why it stays all the same.
std::string WhatItGave(const CorrectionReport& correction) {
  const std::string change =
      ChangeOf(SqnrOfNoise(correction.noise_before), SqnrOfNoise(correction.noise_after));
  const bool is_equal = change.find("->") == std::string::npos;
  const bool gains = !is_equal && correction.noise_after < correction.noise_before;
  const char* stays = !correction.kept ? ", not kept"
                      : gains          ? ""
                                       : ", kept: asked for, the samples are too few to tell, "
                                         "or what else the guard counts is better";
  return fmt::format("{} in a typical sample{}{}", change, is_equal ? " as before" : "", stays);
}

void FormatCorrection(const CorrectionReport& correction, std::string& out) {
  const auto sink = std::back_inserter(out);
  std::string_view of = correction.of;  // a plural
  if (correction.layers == 1 && of.ends_with('s')) of.remove_suffix(1);
  fmt::format_to(sink, "  {:<8} of {} {} corrected", correction.name, correction.layers, of);
  if (correction.noise_before > 0) {
    out += ": " + WhatItGave(correction);
  } else {
    out += ", not measured";
  }
  if (!correction.remark.empty()) out += "; " + Text(correction.remark);
  out += '\n';
}

void FormatGuard(const GuardReport& guard, std::string& out) {
  if (!guard.ran) return;
  auto sink = std::back_inserter(out);
  fmt::format_to(sink, "  guard    {} after {}", guard.passed ? "passed" : "NOT passed",
                 Counted(guard.measurements, "measurement"));
  if (!guard.kept_wide.empty())
    fmt::format_to(sink, ", {} in more bits", Counted(guard.kept_wide.size(), "weight"));
  if (!guard.kept_float.empty())
    fmt::format_to(sink, ", {} put back to float:", Counted(guard.kept_float.size(), "node"));
  out += '\n';
  for (size_t k = 0; k < guard.kept_float.size(); ++k) {
    if (k == kMaxGuardRows) {
      fmt::format_to(sink, "           ... {} more, see the JSON\n",
                     guard.kept_float.size() - kMaxGuardRows);
      break;
    }
    fmt::format_to(sink, "           {}\n", Text(guard.kept_float[k]));
  }
  for (const RepairStep& step : guard.steps) {
    fmt::format_to(sink, "  repair   {} {}: {:.1f} -> {:.1f} dB in a typical sample{}\n",
                   Counted(static_cast<int64_t>(step.count), step.of.c_str()), step.what,
                   SqnrOfNoise(step.noise_before), SqnrOfNoise(step.noise_after),
                   step.time == 0 ? "" : fmt::format(", {:+.1f} % time", 100 * step.time));
  }
}

Json StepsJson(const std::vector<RepairStep>& steps) {
  Json all = Json::array();
  for (const RepairStep& step : steps) {
    all.push_back({{"what", step.of + " " + step.what},
                   {"count", step.count},
                   {"of_float_time", step.time},
                   {"sqnr_db_before", SqnrOfNoise(step.noise_before)},
                   {"sqnr_db_after", SqnrOfNoise(step.noise_after)}});
  }
  return all;
}

Json CorrectionsJson(const ConversionReport& report) {
  Json all = Json::array();
  for (const CorrectionReport& correction : report.corrections) {
    Json one = {{"name", correction.name},
                {"of", correction.of},
                {"layers", correction.layers},
                {"kept", correction.kept}};
    if (correction.noise_before > 0) {
      one["sqnr_db_before"] = SqnrOfNoise(correction.noise_before);
      one["sqnr_db_after"] = SqnrOfNoise(correction.noise_after);
    }
    if (!correction.remark.empty()) one["remark"] = Text(correction.remark);
    all.push_back(std::move(one));
  }
  return all;
}

Json GuardJson(const ConversionReport& report) {
  return {{"ran", report.guard.ran},
          {"passed", report.guard.passed},
          {"gate", GateJson(report.gate)},
          {"measurements", report.guard.measurements},
          {"kept_float", TextsJson(report.guard.kept_float)},
          {"kept_wide", TextsJson(report.guard.kept_wide)},
          {"steps", StepsJson(report.guard.steps)}};
}

void CountLevel(const Graph& graph, const Placement& placement, const std::string& way,
                ConversionReport& report) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const NodePlacement& place = placement.nodes[n];
    report.integer_nodes += place.domain == NodeDomain::kInteger ? 1 : 0;
    report.fused_nodes += place.domain == NodeDomain::kFused ? 1 : 0;
    // Shape arithmetic and the like is no float node.
    if (place.domain != NodeDomain::kFloat) continue;
    ++report.float_nodes;
    report.float_reasons[{node.op_type, place.reason}].push_back(way + node.name);
  }
}

}  // namespace

void CountNodes(const Graph& graph, const Placement& placement, ConversionReport& report) {
  CountLevel(graph, placement, "", report);
  ForEachBodyIn(placement.bodies, graph, [&](const BodyGraph& body, const Placement& placed) {
    CountLevel(body.graph, placed, body.way, report);
  });
}

std::string FormatReport(const ConversionReport& report) {
  std::string out;
  auto sink = std::back_inserter(out);
  fmt::format_to(sink, "{} -> {}\n", Text(report.input), Text(report.output));
  // Nothing was quantized or judged: all rows below would be empty.
  if (report.float_only) {
    fmt::format_to(sink, "  written back as float, {}\n", Size(report.quantized_bytes));
    return out + FilesLine(report.files);
  }
  if (!report.outputs.empty()) {
    FormatOutputs(report, out);
    fmt::format_to(sink, "  against the float model on {} {}, {} calibrated\n",
                   report.compared_samples, report.compared_on, report.samples);
    if (report.simulated)
      out +=
          "  without the engine's integer kernels, which may saturate here and not on the target\n";
    if (!report.random_nodes.empty()) {
      fmt::format_to(sink,
                     "  random   {} of the model draw{} random numbers ({}), the same in both for "
                     "the comparison only\n",
                     Counted(std::ssize(report.random_nodes), "node"),
                     report.random_nodes.size() == 1 ? "s" : "", Text(report.random_nodes[0]));
    }
  } else {
    fmt::format_to(sink, "  not compared with the float model: {}\n",
                   report.random_nodes.empty() ? "no samples, --calib names some"
                                               : "without the guard its random numbers differ");
  }
  fmt::format_to(sink, "  size     {} -> {} ({:.2f})\n", Size(report.float_bytes),
                 Size(report.quantized_bytes),
                 static_cast<double>(report.quantized_bytes) /
                     static_cast<double>(std::max<int64_t>(report.float_bytes, 1)));
  fmt::format_to(sink, "  nodes    {} integer, {} fused into them, {} float\n",
                 report.integer_nodes, report.fused_nodes, report.float_nodes);
  fmt::format_to(sink, "  scheme   {}: {}\n", report.scheme, Text(report.scheme_reason));
  if (report.dynamic_nodes > 0)
    fmt::format_to(sink, "  dynamic  {} quantized at run time\n",
                   Counted(report.dynamic_nodes, "node"));
  if (report.stored_weights > 0)
    fmt::format_to(sink, "  weights  {} of float nodes stored in 16 bit or fewer\n",
                   report.stored_weights);
  if (report.noise_parts) FormatNoiseParts(*report.noise_parts, out);
  for (const CorrectionReport& correction : report.corrections) FormatCorrection(correction, out);
  FormatGuard(report.guard, out);
  out += FormatFloatReasons(report.float_reasons);
  out += FormatTrials(report.trials);
  out += FilesLine(report.files);
  std::vector<std::string> times;
  double total = 0;
  for (const auto& [stage, seconds] : report.seconds) {
    total += seconds;
    times.push_back(fmt::format("{} {:.2f}", stage, seconds));
  }
  fmt::format_to(sink, "  seconds  {:.2f} ({})\n", total, fmt::join(times, ", "));
  if (!report.stage_nodes.empty())
    out += FormatStageNodes(report.stage_nodes) + FormatStageOutputs(report.outputs);
  return out;
}

Json ConversionJson(const ConversionReport& report, const std::string& exit_class) {
  Json outputs = Json::array();
  const Verdict verdict = VerdictOf(report);
  for (size_t o = 0; o < report.outputs.size(); ++o)
    outputs.push_back(OutputJson(report.outputs[o], verdict.outputs[o], report.sample_names));
  Json json = {{"exit", exit_class},
               {"input", Text(report.input)},
               {"output", Text(report.output)},
               {"float_only", report.float_only},
               {"bytes_before", report.float_bytes},
               {"bytes_after", report.quantized_bytes},
               {"samples", report.samples},
               {"compared_samples", report.compared_samples},
               {"compared_on", report.compared_on},
               {"simulated", report.simulated},
               {"outputs", std::move(outputs)},
               {"nodes",
                {{"integer", report.integer_nodes},
                 {"fused", report.fused_nodes},
                 {"float", report.float_nodes}}},
               {"scheme", {{"name", report.scheme}, {"reason", Text(report.scheme_reason)}}},
               {"dynamic_nodes", report.dynamic_nodes},
               {"stored_weights", report.stored_weights},
               {"corrections", CorrectionsJson(report)},
               {"guard", GuardJson(report)},
               {"float_nodes", FloatReasonsJson(report.float_reasons)},
               {"warnings", TextsJson(report.warnings)}};
  if (!report.trials.empty()) json["tried"] = TrialsJson(report.trials);
  if (const auto& parts = report.noise_parts) {
    json["noise"] = {{"weights_alone_sqnr_db", SqnrOfNoise(parts->weights)},
                     {"values_alone_sqnr_db", SqnrOfNoise(parts->values)}};
  }
  return json;
}

std::string ReportJson(const ConversionReport& report, const std::string& exit_class) {
  return ConversionJson(report, exit_class).dump(2) + "\n";
}

std::string FailureJson(const std::string& input, const std::string& exit_class,
                        const std::vector<std::string>& errors) {
  return Json{{"exit", exit_class}, {"input", Text(input)}, {"errors", TextsJson(errors)}}.dump(2) +
         "\n";
}

}  // namespace qconvert
