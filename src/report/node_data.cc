#include "json_text.h"
#include "qconvert/base/error.h"
#include "qconvert/base/metric.h"
#include "qconvert/report/layer_report.h"

namespace qconvert {

std::string NodeDataJson(const LayerReport& report) {
  Json results = Json::object();
  for (const LayerRow& row : report.layers) {
    if (!row.errors.alone) continue;
    for (const std::string& value : row.writes)
      results[EscapeWhole(value)] = {{"value", SqnrOfNoise(*row.errors.alone)}};
  }
  // Up to and with `value`; what is beyond the last one has no colour.
  Json thresholds = Json::array();
  for (const auto& [decibels, colour] : {std::pair{10, "#e8837e"},
                                         {20, "#eba27c"},
                                         {30, "#eec27b"},
                                         {40, "#e6dc7c"},
                                         {50, "#bfe07f"},
                                         {60, "#93dc86"}})
    thresholds.push_back({{"value", decibels}, {"bgColor", colour}});
  return Json{{"results", std::move(results)}, {"thresholds", std::move(thresholds)}}.dump(2) +
         "\n";
}

}  // namespace qconvert
