#include "float_reasons.h"

#include <fmt/format.h>

#include <iterator>

namespace qconvert {
namespace {

constexpr size_t kMaxReasonRows = 12;

}  // namespace

std::string FormatFloatReasons(const FloatReasons& reasons) {
  std::string out;
  auto sink = std::back_inserter(out);
  size_t rows = 0;
  for (const auto& [key, nodes] : reasons) {
    if (++rows > kMaxReasonRows) {
      fmt::format_to(sink, "           ... {} more reasons, see the JSON\n",
                     reasons.size() - kMaxReasonRows);
      break;
    }
    fmt::format_to(sink, "           {:>4} x {:<18} {}\n", nodes.size(), Text(key.first),
                   Text(key.second));
  }
  return out;
}

Json FloatReasonsJson(const FloatReasons& reasons) {
  Json out = Json::array();
  for (const auto& [key, nodes] : reasons) {
    out.push_back(
        {{"op_type", Text(key.first)}, {"reason", Text(key.second)}, {"nodes", TextsJson(nodes)}});
  }
  return out;
}

}  // namespace qconvert
