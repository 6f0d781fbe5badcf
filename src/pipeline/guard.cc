#include "guard.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <utility>

#include "qconvert/base/log.h"

namespace qconvert {
namespace {

constexpr const char* kReason = "kept float: its error alone would harm an output";
constexpr size_t kFirstChunks = 16;
constexpr int kRounds = 6;

bool IsJudged(const OutputComparison& output, bool any_float) {
  return output.count > 0 && (!any_float || IsFloatingPoint(output.type));
}

bool AnyFloat(const std::vector<OutputComparison>& outputs) {
  return std::any_of(outputs.begin(), outputs.end(),
                     [](const OutputComparison& o) { return IsFloatingPoint(o.type); });
}

// Error power over signal power of the worst output.
double WorstNoise(const std::vector<OutputComparison>& outputs) {
  const bool any_float = AnyFloat(outputs);
  double worst = 0;
  for (const OutputComparison& output : outputs) {
    if (!IsJudged(output, any_float)) continue;
    if (output.non_finite > 0) return INFINITY;
    if (output.error_power > 0) {
      worst = std::max(worst, output.error_power / std::max(output.float_power, 1e-300));
    }
  }
  return worst;
}

// Neighbouring integer nodes that are measured together.
struct Chunk {
  std::vector<size_t> units;
  double noise = 0;
  bool operator<(const Chunk& other) const {
    return noise != other.noise ? noise < other.noise : units[0] > other.units[0];
  }
};

class Guard {
 public:
  Guard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options)
      : graph_(graph), base_(base), options_(options), full_(PlaceNodes(graph, base)) {}

  GuardResult Run() {
    GuardResult result;
    result.placement = full_;
    if (Accepts(full_)) return Finish(std::move(result));
    CollectUnits();
    double budget = 2 * (1 - options_.min_cosine);  // cos^2 = 1 / (1 + noise) for unrelated errors
    for (int round = 0; round < kRounds; ++round) {
      Refine(budget);
      result.placement = PlaceNodes(graph_, KeepFloat(float_units_, true));
      result.passed = Accepts(result.placement);
      if (result.passed) break;
      if (float_units_.size() == units_.size() || Exhausted()) break;
      budget /= 2;
    }
    for (const size_t n : float_units_) {
      const Node& node = graph_.nodes[n];
      result.kept_float.push_back(node.name.empty() ? node.outputs[0] : node.name);
    }
    return Finish(std::move(result));
  }

 private:
  bool Exhausted() const { return measurements_ >= options_.max_measurements; }

  GuardResult Finish(GuardResult result) const {
    result.measurements = measurements_;
    return result;
  }

  bool Accepts(const Placement& placement) {
    ++measurements_;
    return WorstCosine(options_.measure(placement)) >= options_.min_cosine;
  }

  void CollectUnits() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const bool integer = full_.nodes[n].domain == NodeDomain::kInteger;
      if (integer && FindOpRule(graph_.nodes[n]).kind != OpKind::kMovement) units_.push_back(n);
    }
    const size_t size = (units_.size() + kFirstChunks - 1) / std::max<size_t>(kFirstChunks, 1);
    for (size_t first = 0; first < units_.size(); first += size) {
      Chunk chunk;
      for (size_t k = first; k < std::min(first + size, units_.size()); ++k) {
        chunk.units.push_back(units_[k]);
      }
      Push(std::move(chunk));
    }
  }

  PlaceOptions KeepFloat(const std::set<size_t>& kept, bool count_borders) const {
    PlaceOptions options = base_;
    options.count_borders = count_borders;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {  // float anyway: no statistics were taken
      const bool is_float = full_.nodes[n].domain == NodeDomain::kFloat;
      if (is_float && FindOpRule(graph_.nodes[n]).kind != OpKind::kMovement) {
        options.keep_float.emplace(n, full_.nodes[n].reason);
      }
    }
    for (const size_t n : kept) {
      options.keep_float.emplace(n, kReason);
      for (const size_t t : full_.nodes[n].tail) options.keep_float.emplace(t, kReason);
    }
    return options;
  }

  // Measures a chunk alone and queues it.
  void Push(Chunk chunk) {
    std::set<size_t> others(units_.begin(), units_.end());
    for (const size_t n : chunk.units) others.erase(n);
    ++measurements_;
    chunk.noise = WorstNoise(options_.measure(PlaceNodes(graph_, KeepFloat(others, false))));
    remaining_ += std::isfinite(chunk.noise) ? chunk.noise : 0;
    infinite_ += std::isfinite(chunk.noise) ? 0 : 1;
    queue_.push(std::move(chunk));
  }

  void Refine(double budget) {
    while (!queue_.empty() && (remaining_ > budget || infinite_ > 0) && !Exhausted()) {
      const Chunk worst = queue_.top();
      queue_.pop();
      (std::isfinite(worst.noise) ? remaining_ : infinite_) -=
          std::isfinite(worst.noise) ? worst.noise : 1;
      if (worst.units.size() == 1) {
        float_units_.insert(worst.units[0]);
        continue;
      }
      const auto middle = worst.units.begin() + static_cast<ptrdiff_t>(worst.units.size() / 2);
      Push({{worst.units.begin(), middle}});
      Push({{middle, worst.units.end()}});
    }
    if (!Exhausted()) return;
    for (; !queue_.empty() && remaining_ > budget; queue_.pop()) {  // no time to look closer
      remaining_ -= queue_.top().noise;
      float_units_.insert(queue_.top().units.begin(), queue_.top().units.end());
    }
  }

  const Graph& graph_;
  const PlaceOptions& base_;
  const GuardOptions& options_;
  const Placement full_;
  std::vector<size_t> units_;
  std::set<size_t> float_units_;
  std::priority_queue<Chunk> queue_;
  double remaining_ = 0;  // noise of all queued chunks together
  double infinite_ = 0;   // queued chunks that make an output infinite
  int measurements_ = 0;
};

}  // namespace

double WorstCosine(const std::vector<OutputComparison>& outputs) {
  const bool any_float = AnyFloat(outputs);
  double worst = 1;
  for (const OutputComparison& output : outputs) {
    if (!IsJudged(output, any_float)) continue;
    worst = std::min(worst, output.non_finite > 0 ? -1.0 : output.cosine());
  }
  return worst;
}

GuardResult RunGuard(const Graph& graph, const PlaceOptions& base, const GuardOptions& options) {
  return Guard(graph, base, options).Run();
}

}  // namespace qconvert
