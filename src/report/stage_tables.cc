#include "qconvert/report/stage_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "json_text.h"

namespace qconvert {
namespace {

constexpr size_t kNameWidth = 44;
constexpr const char* kNothing = "--";

using Row = std::vector<std::string>;

// Columns as wide as their longest cell, between rules.
std::string FormatTable(const std::string& title, const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows[0].size(), 0);
  size_t total = 0;
  for (size_t c = 0; c < widths.size(); ++c) {
    for (const Row& row : rows) widths[c] = std::max(widths[c], row[c].size());
    total += widths[c] + 2;
  }
  std::string out = fmt::format("{}:\n{}\n", title, std::string(total, '='));
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < widths.size(); ++c)
      fmt::format_to(std::back_inserter(line), "{:<{}}  ", rows[r][c], widths[c]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
    if (r == 0) out += std::string(total, '-') + '\n';
  }
  return out;
}

std::string Digits(std::optional<double> value) {
  return value && std::isfinite(*value) ? fmt::format("{:.6f}", *value) : kNothing;
}

}  // namespace

std::string FormatStageNodes(const std::vector<StageNode>& nodes) {
  std::vector<Row> rows = {{"Node", "ON", "Type", "Cosine Similarity", "Threshold", "DataType"}};
  for (const StageNode& node : nodes) {
    rows.push_back({ShortText(node.name, kNameWidth), node.on_bpu ? "BPU" : "CPU", Text(node.type),
                    Digits(node.cosine), Digits(node.threshold), node.data_type});
  }
  return FormatTable("The main quantized node information", rows);
}

std::string FormatStageOutputs(const std::vector<OutputComparison>& outputs) {
  std::vector<Row> rows = {
      {"Output", "Cosine Similarity", "L1 Distance", "L2 Distance", "Chebyshev Distance"}};
  for (const OutputComparison& output : outputs) {
    const ErrorSums& sums = output.sums;
    Row& row = rows.emplace_back(Row{ShortText(output.value.name, kNameWidth)});
    const bool is_known = sums.count > 0 && !output.value.is_random;
    // In the order of the header: all four come from sums, which are known together.
    for (const double value :
         {output.cosine(), sums.absolute_error, std::sqrt(sums.error_power), sums.max_error})
      row.push_back(is_known ? Digits(value) : kNothing);
  }
  return FormatTable("The quantized model output", rows);
}

}  // namespace qconvert
