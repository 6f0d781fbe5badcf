#include "qconvert/report/report_page.h"

#include <string_view>

#include "page_files.h"
#include "qconvert/base/check.h"

namespace qconvert {
namespace {

std::string_view FileText(std::string_view name) {
  for (const PageFile& file : PageFiles())
    if (file.name == name) return file.text;
  QCONVERT_CHECK(false);
}

// "<" stands in strings only: written as an escape it is the same JSON, and ends no element.
std::string WithoutTags(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string ReportPage(const std::string& json) {
  constexpr std::string_view kOpen = "{{";
  constexpr std::string_view kClose = "}}";
  std::string_view left = FileText("page.html");
  std::string page;
  while (true) {
    const size_t open = left.find(kOpen);
    page += left.substr(0, open);
    // `substr` up to npos took the rest.
    if (open == std::string_view::npos) return page;
    const size_t close = left.find(kClose, open);
    const std::string_view name = left.substr(open + kOpen.size(), close - open - kOpen.size());
    // Not searched again: data may hold the two braces.
    if (name == "data") {
      page += WithoutTags(json);
    } else {
      page += FileText(name);
    }
    left.remove_prefix(close + kClose.size());
  }
}

}  // namespace qconvert
