// Why nodes stay float, as a table and as JSON.
#ifndef QCONVERT_SRC_REPORT_FLOAT_REASONS_H_
#define QCONVERT_SRC_REPORT_FLOAT_REASONS_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "json_text.h"

namespace qconvert {

// (operator, reason) -> names of the nodes.
using FloatReasons = std::map<std::pair<std::string, std::string>, std::vector<std::string>>;

// A row for each reason, the first twelve.
std::string FormatFloatReasons(const FloatReasons& reasons);

Json FloatReasonsJson(const FloatReasons& reasons);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_FLOAT_REASONS_H_
