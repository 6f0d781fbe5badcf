#include "drawn_values.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

constexpr int64_t kMostElements = int64_t{1} << 24;  // of a weight that is drawn

double MiddleOf(const Histogram& histogram, size_t bin) {
  return histogram.LowerEdge(bin) + histogram.bin_width() / 2;
}

std::vector<double> Rebinned(const TensorStatistics& seen) {
  const std::vector<uint64_t>& counts = seen.histogram.counts();
  const double width = static_cast<double>(seen.max) - static_cast<double>(seen.min);
  // A constant has no width to draw over.
  if (counts.empty() || width <= 0) return {};
  std::vector<double> bins(kHistogramBins, 0);
  const auto total = static_cast<double>(seen.histogram.total());
  for (size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] == 0) continue;
    const double place = (MiddleOf(seen.histogram, k) - seen.min) / width * kHistogramBins;
    // Middles of outer bins may lie beyond what was seen.
    const auto bin = static_cast<size_t>(std::clamp(place, 0.0, kHistogramBins - 1.0));
    bins[bin] += static_cast<double>(counts[k]) / total;
  }
  return bins;
}

ValueRow RowOf(const std::string& name, const ValuePlan& decided, const TensorStatistics* seen) {
  ValueRow row;
  row.name = name;
  row.type = DataTypeName(decided.params.type);
  row.method = decided.method;
  row.range = decided.range;
  if (seen == nullptr) return row;
  row.min = seen->min;
  row.max = seen->max;
  row.clipped = ClippedShare(*seen, decided.range);
  row.bins = Rebinned(*seen);
  return row;
}

WeightRow::Box BoxOf(size_t channel, std::vector<float> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double part) {
    return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
  };
  return {channel, values.front(), at(0.25), at(0.5), at(0.75), values.back()};
}

std::vector<WeightRow::Box> BoxesOf(const std::vector<std::vector<float>>& channels) {
  const std::vector<float> widths = WidthsOf(channels);
  std::vector<size_t> widest(channels.size());
  std::iota(widest.begin(), widest.end(), size_t{0});
  // The widest channels are drawn where there are too many, in their own order.
  std::stable_sort(widest.begin(), widest.end(),
                   [&](size_t a, size_t b) { return widths[a] > widths[b]; });
  widest.resize(std::min(widest.size(), kMostBoxes));
  std::sort(widest.begin(), widest.end());
  std::vector<WeightRow::Box> boxes;
  // A weight without elements has channels, but nothing to draw.
  for (const size_t c : widest)
    if (!channels[c].empty()) boxes.push_back(BoxOf(c, channels[c]));
  return boxes;
}

// The name, type and number of scales of what a row stores as integers.
std::vector<WeightRow> StoredBy(const Graph& graph, const QuantizationPlan& plan, size_t row) {
  std::vector<WeightRow> out;
  const auto add = [&](const std::string& name, DataType type, size_t scales) {
    out.push_back({name, row, std::string(DataTypeName(type)), 0, scales, {}});
  };
  if (const auto integer = plan.integer_nodes.find(row); integer != plan.integer_nodes.end()) {
    // Nodes without weights, Add say, are integer too.
    if (const auto& weight = integer->second.weight)
      add(weight->name, weight->params.type, weight->params.scales.size());
  } else if (const auto dynamic = plan.dynamic_nodes.find(row);
             dynamic != plan.dynamic_nodes.end()) {
    for (const ConstantCodes& weight : dynamic->second.weights)
      add(weight.name, weight.params.type, weight.params.scales.size());
  } else {
    for (const std::string& name : WeightsOf(graph.nodes[row])) {
      const auto stored = plan.stored.find(name);
      // Weights in float32 are not drawn: nothing was rounded.
      if (stored != plan.stored.end())
        add(name, stored->second.codes.type, stored->second.scales.size());
    }
  }
  return out;
}

template <typename Row>
void InOrderOfLayers(std::vector<Row>& rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.layer < b.layer; });
}

}  // namespace

double ClippedShare(const TensorStatistics& statistics, Range range) {
  const Histogram& histogram = statistics.histogram;
  uint64_t beyond = 0;
  const std::vector<uint64_t>& counts = histogram.counts();
  for (size_t k = 0; k < counts.size(); ++k) {
    // Only a bin that is beyond as a whole counts: the range's own ends are at edges of bins.
    const double low = histogram.LowerEdge(k);
    if (low > range.max || low + histogram.bin_width() < range.min) beyond += counts[k];
  }
  const uint64_t total = counts.empty() ? 0 : histogram.total();
  return total == 0 ? 0 : static_cast<double>(beyond) / static_cast<double>(total);
}

std::vector<std::vector<float>> ChannelsOf(const Graph& graph, const Node& node,
                                           const std::string& weight) {
  const Tensor* tensor = graph.FindInitializer(weight);
  if (tensor == nullptr || tensor->type != DataType::kFloat ||
      tensor->element_count() > kMostElements)
    return {};
  const auto at = std::find(node.inputs.begin(), node.inputs.end(), weight);
  const auto slot =
      FindWeightSlot(node, static_cast<size_t>(at - node.inputs.begin()), tensor->dims.size());
  const auto values = tensor->values<float>();
  // Of several axes of channels the last is drawn: gates of a recurrent node, columns of a product.
  const size_t axis = slot && !slot->channel_axes.empty() ? slot->channel_axes.back() : 0;
  // A scalar has no axis.
  if (axis >= tensor->dims.size()) return {{values.begin(), values.end()}};
  size_t inner = 1;
  for (size_t d = axis + 1; d < tensor->dims.size(); ++d)
    inner *= static_cast<size_t>(tensor->dims[d]);
  const auto count = static_cast<size_t>(tensor->dims[axis]);
  std::vector<std::vector<float>> channels(count);
  for (size_t i = 0; i < values.size(); ++i) channels[i / inner % count].push_back(values[i]);
  return channels;
}

void DrawValues(const Graph& graph, const QuantizationPlan& plan, const CalibrationTable& table,
                const std::vector<size_t>& order, LayerReport& report) {
  const Topology topology(graph);
  std::vector<size_t> rank(graph.nodes.size());
  for (size_t k = 0; k < order.size(); ++k) rank[order[k]] = k;
  // A value is as bad as the unit that writes it, whose last node may be fused.
  std::map<std::string, size_t> writers;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const std::string& output = plan.placement.nodes[n].unit.output;
    if (plan.placement.nodes[n].domain == NodeDomain::kInteger && !output.empty())
      writers.emplace(output, n);
  }
  std::vector<std::pair<size_t, ValueRow>> found;
  for (const auto& [name, decided] : plan.values) {
    if (decided.root != name) continue;  // the same numbers as its root
    const auto seen = table.values.find(name);
    ValueRow row = RowOf(name, decided, seen == table.values.end() ? nullptr : &seen->second);
    const size_t producer = topology.ProducerIndex(name);
    if (const auto writer = writers.find(name); writer != writers.end()) {
      row.layer = writer->second;
    } else if (producer != Topology::kNpos) {
      row.layer = producer;
    }
    // Inputs of the model come first: they are drawn whatever the number of values.
    found.emplace_back(row.layer ? rank[*row.layer] : 0, std::move(row));
  }
  report.all_values = found.size();
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t k = 0; k < std::min(found.size(), kMostDrawn); ++k)
    report.values.push_back(std::move(found[k].second));
  InOrderOfLayers(report.values);
}

void DrawWeights(const Graph& graph, const QuantizationPlan& plan, const std::vector<size_t>& order,
                 LayerReport& report) {
  for (const size_t row : order) {
    for (WeightRow& weight : StoredBy(graph, plan, row)) {
      if (++report.all_weights > kMostDrawn) continue;
      const auto channels = ChannelsOf(graph, graph.nodes[row], weight.name);
      weight.channels = channels.size();
      weight.boxes = BoxesOf(channels);
      report.weights.push_back(std::move(weight));
    }
  }
  InOrderOfLayers(report.weights);
}

std::vector<float> WidthsOf(const std::vector<std::vector<float>>& channels) {
  std::vector<float> widths;
  for (const std::vector<float>& channel : channels) {
    float largest = 0;
    for (const float v : channel) largest = std::max(largest, std::fabs(v));
    widths.push_back(largest);
  }
  return widths;
}

}  // namespace qconvert
