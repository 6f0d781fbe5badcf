// The files that a report page is put together from, as the build embeds them.
#ifndef QCONVERT_SRC_REPORT_PAGE_FILES_H_
#define QCONVERT_SRC_REPORT_PAGE_FILES_H_

#include <span>
#include <string_view>

namespace qconvert {

struct PageFile {
  std::string_view name;
  std::string_view text;
};

std::span<const PageFile> PageFiles();

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_PAGE_FILES_H_
