#include "prefixed_model.h"

#include <algorithm>
#include <utility>

#include "qconvert/base/check.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"
#include "switched_model.h"

namespace qconvert {
namespace {

// By node, whether what it computes depends on `input`.
std::vector<bool> FindDependent(const Graph& graph, const Topology& topology,
                                const std::string& input) {
  std::vector<bool> dependent(graph.nodes.size(), false);
  std::vector<std::string> open = {input};
  while (!open.empty()) {
    const std::string value = std::move(open.back());
    open.pop_back();
    for (const Use& use : topology.Uses(value)) {
      if (dependent[use.node]) continue;
      dependent[use.node] = true;
      for (const std::string& output : graph.nodes[use.node].outputs)
        if (!output.empty()) open.push_back(output);
    }
  }
  return dependent;
}

Value Named(const std::string& name) { return {name, {}, {}, {}}; }

const Tensor* Find(const std::vector<Tensor>& tensors, const std::string& name) {
  const auto it = std::find_if(tensors.begin(), tensors.end(),
                               [&](const Tensor& tensor) { return tensor.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

}  // namespace

PrefixedModel::PrefixedModel(Model model, std::string input, std::string place)
    : input_(std::move(input)), place_(std::move(place)), before_(std::move(model)) {
  behind_ = before_;  // shares the bytes of tensors
  Graph& before = before_.graph;
  Graph& behind = behind_.graph;
  const Topology topology(before);
  const std::vector<bool> dependent = FindDependent(before, topology, input_);
  const auto is_read_behind = [&](const std::string& value) {
    const auto& uses = topology.Uses(value);
    return std::any_of(uses.begin(), uses.end(),
                       [&](const Use& use) { return dependent[use.node]; });
  };
  for (const Value& output : before.outputs) outputs_.push_back(output.name);
  std::erase_if(behind.outputs, [&](const Value& output) {
    const size_t producer = topology.ProducerIndex(output.name);
    return producer == Topology::kNpos || !dependent[producer];
  });
  // What no node behind reads is not fed there.
  std::erase_if(behind.inputs, [&](const Value& value) { return !is_read_behind(value.name); });
  std::vector<Value> border;
  for (size_t n = 0; n < before.nodes.size(); ++n) {
    if (dependent[n]) continue;
    for (const std::string& value : before.nodes[n].outputs) {
      if (value.empty()) continue;
      const bool is_read = is_read_behind(value);
      if (is_read) {
        behind.inputs.push_back(Named(value));
        // Now an input: its type moves along with it.
        if (const auto known = behind.value_info.extract(value))
          behind.inputs.back() = known.mapped();
      }
      if (is_read || topology.IsGraphOutput(value)) border.push_back(Named(value));
    }
  }
  before.outputs = std::move(border);
  std::erase_if(before.inputs, [&](const Value& value) { return value.name == input_; });
  std::vector<bool> independent = dependent;
  independent.flip();
  RemoveNodes(behind, independent);
  RemoveNodes(before, dependent);
  RemoveDeadNodes(behind);
  RemoveDeadNodes(before);
}

bool PrefixedModel::SetSample(const std::vector<Tensor>& inputs) {
  border_.clear();
  if (!before_.graph.outputs.empty()) {
    if (session_before_ == nullptr) session_before_ = OpenSwitched(before_, place_);
    border_ = session_before_->Run(inputs, nullptr);
    for (size_t k = 0; k < border_.size(); ++k) {
      // No tensor, a sequence say: it cannot be fed on.
      if (border_[k].type == DataType::kUndefined) return false;
      border_[k].name = before_.graph.outputs[k].name;
    }
  }
  border_.insert(border_.end(), inputs.begin(), inputs.end());
  if (session_behind_ == nullptr) OpenBehind();
  return true;
}

void PrefixedModel::OpenBehind() {
  for (Value& value : behind_.graph.inputs) {
    if (const Tensor* tensor = Find(border_, value.name); tensor != nullptr)
      value.type.element = tensor->type;
  }
  session_behind_ = OpenSwitched(behind_, place_);
}

std::vector<Tensor> PrefixedModel::Run(const Tensor& input) const {
  std::vector<Tensor> fed;
  for (const Value& value : behind_.graph.inputs) {
    if (behind_.graph.FindInitializer(value.name) != nullptr) continue;  // its default
    const Tensor* tensor = value.name == input_ ? &input : Find(border_, value.name);
    QCONVERT_CHECK(tensor != nullptr);
    fed.push_back(*tensor);
  }
  std::vector<Tensor> given;
  if (!behind_.graph.outputs.empty()) given = session_behind_->Run(fed, nullptr);
  for (size_t k = 0; k < given.size(); ++k) given[k].name = behind_.graph.outputs[k].name;
  std::vector<Tensor> out;
  for (const std::string& name : outputs_) {
    const Tensor* tensor = Find(given, name);
    if (tensor == nullptr) tensor = Find(border_, name);
    QCONVERT_CHECK(tensor != nullptr);
    out.push_back(*tensor);
  }
  return out;
}

}  // namespace qconvert
