// The verdict of a conversion as a JSON value.
#ifndef QCONVERT_SRC_REPORT_CONVERSION_JSON_H_
#define QCONVERT_SRC_REPORT_CONVERSION_JSON_H_

#include <string>

#include "json_text.h"
#include "qconvert/report/conversion_report.h"

namespace qconvert {

// What ReportJson prints.
Json ConversionJson(const ConversionReport& report, const std::string& exit_class);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_CONVERSION_JSON_H_
