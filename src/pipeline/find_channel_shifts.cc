#include "find_channel_shifts.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "calibrate_model.h"
#include "qconvert/base/log.h"
#include "qconvert/base/spread.h"
#include "qconvert/plan/placement.h"
#include "qconvert/plan/safe_plan.h"

namespace qconvert {
namespace {

constexpr size_t kSamples = 8;

class ChannelObserver : public ValueObserver {
 public:
  explicit ChannelObserver(const std::vector<size_t>& channels) : rows_(channels.size(), 0) {
    for (const size_t count : channels) ranges_.emplace_back(count);
  }

  void Observe(int64_t id, const TensorView& value) override {
    const auto v = static_cast<size_t>(id);
    std::vector<ChannelRange>& ranges = ranges_[v];
    const auto count = static_cast<int64_t>(ranges.size());
    if (value.dims.empty() || value.dims.back() != count) return;
    const auto floats = value.floats();
    for (size_t first = 0; first < floats.size(); first += ranges.size()) {
      for (size_t c = 0; c < ranges.size(); ++c) {
        const double x = floats[first + c];
        ranges[c].min = std::min(ranges[c].min, x);
        ranges[c].max = std::max(ranges[c].max, x);
        ranges[c].power += x * x;  // a sum so far
      }
      ++rows_[v];
    }
  }

  std::vector<ChannelRange> Ranges(size_t v) const {
    std::vector<ChannelRange> ranges = ranges_[v];
    for (ChannelRange& range : ranges) range.power /= std::max(rows_[v], 1.0);
    return ranges;
  }

 private:
  std::vector<std::vector<ChannelRange>> ranges_;
  std::vector<double> rows_;
};

// Those that integer kernels can write: floats between two of them would cost more than they bring.
std::set<std::string> ValuesOnIntegers(const Graph& graph, const Target& target) {
  PlaceOptions options;
  options.place_by = PlaceBy::kKernels;
  options.target = &target;
  options.keep_float = FindSensitiveNodes(graph);
  return PlaceNodes(graph, options).integer_values;
}

bool IsFinite(const std::vector<ChannelRange>& ranges) {
  return std::all_of(ranges.begin(), ranges.end(),
                     [](const ChannelRange& range) { return std::isfinite(range.power); });
}

}  // namespace

ChannelShifts FindChannelShifts(const Model& model, const InputFeeder& feeder,
                                std::span<const size_t> by_content, const Target& target,
                                const std::string& place) {
  std::vector<std::string> values;
  std::vector<size_t> channels;
  const std::set<std::string> integers = ValuesOnIntegers(model.graph, target);
  for (const auto& [value, count] : FindSpreadableValues(model.graph)) {
    if (integers.contains(value)) continue;
    values.push_back(value);
    channels.push_back(count);
  }
  if (values.empty() || feeder.size() == 0 || feeder.has_feedback()) return {};
  ChannelObserver observer(channels);
  const auto session = OpenObserved(model, values, place, OptimizationLevel::kNone);
  for (const size_t k : SpreadEvenly(feeder.size(), kSamples))
    RunSample(*session, feeder.Read(by_content[k], {}), &observer);
  ChannelShifts shifts;
  for (size_t v = 0; v < values.size(); ++v) {
    const std::vector<ChannelRange> ranges = observer.Ranges(v);
    if (!IsFinite(ranges)) continue;
    std::vector<int> chosen = ChooseShifts(model.graph, values[v], ranges);
    if (chosen.empty()) continue;
    LogDebug("channels of \"" + values[v] + "\" stick out");
    shifts.emplace(values[v], std::move(chosen));
  }
  return shifts;
}

}  // namespace qconvert
