// How reports write names and numbers, as text and as JSON.
#ifndef QCONVERT_SRC_REPORT_JSON_TEXT_H_
#define QCONVERT_SRC_REPORT_JSON_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/report/comparison.h"
#include "qconvert/report/files_line.h"
#include "qconvert/report/verdict.h"

namespace qconvert {

using Json = nlohmann::ordered_json;

// "488.5 kB".
std::string Size(int64_t bytes);

// JSON text must be UTF-8; names in a model need not be.
std::string Text(const std::string& name);

// The same in at most `width` columns: a longer name keeps its end behind "...".
std::string ShortText(const std::string& name, size_t width);

// A row of a table, broken into lines of kTerminalColumns; a word longer than that is cut off.
std::string FittedRow(const std::string& row);

Json TextsJson(const std::vector<std::string>& names);

// null where nothing was compared: JSON has no number for it.
Json Number(std::optional<double> value);

Json GateJson(const Gate& gate);

// What was measured of one output and what it was judged to be. `sample_names` may be shorter.
Json OutputJson(const OutputComparison& output, const OutputVerdict& verdict,
                const std::vector<std::string>& sample_names);

// A line for every output: what it was judged to be.
std::string FormatVerdict(const Verdict& verdict);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_JSON_TEXT_H_
