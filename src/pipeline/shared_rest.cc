#include "shared_rest.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "compared_models.h"
#include "layerwise_run.h"
#include "long_models.h"
#include "qconvert/base/check.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"
#include "qconvert/runtime/session.h"
#include "same_nodes.h"

namespace qconvert {
namespace {

bool IsSameInput(const Tensor& a, const Tensor& b) {
  return a.name == b.name && HaveSameElements(a, b);
}

LiveValues OfSample(const Border& border, size_t k) {
  LiveValues live;
  for (const auto& [value, tensors] : border) live.emplace(value, tensors[k]);
  return live;
}

// One stretch of a model, fed with what its beginning has given for the sample at hand.
class StretchOfModel : public Session {
 public:
  StretchOfModel(std::unique_ptr<Session> stretch, const Border& border, size_t end,
                 const Model& whole, const SegmentedModel& base, const std::vector<Sample>& samples)
      : stretch_(std::move(stretch)),
        border_(border),
        end_(end),
        base_(base),
        inputs_(whole.graph.inputs),
        outputs_(whole.graph.outputs),
        samples_(samples) {}

  const std::vector<Value>& inputs() const override { return inputs_; }
  const std::vector<Value>& outputs() const override { return outputs_; }

  std::vector<Tensor> Run(std::span<const Tensor> inputs, ValueObserver* observer) const override {
    LiveValues live = OfSample(border_, FindSample(inputs));
    if (stretch_ != nullptr) RunInto(live, *stretch_, observer);
    for (size_t k = end_; k < base_.count(); ++k) base_.Run(k, live);
    std::vector<Tensor> out;
    for (const Value& output : outputs_) {
      out.push_back(live.at(output.name));
      out.back().name = output.name;
    }
    return out;
  }

 private:
  size_t FindSample(std::span<const Tensor> inputs) const {
    const auto it = std::find_if(samples_.begin(), samples_.end(), [&](const Sample& sample) {
      return std::equal(sample.inputs.begin(), sample.inputs.end(), inputs.begin(), inputs.end(),
                        IsSameInput);
    });
    QCONVERT_CHECK(it != samples_.end());
    return static_cast<size_t>(it - samples_.begin());
  }

  const std::unique_ptr<Session> stretch_;  // null: nothing is left to run in it
  const Border border_;                     // shares the bytes of tensors
  const size_t end_;                        // segment
  const SegmentedModel& base_;
  const std::vector<Value> inputs_;
  const std::vector<Value> outputs_;
  const std::vector<Sample>& samples_;
};

}  // namespace

SharedRest::SharedRest(Model base, std::vector<Sample> samples, int workers, std::string place,
                       bool integer_kernels, int64_t least_bytes)
    : base_(std::move(base), place, integer_kernels, least_bytes),
      samples_(std::move(samples)),
      workers_(workers),
      place_(std::move(place)) {
  Border& inputs = borders_[0];
  for (const Sample& sample : samples_)
    for (const Tensor& input : sample.inputs) inputs[input.name].push_back(input);
}

std::pair<size_t, size_t> SharedRest::Changed(const Model& model) const {
  const std::vector<Node>& nodes = base_.graph().nodes;
  std::unordered_map<std::string, const Node*> by_output;
  // Nodes are found by what they write first: a plan has others between them.
  for (const Node& node : model.graph.nodes) by_output.emplace(node.outputs[0], &node);
  std::pair changed{nodes.size(), nodes.size()};
  for (size_t n = 0; n < nodes.size(); ++n) {
    const auto it = by_output.find(nodes[n].outputs[0]);
    if (it != by_output.end() && AreSame(base_.graph(), nodes[n], model.graph, *it->second))
      continue;
    changed.first = std::min(changed.first, n);
    changed.second = n + 1;
  }
  return changed;
}

// Values that the nodes from `nodes` on read and do not write, and the outputs.
std::map<std::string, size_t> SharedRest::ReadBehind(size_t nodes) const {
  Graph rest;
  rest.nodes.assign(base_.graph().nodes.begin() + static_cast<ptrdiff_t>(nodes),
                    base_.graph().nodes.end());
  std::map<std::string, size_t> read;
  const Topology topology(base_.graph());
  const auto add = [&](const std::string& value) {
    if (base_.graph().FindInitializer(value) == nullptr)
      read.emplace(value, topology.ProducerIndex(value));
  };
  for (const std::string& value : CapturedValues(rest)) add(value);
  for (const Value& output : base_.graph().outputs) add(output.name);
  return read;
}

Border SharedRest::RunOn(size_t from, size_t to) const {
  const Border& before = borders_.at(from);
  Border border;
  std::multiset<std::string> wanted;
  std::pair<size_t, std::string> last;
  for (const auto& [value, producer] : ReadBehind(to)) {
    if (producer == Topology::kNpos || producer < from) {
      const auto it = before.find(value);
      if (it != before.end()) border.insert(*it);
    } else if (producer < to) {
      wanted.insert(value);
      last = std::max(last, std::pair(producer, value));
    }
  }
  if (wanted.empty()) return border;
  Model part = base_.model();
  std::vector<Node>& nodes = part.graph.nodes;
  nodes = {nodes.begin() + static_cast<ptrdiff_t>(from),
           nodes.begin() + static_cast<ptrdiff_t>(to)};
  std::vector<Sample> samples(samples_.size());
  for (const auto& [value, tensors] : before) {
    for (size_t s = 0; s < samples.size(); ++s) {
      samples[s].inputs.push_back(tensors[s]);
      samples[s].inputs.back().name = value;
    }
  }
  LayerwiseRun run(std::move(part), std::move(samples), wanted, workers_, place_);
  run.Reach(last.second);  // with it all of them
  for (const std::string& value : wanted) border[value] = run.Reach(value);
  return border;
}

// Those of few nodes are made again at the least cost.
void SharedRest::DropOthers(size_t nodes) {
  const auto kept_bytes = [&] {
    std::set<const void*> seen;
    int64_t bytes = 0;
    for (const auto& [count, border] : borders_) {
      for (const auto& [value, tensors] : border) {
        for (const Tensor& tensor : tensors) {
          // The inputs, which stand at 0, are there in any case.
          if (count > 0 && seen.insert(tensor.bytes.get()).second) bytes += tensor.byte_size();
        }
      }
    }
    return bytes;
  };
  while (kept_bytes() > kKeptBytes) {
    const auto it = std::find_if(borders_.begin(), borders_.end(), [&](const auto& border) {
      return border.first > 0 && border.first != nodes;
    });
    if (it == borders_.end()) return;
    borders_.erase(it);
  }
}

const Border& SharedRest::Reach(size_t nodes) {
  const auto before = std::prev(borders_.upper_bound(nodes));
  if (before->first < nodes) {
    borders_.emplace(nodes, RunOn(before->first, nodes));
    DropOthers(nodes);
  }
  return borders_.at(nodes);
}

// The segment that comes behind what has changed.
size_t SharedRest::FindEnd(const Model& model, size_t changed_end) const {
  const std::set<std::string>& given = base_.Needed(base_.count());
  const bool gives_all =
      std::all_of(model.graph.outputs.begin(), model.graph.outputs.end(),
                  [&](const Value& output) { return given.contains(output.name); });
  // What stands in bodies is given to the engine with the outputs that it has in the whole model.
  if (HasBodies(model.graph) || !gives_all) return base_.count();
  size_t end = 0;
  while (end < base_.count() && base_.First(end) < changed_end) ++end;
  return end;
}

std::optional<SharedRest::Stretch> SharedRest::Cut(const Model& model) {
  const std::vector<Node>& nodes = base_.graph().nodes;
  const auto [first, changed_end] = Changed(model);
  const size_t end = FindEnd(model, changed_end);
  if (first == 0 && end == base_.count()) return std::nullopt;
  Stretch stretch{model, Reach(first), end};
  for (size_t k = stretch.end; k < base_.count(); ++k)
    if (!base_.IsOpen(k)) base_.Open(k, Reach(base_.First(k)));
  Graph& graph = stretch.model.graph;
  std::unordered_set<std::string> shared;
  for (size_t n = 0; n < nodes.size(); ++n)
    if (n < first || n >= base_.First(stretch.end)) shared.insert(nodes[n].outputs[0]);
  std::erase_if(graph.nodes, [&](const Node& node) { return shared.contains(node.outputs[0]); });
  if (stretch.end == base_.count()) {
    std::erase_if(graph.outputs,
                  [&](const Value& value) { return stretch.border.contains(value.name); });
  } else {
    graph.outputs.clear();
    for (const std::string& value : base_.Needed(stretch.end))
      if (!stretch.border.contains(value)) graph.outputs.push_back({value, {}, {}, {}});
  }
  RemoveDeadNodes(graph);
  graph.inputs.clear();
  for (const std::string& value : CapturedValues(graph)) {
    const auto it = stretch.border.find(value);
    if (it == stretch.border.end()) {
      if (graph.FindInitializer(value) == nullptr) return std::nullopt;
      continue;
    }
    graph.inputs.push_back({value, CommonType(it->second), {}, {}});
    // An input says its type itself.
    graph.value_info.erase(value);
    graph.declared.erase(value);
  }
  return stretch;
}

OpenCandidate SharedRest::Prepare(const Model& model) {
  const OpenCandidate whole = [this](const Model& of, bool integer_kernels) {
    return OpenForComparison(of, place_, integer_kernels, kStepsOfCandidate);
  };
  std::optional<Stretch> cut;
  try {
    cut = Cut(model);
  } catch (const Error& e) {
    // A value between is no tensor.
    if (e.code() != ExitCode::kModel) throw;
  }
  if (!cut) return whole;
  return [this, whole, cut = *std::move(cut)](const Model& of,
                                              bool integers) -> std::unique_ptr<Session> {
    try {
      auto session = cut.model.graph.outputs.empty() ? nullptr : whole(cut.model, integers);
      const auto fits = [&](const Value& output) {
        return base_.TypeBefore(cut.end, output.name) == output.type.element;
      };
      if (session != nullptr && cut.end < base_.count() &&
          !std::all_of(session->outputs().begin(), session->outputs().end(), fits))
        return whole(of, integers);
      return std::make_unique<StretchOfModel>(std::move(session), cut.border, cut.end, of, base_,
                                              samples_);
    } catch (const Error& e) {
      // The engine refuses what is only a part.
      if (e.code() != ExitCode::kModel) throw;
      return whole(of, integers);
    }
  };
}

}  // namespace qconvert
