// What a command wrote, as every table ends with it.
#ifndef QCONVERT_REPORT_FILES_LINE_H_
#define QCONVERT_REPORT_FILES_LINE_H_

#include <string>
#include <vector>

namespace qconvert {

// "  wrote    a.onnx, a_quant_info.json\n"; nothing of no files.
std::string FilesLine(const std::vector<std::string>& files);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_FILES_LINE_H_
