#include "qconvert/report/debug_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "guilty_text.h"
#include "json_text.h"
#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr size_t kShown = 10;
constexpr int kBarWidth = 20;
constexpr size_t kNameWidth = 38;

void AddCulprits(const LayerReport& layers, std::string& out) {
  auto sink = std::back_inserter(out);
  const std::vector<size_t> culprits = Culprits(layers);
  if (culprits.empty()) {
    out += "  no node changes the outputs\n";
    return;
  }
  fmt::format_to(sink, "  {:>7}  {:<{}}  {:>6} {:>7} {:>6}  node\n", "share", "", kBarWidth,
                 "alone", "weights", "values");
  for (size_t k = 0; k < std::min(culprits.size(), kShown); ++k) {
    const LayerRow& row = layers.layers[culprits[k]];
    // Shares are at most 1: no bar is wider than its column.
    const int filled = static_cast<int>(std::lround(row.share * kBarWidth));
    fmt::format_to(sink, "  {:>5.1f} %  {:<{}}  {:>6} {:>7} {:>6}  {}\n", 100 * row.share,
                   std::string(static_cast<size_t>(filled), '#'), kBarWidth,
                   Decibels(row.errors.alone), Decibels(row.errors.weights_alone),
                   Decibels(row.errors.activations_alone), ShortText(TitleOf(row), kNameWidth));
    for (const Finding& finding : row.findings)
      fmt::format_to(sink, "{:>12}{}: {}\n", "", CauseName(finding.cause), Text(finding.text));
  }
}

// Of a node without a name no option can speak.
std::string OptionOrTitle(const LayerRow& row) {
  return row.origin.empty() ? "a node without a name, " + row.op_type : KeepFloatOption(row.origin);
}

void AddSuggestions(const LayerReport& layers, std::string& out) {
  auto sink = std::back_inserter(out);
  const std::vector<Suggestion> suggestions = SuggestionsOf(layers);
  if (!suggestions.empty()) out += "  by itself, left float, each gives\n";
  for (const Suggestion& one : suggestions) {
    // Whole: an option that is cut off cannot be pasted.
    fmt::format_to(sink, "  {:>+7.1f} dB  {}\n", one.gain_db,
                   EscapeWhole(KeepFloatOption(layers.layers[one.layer].origin)));
  }
}

}  // namespace

std::string FormatDebug(const DebugReport& report) {
  const LayerReport& layers = report.layers;
  const std::string input = Text(report.conversion.input);
  if (layers.errors.samples == 0)
    return fmt::format("{}: nothing was measured: {}\n", input, layers.errors.why_none);
  std::string out =
      fmt::format("{}: {} dB at the worst output with all nodes quantized, on {}\n", input,
                  Decibels(layers.errors.whole), Counted(layers.errors.samples, "sample"));
  auto sink = std::back_inserter(out);
  if (layers.errors.whole_weights && layers.errors.whole_activations) {
    fmt::format_to(sink, "  with all weights alone quantized {} dB, with all values alone {} dB\n",
                   Decibels(layers.errors.whole_weights),
                   Decibels(layers.errors.whole_activations));
  }
  if (layers.errors.whole_wide)
    fmt::format_to(sink, "  with values in 16 bits and the weights as they are {} dB\n",
                   Decibels(layers.errors.whole_wide));
  AddCulprits(layers, out);
  if (layers.guilty) {
    fmt::format_to(sink, "  {}\n", GuiltyText(*layers.guilty));
    const std::vector<size_t>& rows = layers.guilty->rows;
    for (size_t k = 0; k < std::min(rows.size(), kShown); ++k)
      fmt::format_to(sink, "{:>12}{}\n", "", EscapeWhole(OptionOrTitle(layers.layers[rows[k]])));
    if (rows.size() > kShown)
      fmt::format_to(sink, "{:>12}... {} more, see the JSON\n", "", rows.size() - kShown);
  }
  AddSuggestions(layers, out);
  fmt::format_to(sink, "  {} of both models in one\n",
                 Counted(static_cast<int64_t>(layers.errors.runs), "run"));
  return out + FilesLine(report.conversion.files);
}

}  // namespace qconvert
