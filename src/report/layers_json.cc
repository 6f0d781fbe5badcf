#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "conversion_json.h"
#include "guilty_text.h"
#include "plan_difference_json.h"
#include "qconvert/base/error.h"
#include "qconvert/base/metric.h"
#include "qconvert/report/report_page.h"

namespace qconvert {
namespace {

// Text() shortens; a name here has to be found again.
std::string WholeLines(const std::string& text) {
  std::string out;
  // Line by line: newlines are control characters, which escaping would replace.
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out += EscapeWhole(text.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return out;
}

// Four digits are more than a drawing shows, and a page has thousands of numbers.
// Through the text: the double next to it is printed as short again.
double Short(double value) { return std::strtod(fmt::format("{:.4g}", value).c_str(), nullptr); }

void AddDecibels(const char* key, std::optional<double> noise, Json& json) {
  if (noise) json[key] = Short(SqnrOfNoise(*noise));
}

Json FindingsJson(const std::vector<Finding>& findings) {
  Json out = Json::array();
  for (const Finding& finding : findings)
    out.push_back({{"cause", CauseName(finding.cause)},
                   {"text", EscapeWhole(finding.text)},
                   {"advice", EscapeWhole(finding.advice)}});
  return out;
}

Json LayerJson(const LayerRow& row) {
  Json json = {{"name", EscapeWhole(row.name)},
               {"op_type", EscapeWhole(row.op_type)},
               {"computes", row.computes},
               {"format", row.format}};
  if (!row.reason.empty()) json["reason"] = EscapeWhole(row.reason);
  AddDecibels("sqnr_alone_db", row.errors.alone, json);
  AddDecibels("sqnr_without_db", row.errors.without, json);
  AddDecibels("sqnr_behind_db", row.errors.behind, json);
  AddDecibels("sqnr_weights_db", row.errors.weights_alone, json);
  AddDecibels("sqnr_activations_db", row.errors.activations_alone, json);
  AddDecibels("sqnr_own_weights_db", row.errors.own.weights, json);
  AddDecibels("sqnr_own_inputs_db", row.errors.own.inputs, json);
  AddDecibels("sqnr_weights_behind_db", row.errors.weights_behind, json);
  AddDecibels("sqnr_activations_behind_db", row.errors.activations_behind, json);
  AddDecibels("sqnr_16_bit_values_behind_db", row.errors.wide_behind, json);
  if (row.errors.alone) json["share"] = Short(row.share);
  if (row.saved_ns != 0) json["saved_us"] = Short(row.saved_ns / 1e3);
  if (row.multiply_adds > 0) json["multiply_adds"] = Short(row.multiply_adds);
  if (row.weight_bytes > 0) json["weight_bytes"] = row.weight_bytes;
  json["reads"] = row.reads;
  if (row.fused_into) json["fused_into"] = *row.fused_into;
  if (!row.findings.empty()) json["findings"] = FindingsJson(row.findings);
  return json;
}

Json ValueJson(const ValueRow& row) {
  Json bins = Json::array();
  for (const double share : row.bins) bins.push_back(Short(share));
  Json json = {{"name", EscapeWhole(row.name)},
               {"type", row.type},
               {"method", row.method},
               {"seen", {Short(row.min), Short(row.max)}},
               {"range", {Short(row.range.min), Short(row.range.max)}},
               {"clipped", Short(row.clipped)},
               {"bins", std::move(bins)}};
  if (row.layer) json["layer"] = *row.layer;
  return json;
}

Json WeightJson(const WeightRow& row) {
  Json boxes = Json::array();
  for (const WeightRow::Box& box : row.boxes) {
    boxes.push_back({box.channel, Short(box.min), Short(box.low), Short(box.median),
                     Short(box.high), Short(box.max)});
  }
  return {{"name", EscapeWhole(row.name)}, {"layer", row.layer},   {"type", row.type},
          {"channels", row.channels},      {"scales", row.scales}, {"boxes", std::move(boxes)}};
}

template <typename Rows, typename ToJson>
Json List(const Rows& rows, const ToJson& to_json) {
  Json out = Json::array();
  for (const auto& row : rows) out.push_back(to_json(row));
  return out;
}

Json GuiltyJson(const GuiltyNodes& guilty) {
  Json json = {{"text", GuiltyText(guilty)}, {"layers", guilty.rows}};
  AddDecibels("target_db", guilty.target, json);
  AddDecibels("sqnr_before_db", guilty.before, json);
  AddDecibels("sqnr_after_db", guilty.after, json);
  if (guilty.is_minimal && !guilty.rows.empty())
    AddDecibels("sqnr_any_fewer_db", guilty.any_fewer, json);
  json["reached"] = guilty.reached;
  json["minimal"] = guilty.is_minimal;
  json["measurements"] = guilty.measurements;
  return json;
}

Json SuggestionsJson(const LayerReport& layers) {
  Json out = Json::array();
  for (const Suggestion& one : SuggestionsOf(layers)) {
    out.push_back({{"layer", one.layer},
                   {"gain_db", Short(one.gain_db)},
                   {"advice", EscapeWhole(KeepFloatOption(layers.layers[one.layer].origin))}});
  }
  return out;
}

}  // namespace

std::string LayersJson(const ConversionReport& report, const std::string& exit_class,
                       const LayerReport& layers) {
  Json json = ConversionJson(report, exit_class);
  // The page is an output: the same whatever folder the files lie in.
  for (const char* key : {"input", "output"})
    json[key] = Text(std::filesystem::path(json[key].get<std::string>()).filename().string());
  json["measured"] = {{"samples", layers.errors.samples}, {"runs", layers.errors.runs}};
  if (layers.errors.samples > 0) {
    AddDecibels("sqnr_db", layers.errors.whole, json["measured"]);
    AddDecibels("sqnr_weights_db", layers.errors.whole_weights, json["measured"]);
    AddDecibels("sqnr_activations_db", layers.errors.whole_activations, json["measured"]);
    AddDecibels("sqnr_16_bit_values_db", layers.errors.whole_wide, json["measured"]);
  } else {
    json["measured"]["why_none"] = layers.errors.why_none;
  }
  if (layers.guilty) json["guilty"] = GuiltyJson(*layers.guilty);
  json["suggestions"] = SuggestionsJson(layers);
  json["layers"] = List(layers.layers, LayerJson);
  json["all_values"] = layers.all_values;
  json["values"] = List(layers.values, ValueJson);
  json["all_weights"] = layers.all_weights;
  json["weights"] = List(layers.weights, WeightJson);
  if (layers.against) json["against"] = DifferenceJson(*layers.against);
  json["config"] = WholeLines(layers.config);
  return json.dump() + "\n";
}

}  // namespace qconvert
