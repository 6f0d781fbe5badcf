// Trials as a JSON value.
#ifndef QCONVERT_SRC_REPORT_TRIALS_JSON_H_
#define QCONVERT_SRC_REPORT_TRIALS_JSON_H_

#include <span>

#include "json_text.h"
#include "qconvert/report/trial.h"

namespace qconvert {

// An object each: name, passes, sqnr_db, flips, bytes, integer_nodes, ms where timed, frontier,
// chosen.
Json TrialsJson(std::span<const Trial> trials);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_TRIALS_JSON_H_
