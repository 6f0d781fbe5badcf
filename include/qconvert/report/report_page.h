// The report as one page for a browser: docs/report.md.
#ifndef QCONVERT_REPORT_REPORT_PAGE_H_
#define QCONVERT_REPORT_REPORT_PAGE_H_

#include <string>

#include "qconvert/report/conversion_report.h"
#include "qconvert/report/layer_report.h"

namespace qconvert {

// The JSON document of a conversion with its layers: all that ReportJson says, then
//   "layers"    a node each: name, op_type, computes, format, reason, errors in dB, share,
//   saved_us,
//               multiply_adds, weight_bytes, reads (numbers of other nodes), fused_into,
//               findings
//   "values", "weights"          what is drawn of them; "all_values", "all_weights": how many are
//   "measured"  samples, runs, sqnr_db of the whole on those samples, or why_none
//   "suggestions"  nodes to leave float by themselves, by measured gain: layer, gain_db, advice
//   "guilty"    of qconvert debug: text, layers, target_db, sqnr_before_db, sqnr_after_db,
//               sqnr_any_fewer_db, reached, minimal, measurements
//   "against"   an earlier result (a) and this one (b): what PlanDifferenceJson says of both
//   "config"    the settings that hold
// What was not measured is left out. Deterministic, no times.
std::string LayersJson(const ConversionReport& report, const std::string& exit_class,
                       const LayerReport& layers);

// HTML in one file that asks for no other, with `json`, such a document, in it as
// <script id="data" type="application/json">. No name in it can end that element.
std::string ReportPage(const std::string& json);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_REPORT_PAGE_H_
