#include "qconvert/report/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "json_text.h"
#include "qconvert/base/counted.h"

namespace qconvert {
namespace {

constexpr size_t kNameWidth = 20;
constexpr size_t kTypeWidth = 22;

template <typename T>
void AddValues(std::span<const T> values, OutputSummary& summary) {
  for (const T value : values) {
    const auto number = static_cast<double>(value);
    if (!std::isfinite(number)) {
      ++summary.non_finite;
      continue;
    }
    // The first one: zero must not be an extreme that no value has.
    summary.min = summary.finite == 0 ? number : std::min(summary.min, number);
    summary.max = summary.finite == 0 ? number : std::max(summary.max, number);
    summary.sum += number;
    ++summary.finite;
  }
}

void AddIntegers(const Tensor& tensor, OutputSummary& summary) {
  switch (tensor.type) {
    case DataType::kInt8:
      return AddValues(tensor.values<int8_t>(), summary);
    // Stored as a byte, 0 or 1.
    case DataType::kBool:
    case DataType::kUint8:
      return AddValues(tensor.values<uint8_t>(), summary);
    case DataType::kInt16:
      return AddValues(tensor.values<int16_t>(), summary);
    case DataType::kUint16:
      return AddValues(tensor.values<uint16_t>(), summary);
    case DataType::kInt32:
      return AddValues(tensor.values<int32_t>(), summary);
    case DataType::kUint32:
      return AddValues(tensor.values<uint32_t>(), summary);
    case DataType::kInt64:
      return AddValues(tensor.values<int64_t>(), summary);
    case DataType::kUint64:
      return AddValues(tensor.values<uint64_t>(), summary);
    default:
      return;
  }
}

std::string TypeAndShape(const OutputSummary& output) {
  if (output.type == DataType::kUndefined) return "no tensor";
  if (output.varies) return fmt::format("{}, shapes vary", DataTypeName(output.type));
  return fmt::format("{}[{}]", DataTypeName(output.type), fmt::join(output.dims, ","));
}

}  // namespace

void OutputSummary::Add(const Tensor& tensor) {
  if (type == DataType::kUndefined) {
    type = tensor.type;
    dims = tensor.dims;
  }
  varies |= tensor.dims != dims;
  // As they are: a float would round what is printed, or overflow.
  if (tensor.type == DataType::kDouble) {
    AddValues(tensor.values<double>(), *this);
  } else if (IsFloatingPoint(tensor.type)) {
    const std::vector<float> values = ToFloats(tensor);
    AddValues(std::span<const float>(values), *this);
  } else {
    AddIntegers(tensor, *this);
  }
}

std::string FormatRun(const RunReport& report) {
  std::string out = fmt::format("{}, {}\n", Text(report.model), Counted(report.samples, "sample"));
  auto sink = std::back_inserter(out);
  fmt::format_to(sink, "  {:<{}}  {:<{}} {:>10} {:>10} {:>10}\n", "output", kNameWidth, "type",
                 kTypeWidth, "min", "max", "mean");
  for (const OutputSummary& output : report.outputs) {
    fmt::format_to(sink, "  {:<{}}  {:<{}}", ShortText(output.name, kNameWidth), kNameWidth,
                   ShortText(TypeAndShape(output), kTypeWidth), kTypeWidth);
    if (output.finite > 0)
      fmt::format_to(sink, " {:>10.4g} {:>10.4g} {:>10.4g}", output.min, output.max, output.mean());
    out += "\n";
    if (output.non_finite > 0)
      fmt::format_to(sink, "  {:<{}}  {} not finite\n", "", kNameWidth, output.non_finite);
  }
  if (report.files > 0)
    fmt::format_to(sink, "{}: {} written\n", Text(report.folder), Counted(report.files, "file"));
  return out;
}

std::string RunJson(const RunReport& report, const std::string& exit_class) {
  Json outputs = Json::array();
  for (const OutputSummary& output : report.outputs) {
    Json json = {{"name", Text(output.name)},
                 {"type", std::string(DataTypeName(output.type))},
                 {"shape", output.varies ? Json(nullptr) : Json(output.dims)},
                 {"finite", output.finite},
                 {"non_finite", output.non_finite}};
    if (output.finite > 0) {
      json["min"] = output.min;
      json["max"] = output.max;
      json["mean"] = output.mean();
    }
    outputs.push_back(std::move(json));
  }
  return Json{{"exit", exit_class},
              {"model", Text(report.model)},
              {"samples", report.samples},
              {"outputs", std::move(outputs)},
              {"files", report.files}}
             .dump(2) +
         "\n";
}

}  // namespace qconvert
