// Numbers behind the drawings of a report: histograms of values, quartiles of weights.
#ifndef QCONVERT_SRC_REPORT_DRAWN_VALUES_H_
#define QCONVERT_SRC_REPORT_DRAWN_VALUES_H_

#include <cstddef>
#include <vector>

#include "qconvert/report/layer_report.h"

namespace qconvert {

// `order`: rows, the ones to draw first in front. What is drawn is in the order of the graph.
void DrawValues(const Graph& graph, const QuantizationPlan& plan, const CalibrationTable& table,
                const std::vector<size_t>& order, LayerReport& report);
void DrawWeights(const Graph& graph, const QuantizationPlan& plan, const std::vector<size_t>& order,
                 LayerReport& report);

// Share of the values behind a histogram that lie beyond `range`.
double ClippedShare(const TensorStatistics& statistics, Range range);

// One channel of a weight, or all of it where it has no channels of its own; see FindWeightSlot.
std::vector<std::vector<float>> ChannelsOf(const Graph& graph, const Node& node,
                                           const std::string& weight);

// The largest magnitude of each channel.
std::vector<float> WidthsOf(const std::vector<std::vector<float>>& channels);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REPORT_DRAWN_VALUES_H_
