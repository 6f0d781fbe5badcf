// The verdict for scripts of the commands that write a calibration table.
#ifndef QCONVERT_REPORT_TABLE_REPORT_H_
#define QCONVERT_REPORT_TABLE_REPORT_H_

#include <cstddef>
#include <string>
#include <vector>

namespace qconvert {

// {"exit": "success", "output": FILE, "samples": N, "values": N, "warnings": [...]}
std::string TableVerdictJson(const std::string& output, size_t samples, size_t values,
                             const std::vector<std::string>& warnings);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_TABLE_REPORT_H_
