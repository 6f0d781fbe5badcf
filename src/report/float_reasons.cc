#include "float_reasons.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "qconvert/base/counted.h"
#include "qconvert/base/utf8.h"

namespace qconvert {
namespace {

constexpr size_t kMaxReasonRows = 12;
constexpr size_t kLeastTypeWidth = 18;

}  // namespace

std::string FormatFloatReasons(const FloatReasons& reasons) {
  std::string out;
  auto sink = std::back_inserter(out);
  size_t rows = 0;
  size_t width = kLeastTypeWidth;
  for (const auto& [key, nodes] : reasons) width = std::max(width, CountColumns(Text(key.first)));
  for (const auto& [key, nodes] : reasons) {
    if (++rows > kMaxReasonRows) {
      fmt::format_to(sink, "           ... {}, see the JSON\n",
                     Counted(static_cast<int64_t>(reasons.size() - kMaxReasonRows), "more reason"));
      break;
    }
    fmt::format_to(sink, "           {:>4} x {:<{}} {}\n", nodes.size(), Text(key.first), width,
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
