#include "qconvert/report/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "float_reasons.h"
#include "json_text.h"
#include "qconvert/base/counted.h"

namespace qconvert {
namespace {

constexpr size_t kLineWidth = 80;
constexpr size_t kMostProducts = 12;
constexpr size_t kOperatorWidth = 14;
constexpr const char* kIndent = "            ";

// "1.23 M": a count in three or four digits.
std::string Amount(double count) {
  if (count < 1e4) return fmt::format("{:.0f}", count);
  if (count < 1e6) return fmt::format("{:.1f} k", count / 1e3);
  if (count < 1e9) return fmt::format("{:.1f} M", count / 1e6);
  return fmt::format("{:.1f} G", count / 1e9);
}

// Appends `parts` behind `label`, broken into lines that fit.
void AddList(const char* label, const std::vector<std::string>& parts, std::string& out) {
  std::string line = fmt::format("  {:<9}", label);
  for (size_t k = 0; k < parts.size(); ++k) {
    const std::string text = parts[k] + (k + 1 < parts.size() ? "," : "");
    // A part that is longer than a line has one of its own.
    if (k > 0 && line.size() + 1 + text.size() > kLineWidth) {
      out += line + "\n";
      line = fmt::format("  {:<9}", "");
    }
    line += " " + text;
  }
  out += line + "\n";
}

// Where a sentence may go on in the next line.
std::vector<std::string> Clauses(const std::string& sentence) {
  std::vector<std::string> out;
  size_t from = 0;
  for (size_t at; (at = sentence.find(", ", from)) != std::string::npos; from = at + 2)
    out.push_back(sentence.substr(from, at - from));
  out.push_back(sentence.substr(from));
  return out;
}

// Most frequent first.
std::vector<std::string> OperatorCounts(const Inspection& inspection) {
  std::vector<std::pair<std::string, size_t>> sorted(inspection.operators.begin(),
                                                     inspection.operators.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> out;
  for (const auto& [type, count] : sorted) out.push_back(fmt::format("{} {}", count, Text(type)));
  return out;
}

std::vector<std::string> OpsetNames(const Inspection& inspection) {
  std::vector<std::string> out;
  for (const auto& [domain, version] : inspection.opsets)
    out.push_back(fmt::format("{} {}", domain.empty() ? "ai.onnx" : Text(domain), version));
  return out;
}

// The rows of products, and the columns of a header above them.
void AddProducts(const std::vector<Inspection::Products>& products, std::string& out) {
  if (products.empty()) return;
  // One form for header and rows: columns cannot drift apart.
  const auto row = [&](const auto&... columns) {
    fmt::format_to(std::back_inserter(out), "  {:<14} {:<25} {:>5} {:>7} {:>7} {:>7} {:>7}\n",
                   columns...);
  };
  row("", "input x weight -> output", "nodes", "MACs", "kB in", "weights", "out");
  const auto kilo = [](double bytes) { return fmt::format("{:.1f}", bytes / 1e3); };
  for (size_t k = 0; k < std::min(products.size(), kMostProducts); ++k) {
    const Inspection::Products& one = products[k];
    row(ShortText(one.op_type, kOperatorWidth),
        fmt::format("{} x {} -> {}", one.input, one.weight, one.output), one.nodes,
        Amount(one.multiply_adds), kilo(one.input_bytes), kilo(one.weight_bytes),
        kilo(one.output_bytes));
  }
  if (products.size() > kMostProducts)
    fmt::format_to(std::back_inserter(out), "{}... {}, see the JSON\n", kIndent,
                   Counted(static_cast<int64_t>(products.size() - kMostProducts), "more row"));
}

Json ProductsJson(const std::vector<Inspection::Products>& products) {
  Json out = Json::array();
  for (const Inspection::Products& one : products)
    out.push_back({{"op_type", Text(one.op_type)},
                   {"input", one.input},
                   {"weight", one.weight},
                   {"output", one.output},
                   {"nodes", one.nodes},
                   {"multiply_adds", one.multiply_adds},
                   {"input_bytes", one.input_bytes},
                   {"weight_bytes", one.weight_bytes},
                   {"output_bytes", one.output_bytes}});
  return out;
}

void AddBorders(const char* label, const std::vector<Inspection::Border>& borders,
                std::string& out) {
  for (const Inspection::Border& border : borders) {
    out += fmt::format("  {:<10}{}  {}\n", label, Text(border.name), Text(border.type));
    label = "";
  }
}

Json BordersJson(const std::vector<Inspection::Border>& borders) {
  Json out = Json::array();
  for (const Inspection::Border& border : borders)
    out.push_back({{"name", Text(border.name)}, {"type", Text(border.type)}});
  return out;
}

}  // namespace

std::map<std::string, double> Inspection::MultiplyAdds() const {
  std::map<std::string, double> sums;
  for (const Products& one : products)
    if (one.multiply_adds > 0) sums[one.input + " x " + one.weight] += one.multiply_adds;
  return sums;
}

std::string FormatInspection(const Inspection& inspection) {
  std::string out =
      fmt::format("{}: {}, IR {}{}\n", Text(inspection.model), Size(inspection.file_bytes),
                  inspection.ir_version,
                  inspection.producer.empty() ? "" : ", by " + Text(inspection.producer));
  auto sink = std::back_inserter(out);
  AddBorders("inputs", inspection.inputs, out);
  AddBorders("outputs", inspection.outputs, out);
  AddList("opsets", OpsetNames(inspection), out);
  AddList("nodes", OperatorCounts(inspection), out);
  std::vector<std::string> stored;
  for (const auto& [type, sum] : inspection.parameters)
    stored.push_back(fmt::format("{} {} ({})", Amount(static_cast<double>(sum.elements)), type,
                                 Size(sum.bytes)));
  AddList("constants", stored, out);
  fmt::format_to(sink, "Expected of a conversion for {}, nothing measured yet\n",
                 inspection.target);
  AddList("scheme", Clauses(inspection.scheme + ": " + Text(inspection.scheme_reason)), out);
  std::vector<std::string> products;
  for (const auto& [pair, count] : inspection.MultiplyAdds())
    products.push_back(fmt::format("{} {}", Amount(count), pair));
  if (products.empty()) products.emplace_back("0");
  AddList("MACs", products, out);
  if (inspection.has_free_dimensions)
    fmt::format_to(sink, "{}free dimensions count as 1\n", kIndent);
  AddProducts(inspection.products, out);
  AddList("time",
          {fmt::format("{:.2f} of the float time", inspection.time_ratio),
           "of nodes that integer kernels take", inspection.time_of},
          out);
  fmt::format_to(sink, "  {:<10}{} -> about {}\n", "size", Size(inspection.file_bytes),
                 Size(inspection.expected_bytes));
  fmt::format_to(sink,
                 "  {:<10}{} after the float passes: {} integer, {} fused into them, {} float\n",
                 "nodes", inspection.prepared_nodes, inspection.integer_nodes,
                 inspection.fused_nodes, inspection.float_nodes);
  return out + FormatFloatReasons(inspection.float_reasons);
}

std::string InspectionJson(const Inspection& inspection, const std::string& exit_class) {
  Json parameters = Json::object();
  for (const auto& [type, sum] : inspection.parameters)
    parameters[type] = {{"elements", sum.elements}, {"bytes", sum.bytes}};
  Json operators = Json::object();
  for (const auto& [type, count] : inspection.operators) operators[Text(type)] = count;
  Json opsets = Json::object();
  for (const auto& [domain, version] : inspection.opsets)
    opsets[domain.empty() ? "ai.onnx" : Text(domain)] = version;
  const Json json = {
      {"exit", exit_class},
      {"model", Text(inspection.model)},
      {"bytes", inspection.file_bytes},
      {"ir_version", inspection.ir_version},
      {"producer", Text(inspection.producer)},
      {"opsets", std::move(opsets)},
      {"inputs", BordersJson(inspection.inputs)},
      {"outputs", BordersJson(inspection.outputs)},
      {"operators", std::move(operators)},
      {"constants", std::move(parameters)},
      {"has_free_dimensions", inspection.has_free_dimensions},
      {"expected",
       {{"target", inspection.target},
        {"scheme", {{"name", inspection.scheme}, {"reason", Text(inspection.scheme_reason)}}},
        {"multiply_adds", inspection.MultiplyAdds()},
        {"products", ProductsJson(inspection.products)},
        {"time_ratio", inspection.time_ratio},
        {"time_of", inspection.time_of},
        {"bytes", inspection.expected_bytes},
        {"nodes",
         {{"integer", inspection.integer_nodes},
          {"fused", inspection.fused_nodes},
          {"float", inspection.float_nodes}}},
        {"float_nodes", FloatReasonsJson(inspection.float_reasons)}}},
      {"warnings", TextsJson(inspection.warnings)}};
  return json.dump(2) + "\n";
}

}  // namespace qconvert
