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
    // Of another shape than was inferred it says nothing of these channels.
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
  // The sum of squares keeps a NaN, which the bounds miss.
  return std::all_of(ranges.begin(), ranges.end(),
                     [](const ChannelRange& range) { return std::isfinite(range.power); });
}

}  // namespace

ChannelShifts FindChannelShifts(const Model& model, const InputFeeder& feeder,
                                std::span<const size_t> by_content, const Target* kept_whole,
                                const std::string& place) {
  std::set<std::string> integers;
  if (kept_whole != nullptr) integers = ValuesOnIntegers(model.graph, *kept_whole);
  const std::map<std::string, size_t> spreadable = FindSpreadableValues(model.graph);
  std::vector<std::vector<std::string>> groups = FindSpreadableGroups(model.graph);
  // Weights are shared as long as all values in front of them change.
  std::erase_if(groups, [&](const std::vector<std::string>& group) {
    return std::any_of(group.begin(), group.end(),
                       [&](const std::string& value) { return integers.contains(value); });
  });
  std::vector<std::string> values;
  std::vector<size_t> channels;
  for (const std::vector<std::string>& group : groups) {
    for (const std::string& value : group) {
      values.push_back(value);
      channels.push_back(spreadable.at(value));
    }
  }
  if (values.empty() || feeder.size() == 0 || feeder.has_feedback()) return {};
  ChannelObserver observer(channels);
  const auto session = OpenObserved(model, values, place, OptimizationLevel::kNone);
  for (const size_t k : SpreadEvenly(feeder.size(), kSamples))
    RunSample(*session, feeder.Read(by_content[k], {}), &observer);
  const Topology topology(model.graph);
  ChannelShifts shifts;
  size_t first = 0;
  for (const std::vector<std::string>& group : groups) {
    std::vector<ChannelRange> ranges = observer.Ranges(first);
    for (size_t v = 1; v < group.size(); ++v) ranges = Merged(ranges, observer.Ranges(first + v));
    first += group.size();
    if (!IsFinite(ranges)) continue;
    const std::vector<int> chosen = ChooseShifts(model.graph, topology, group, ranges);
    if (chosen.empty()) continue;
    for (const std::string& value : group) {
      LogDebug("channels of \"" + value + "\" stick out");
      shifts.emplace(value, chosen);
    }
  }
  return shifts;
}

}  // namespace qconvert
