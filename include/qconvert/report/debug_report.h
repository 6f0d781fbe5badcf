// What qconvert debug tells.
#ifndef QCONVERT_REPORT_DEBUG_REPORT_H_
#define QCONVERT_REPORT_DEBUG_REPORT_H_

#include <string>

#include "qconvert/report/conversion_report.h"
#include "qconvert/report/layer_report.h"

namespace qconvert {

struct DebugReport {
  ConversionReport conversion;  // of the plan; nothing was written
  LayerReport layers;
};

// The ten worst nodes as bars, the guilty set, causes and suggestions; 80 columns wide but for
// names.
std::string FormatDebug(const DebugReport& report);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_DEBUG_REPORT_H_
