// How reports name nodes and decibels, and what they say of guilty ones.
#ifndef QCONVERT_SRC_REPORT_GUILTY_TEXT_H_
#define QCONVERT_SRC_REPORT_GUILTY_TEXT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/report/layer_report.h"

namespace qconvert {

// "35.0", or "-" for what was not measured.
std::string Decibels(std::optional<double> noise);

// The name of a node, or its operator where it has none.
std::string TitleOf(const LayerRow& row);

// "--keep-float '/head/Conv'", to be pasted into a POSIX shell. `origin`: of a row; not empty.
std::string KeepFloatOption(const std::string& origin);

// "keep these 2 nodes float: 20.1 -> 41.3 dB; any 1 of them: at most 24.0 dB", or why there are
// none.
std::string GuiltyText(const GuiltyNodes& guilty);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_GUILTY_TEXT_H_
