#include "shared_start.h"

#include <algorithm>
#include <optional>
#include <set>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>

#include "compared_models.h"
#include "layerwise_run.h"
#include "long_models.h"
#include "qconvert/base/check.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"
#include "qconvert/runtime/session.h"

namespace qconvert {
namespace {

bool IsSame(const Tensor* a, const Tensor* b) {
  return a == nullptr || b == nullptr ? a == b : HaveSameElements(*a, *b);
}

// Bodies and what is not looked into are not the same.
template <typename T>
bool IsSame(const Attribute& a, const Attribute& b) {
  const T* one = std::get_if<T>(&a.data);
  const T* other = std::get_if<T>(&b.data);
  if constexpr (std::is_same_v<T, Tensor>)
    return one != nullptr && other != nullptr && HaveSameElements(*one, *other);
  else
    return one != nullptr && other != nullptr && *one == *other;
}

bool IsSame(const Attribute& a, const Attribute& b) {
  return IsSame<float>(a, b) || IsSame<int64_t>(a, b) || IsSame<std::string>(a, b) ||
         IsSame<Tensor>(a, b) || IsSame<std::vector<float>>(a, b) ||
         IsSame<std::vector<int64_t>>(a, b) || IsSame<std::vector<std::string>>(a, b);
}

bool HaveSameAttributes(const Node& a, const Node& b) {
  return std::equal(a.attributes.begin(), a.attributes.end(), b.attributes.begin(),
                    b.attributes.end(), [](const auto& one, const auto& other) {
                      return one.first == other.first && IsSame(one.second, other.second);
                    });
}

bool IsSame(const Graph& a, const Node& one, const Graph& b, const Node& other) {
  return one.name == other.name && one.op_type == other.op_type && one.domain == other.domain &&
         one.inputs == other.inputs && one.outputs == other.outputs &&
         HaveSameAttributes(one, other) &&
         std::all_of(one.inputs.begin(), one.inputs.end(), [&](const std::string& input) {
           return IsSame(a.FindInitializer(input), b.FindInitializer(input));
         });
}

bool IsSameInput(const Tensor& a, const Tensor& b) {
  return a.name == b.name && HaveSameElements(a, b);
}

// The end of a model, fed with what its beginning has given for the sample at hand.
class EndOfModel : public Session {
 public:
  EndOfModel(std::unique_ptr<Session> end, std::vector<std::string> read, const Model& whole,
             const std::vector<Sample>& samples, const Border& border)
      : end_(std::move(end)),
        read_(std::move(read)),
        inputs_(whole.graph.inputs),
        outputs_(whole.graph.outputs),
        samples_(samples),
        border_(border) {}

  const std::vector<Value>& inputs() const override { return inputs_; }
  const std::vector<Value>& outputs() const override { return outputs_; }

  std::vector<Tensor> Run(std::span<const Tensor> inputs, ValueObserver* observer) const override {
    const size_t k = FindSample(inputs);
    std::vector<Tensor> fed;
    for (const std::string& value : read_) {
      fed.push_back(border_.at(value)[k]);
      fed.back().name = value;
    }
    std::vector<Tensor> given = end_ == nullptr ? std::vector<Tensor>{} : end_->Run(fed, observer);
    std::vector<Tensor> out;
    size_t next = 0;  // of what the end gives, in the order of the whole
    for (const Value& output : outputs_) {
      const auto before = border_.find(output.name);
      out.push_back(before == border_.end() ? std::move(given.at(next++)) : before->second[k]);
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

  const std::unique_ptr<Session> end_;  // null: every output lies on the border
  const std::vector<std::string> read_;
  const std::vector<Value> inputs_;
  const std::vector<Value> outputs_;
  const std::vector<Sample>& samples_;
  const Border border_;  // shares the bytes of tensors
};

}  // namespace

SharedStart::SharedStart(Model base, std::vector<Sample> samples, int workers, std::string place)
    : base_(std::move(base)),
      samples_(std::move(samples)),
      workers_(workers),
      place_(std::move(place)) {
  Border& inputs = borders_[0];
  for (const Sample& sample : samples_)
    for (const Tensor& input : sample.inputs) inputs[input.name].push_back(input);
}

size_t SharedStart::CountCommon(const Model& model) const {
  std::unordered_map<std::string, const Node*> by_output;
  // Nodes are found by what they write first: a plan has others between them.
  for (const Node& node : model.graph.nodes) by_output.emplace(node.outputs[0], &node);
  size_t count = 0;
  for (; count < base_.graph.nodes.size(); ++count) {
    const Node& node = base_.graph.nodes[count];
    const auto it = by_output.find(node.outputs[0]);
    // Whatever comes behind a difference may depend on it.
    if (it == by_output.end() || !IsSame(base_.graph, node, model.graph, *it->second)) break;
  }
  return count;
}

// Values that the nodes from `nodes` on read and do not write, and the outputs.
std::map<std::string, size_t> SharedStart::ReadBehind(size_t nodes) const {
  Graph rest;
  rest.nodes.assign(base_.graph.nodes.begin() + static_cast<ptrdiff_t>(nodes),
                    base_.graph.nodes.end());
  std::map<std::string, size_t> read;
  const Topology topology(base_.graph);
  const auto add = [&](const std::string& value) {
    if (base_.graph.FindInitializer(value) == nullptr)
      read.emplace(value, topology.ProducerIndex(value));
  };
  for (const std::string& value : CapturedValues(rest)) add(value);
  for (const Value& output : base_.graph.outputs) add(output.name);
  return read;
}

Border SharedStart::RunOn(size_t from, size_t to) const {
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
  Model part = base_;
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
void SharedStart::DropOthers(size_t nodes) {
  const auto kept_bytes = [&] {
    std::set<const void*> seen;
    int64_t bytes = 0;
    for (const auto& [count, border] : borders_) {
      for (const auto& [value, tensors] : border)
        for (const Tensor& tensor : tensors)
          // The inputs, which stand at 0, are there in any case.
          if (count > 0 && seen.insert(tensor.bytes.get()).second) bytes += tensor.byte_size();
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

const Border& SharedStart::Reach(size_t nodes) {
  const auto before = std::prev(borders_.upper_bound(nodes));
  if (before->first < nodes) {
    borders_.emplace(nodes, RunOn(before->first, nodes));
    DropOthers(nodes);
  }
  return borders_.at(nodes);
}

std::optional<SharedStart::End> SharedStart::CutEnd(const Model& model, size_t common) {
  const Border& border = Reach(common);
  std::set<std::string> done;
  for (size_t n = 0; n < common; ++n) done.insert(base_.graph.nodes[n].outputs[0]);
  End end{model, border, {}};
  Graph& graph = end.model.graph;
  std::erase_if(graph.nodes, [&](const Node& node) { return done.contains(node.outputs[0]); });
  std::erase_if(graph.outputs, [&](const Value& value) { return border.contains(value.name); });
  graph.inputs.clear();
  for (const std::string& value : CapturedValues({.nodes = graph.nodes})) {
    const auto it = border.find(value);
    if (it == border.end()) {
      if (graph.FindInitializer(value) == nullptr) return std::nullopt;
      continue;
    }
    graph.inputs.push_back({value, CommonType(it->second), {}, {}});
    // An input says its type itself.
    graph.value_info.erase(value);
    graph.declared.erase(value);
    end.read.push_back(value);
  }
  RemoveDeadNodes(graph);
  return end;
}

OpenCandidate SharedStart::Prepare(const Model& model) {
  const OpenCandidate whole = [this](const Model& of, bool integer_kernels) {
    return OpenForComparison(of, place_, integer_kernels, kStepsOfCandidate);
  };
  const size_t common = CountCommon(model);
  if (common == 0) return whole;
  std::optional<End> end;
  try {
    end = CutEnd(model, common);
  } catch (const Error& e) {
    // A value between is no tensor.
    if (e.code() != ExitCode::kModel) throw;
  }
  if (!end) return whole;
  return [this, whole, end = *std::move(end)](const Model& of,
                                              bool integers) -> std::unique_ptr<Session> {
    try {
      auto session = end.model.graph.outputs.empty() ? nullptr : whole(end.model, integers);
      return std::make_unique<EndOfModel>(std::move(session), end.read, of, samples_, end.border);
    } catch (const Error& e) {
      // The engine refuses what is only a part.
      if (e.code() != ExitCode::kModel) throw;
      return whole(of, integers);
    }
  };
}

}  // namespace qconvert
