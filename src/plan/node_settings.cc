#include "qconvert/plan/node_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "qconvert/base/suggest.h"
#include "qconvert/config/config_node.h"
#include "qconvert/config/name_pattern.h"
#include "qconvert/ir/module_path.h"
#include "qconvert/targets/fusions.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

constexpr size_t kSuggestedFrom = 10'000;

bool HasWeights(const Graph& graph, const Node& node) {
  const std::vector<std::string> weights = WeightsOf(node);
  return std::any_of(weights.begin(), weights.end(), [&](const std::string& name) {
    return graph.FindInitializer(name) != nullptr;
  });
}

bool Fits(const Graph& graph, const Node& node, const OpMatch& match) {
  if (node.op_type != match.op_type) return false;
  const Tensor* weight = graph.FindInitializer(node.input(1));
  if (match.weight == OpMatch::Weight::kConstant && weight == nullptr) return false;
  if (match.weight == OpMatch::Weight::kComputed && weight != nullptr) return false;
  // Weights that are still to be computed from constants may have any rank.
  return match.weight_rank == 0 || weight == nullptr ||
         static_cast<int>(weight->dims.size()) == match.weight_rank;
}

// Nodes reached from `seeds`, they included, along `next`.
std::vector<bool> Reach(const std::vector<std::vector<size_t>>& next,
                        const std::vector<size_t>& seeds) {
  std::vector<bool> reached(next.size(), false);
  std::vector<size_t> open = seeds;
  while (!open.empty()) {
    const size_t n = open.back();
    open.pop_back();
    if (reached[n]) continue;
    reached[n] = true;
    open.insert(open.end(), next[n].begin(), next[n].end());
  }
  return reached;
}

struct Neighbours {
  std::vector<std::vector<size_t>> readers;
  std::vector<std::vector<size_t>> producers;
};

Neighbours FindNeighbours(const Graph& graph) {
  const Topology topology(graph);
  Neighbours out{std::vector<std::vector<size_t>>(graph.nodes.size()),
                 std::vector<std::vector<size_t>>(graph.nodes.size())};
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const std::string& output : graph.nodes[n].outputs) {
      for (const Use& use : topology.Uses(output)) {
        out.readers[n].push_back(use.node);
        out.producers[use.node].push_back(n);
      }
    }
  }
  return out;
}

class LayerMatcher {
 public:
  LayerMatcher(const Graph& graph, std::vector<std::string>& warnings)
      : graph_(graph), warnings_(warnings) {
    for (const Node& node : graph.nodes) names_.push_back(node.name);
  }

  // Indices of the nodes that an entry speaks of.
  std::vector<size_t> Find(const LayerMatch& match) {
    switch (match.kind) {
      case LayerMatch::Kind::kType:
        return FindTypes(match);
      case LayerMatch::Kind::kName: {
        const NamePattern pattern(match.pattern);
        return FindNamed(match, match.pattern,
                         [&](const std::string& name) { return pattern.Matches(name); });
      }
      case LayerMatch::Kind::kModule:
        return FindModule(match);
      case LayerMatch::Kind::kNode:
        return FindNamed(match, match.pattern,
                         [&](const std::string& name) { return name == match.pattern; });
      case LayerMatch::Kind::kSubgraph:
        return FindSubgraph(match);
    }
    return {};
  }

  void ThrowIfAny() {
    if (!problems_.empty()) throw ConfigError(std::move(problems_));
  }

 private:
  template <typename Predicate>
  std::vector<size_t> FindNamed(const LayerMatch& match, const std::string& wanted,
                                const Predicate& fits) {
    std::vector<size_t> found;
    for (size_t n = 0; n < names_.size(); ++n) {
      if (fits(names_[n])) found.push_back(n);
    }
    if (found.empty()) {
      // Distances to very many names would take longer than the model is worth.
      const bool few = names_.size() <= kSuggestedFrom;
      Refuse(match, fmt::format("no node of the model is named '{}'{}", wanted,
                                few ? DidYouMean(wanted, names_) : ""));
    }
    return found;
  }

  bool FitsAny(size_t n, const LayerMatch& match) const {
    return std::any_of(match.types.begin(), match.types.end(),
                       [&](const OpMatch& one) { return Fits(graph_, graph_.nodes[n], one); });
  }

  // A name of TorchScript: the node of that name, else those of its module that have its type.
  std::vector<size_t> FindModule(const LayerMatch& match) {
    std::vector<size_t> found;
    for (size_t n = 0; n < names_.size(); ++n) {
      if (names_[n] == match.pattern) found.push_back(n);
    }
    if (!found.empty()) return found;
    if (!modules_) modules_ = FindModules(graph_);
    const auto it = modules_->find(match.module);
    if (it != modules_->end()) found = it->second;
    if (!match.types.empty()) std::erase_if(found, [&](size_t n) { return !FitsAny(n, match); });
    if (found.empty() || (match.types.empty() && found.size() > 1)) {
      warnings_.push_back(fmt::format("{}: '{}' has no effect: {} of the model {} from module '{}'",
                                      match.place, match.pattern,
                                      found.empty() ? "no node" : "several nodes",
                                      found.empty() ? "comes" : "come", match.module));
      found.clear();
    }
    return found;
  }

  std::vector<size_t> FindTypes(const LayerMatch& match) {
    std::vector<size_t> found;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (FitsAny(n, match)) found.push_back(n);
    }
    if (!found.empty()) return found;
    if (match.known_type) {
      warnings_.push_back(
          fmt::format("{}: no node of the model has type '{}'", match.place, match.pattern));
    } else {
      Refuse(match,
             fmt::format("no node of the model has type '{}', and nobody knows it", match.pattern));
    }
    return found;
  }

  // Nodes on a way from the named inputs to the named outputs.
  std::vector<size_t> FindSubgraph(const LayerMatch& match) {
    std::array<std::vector<size_t>, 2> ends;
    for (const auto& [list, end] :
         {std::pair{&match.inputs, &ends[0]}, std::pair{&match.outputs, &ends[1]}}) {
      for (const std::string& wanted : *list) {
        for (const size_t n :
             FindNamed(match, wanted, [&](const std::string& name) { return name == wanted; })) {
          end->push_back(n);
        }
      }
    }
    if (ends[0].empty() || ends[1].empty()) return {};
    const Neighbours neighbours = FindNeighbours(graph_);
    const std::vector<bool> behind = Reach(neighbours.readers, ends[0]);
    const std::vector<bool> before = Reach(neighbours.producers, ends[1]);
    std::vector<size_t> found;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (behind[n] && before[n]) found.push_back(n);
    }
    if (found.empty())
      Refuse(match, fmt::format("no way leads from the inputs of subgraph '{}' to its outputs",
                                match.pattern));
    return found;
  }

  void Refuse(const LayerMatch& match, const std::string& message) {
    problems_.push_back(match.place + ": " + EscapeForTerminal(message));
  }

  std::optional<std::map<std::string, std::vector<size_t>>> modules_;  // found when asked for
  const Graph& graph_;
  std::vector<std::string>& warnings_;
  std::vector<std::string> names_;
  std::vector<std::string> problems_;
};

// Nodes with weights that no other such node stands before (or behind).
std::set<size_t> FindOutermost(const Graph& graph, const std::vector<std::vector<size_t>>& next) {
  std::vector<size_t> weighted;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (HasWeights(graph, graph.nodes[n])) weighted.push_back(n);
  }
  std::vector<size_t> inner;
  for (const size_t n : weighted) inner.insert(inner.end(), next[n].begin(), next[n].end());
  const std::vector<bool> is_inner = Reach(next, inner);
  std::set<size_t> out;
  for (const size_t n : weighted) {
    if (!is_inner[n]) out.insert(n);
  }
  return out;
}

// The first and the last nodes with weights.
std::set<size_t> FindEnds(const Graph& graph) {
  const Neighbours neighbours = FindNeighbours(graph);
  std::set<size_t> ends = FindOutermost(graph, neighbours.readers);
  ends.merge(FindOutermost(graph, neighbours.producers));
  return ends;
}

// Nodes that only move or clamp values go along with their neighbours unless an entry names them.
bool IsFloat(const Graph& graph, const Node& node, const ModelSettings& settings) {
  if (FindOpRule(node).kind == OpKind::kMovement && !settings.layer_of.contains(node.name))
    return false;
  const NodeSettings& of = settings.Of(node);
  return !of.activation.is_int() || (!of.weights.is_int() && HasWeights(graph, node));
}

// The unit (node and tail) that writes `value`, in order. A tail starts at the one reader of what
// the node before it writes, so walking back from the producer finds the node.
std::vector<size_t> FindUnit(const Graph& graph, const Topology& topology,
                             const Placement& placement, size_t producer,
                             const std::string& value) {
  if (placement.nodes.empty()) return {producer};
  size_t head = producer;
  while (placement.nodes[head].domain == NodeDomain::kFused) {
    size_t before = Topology::kNpos;
    for (const std::string& input : graph.nodes[head].inputs) {
      const size_t n = topology.ProducerIndex(input);
      if (n != Topology::kNpos && placement.nodes[n].domain != NodeDomain::kFloat &&
          topology.HasSingleUse(input))
        before = n;
    }
    if (before == Topology::kNpos) return {producer};
    head = before;
  }
  const NodePlacement& node = placement.nodes[head];
  if (node.domain != NodeDomain::kInteger || node.unit.output != value) return {producer};
  std::vector<size_t> unit = {head};
  unit.insert(unit.end(), node.unit.tail.begin(), node.unit.tail.end());
  return unit;
}

// `activation` of the unit that writes `value`; null when it is float.
const TensorSettings* FindUnitSettings(const Graph& graph, const Topology& topology,
                                       const Placement& placement, const ModelSettings& settings,
                                       size_t producer, const std::string& value) {
  if (settings.layer_of.empty()) {
    const TensorSettings& root = settings.config.tensors.activation;
    return root.is_int() ? &root : nullptr;
  }
  const Node* decided = nullptr;
  for (const size_t n : FindUnit(graph, topology, placement, producer, value)) {
    const Node& node = graph.nodes[n];
    if (!settings.layer_of.contains(node.name)) continue;
    if (decided == nullptr) {
      decided = &node;
    } else if (!(settings.Of(*decided).activation == settings.Of(node).activation)) {
      const LayerMatch& match = settings.config.layers[settings.layer_of.at(node.name)].match;
      throw ConfigError({fmt::format(
          "{}: '{}' and '{}' are quantized as one, but their activation settings differ",
          match.place, EscapeForTerminal(decided->name), EscapeForTerminal(node.name))});
    }
  }
  const TensorSettings& found =
      settings.Of(decided == nullptr ? graph.nodes[producer] : *decided).activation;
  return found.is_int() ? &found : nullptr;
}

// True when one grid and method serve for both.
bool SameCodes(const TensorSettings& a, const TensorSettings& b) {
  return a.datatype == b.datatype && a.bit_width == b.bit_width && a.method == b.method &&
         a.percentage == b.percentage && a.symmetry == b.symmetry && a.is_signed == b.is_signed &&
         a.scale_type == b.scale_type;
}

// A value has one set of codes, that of the node that writes it; an entry that wants others for
// what its nodes read is told so, once.
void NoteIdleInputs(const Graph& graph, const QuantConfig& config,
                    const std::map<std::string, size_t>& layer_of,
                    std::vector<std::string>& warnings) {
  const Topology topology(graph);
  std::set<size_t> told;
  for (const Node& node : graph.nodes) {
    const auto it = layer_of.find(node.name);
    if (it == layer_of.end() || told.contains(it->second)) continue;
    const LayerSettings& layer = config.layers[it->second];
    const TensorSettings& input = layer.tensors.input;
    if (!layer.tensors.activation.is_int() || SameCodes(input, layer.tensors.activation) ||
        SameCodes(input, config.tensors.input)) {
      continue;
    }
    for (const std::string& value : node.inputs) {
      const Node* producer = topology.Producer(value);
      if (producer == nullptr) continue;
      const auto other = layer_of.find(producer->name);
      const NodeSettings& of =
          other == layer_of.end() ? config.tensors : config.layers[other->second].tensors;
      if (!of.activation.is_int() || SameCodes(of.activation, input)) continue;
      warnings.push_back(fmt::format(
          "{}: input settings have no effect where '{}' reads what '{}' quantizes: a value has the "
          "activation settings of the node that writes it",
          layer.match.place, node.name, producer->name));
      told.insert(it->second);
      break;
    }
  }
}

// A node whose integer kernel would compute one that is kept float stays float with it.
void KeepUnitsFloat(const Graph& graph, std::map<size_t, std::string>& kept) {
  if (kept.empty()) return;
  const Topology topology(graph);
  std::map<size_t, std::string> heads;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const OpKind kind = FindOpRule(graph.nodes[n]).kind;
    if (kind == OpKind::kFloatOnly || kind == OpKind::kMovement || kept.contains(n)) continue;
    for (const size_t t : FindFusedUnit(graph, topology, n).tail) {
      if (!kept.contains(t)) continue;
      heads.emplace(n, fmt::format("its kernel would compute \"{}\" too, which is kept float",
                                   graph.nodes[t].name));
    }
  }
  kept.merge(heads);
}

}  // namespace

std::map<std::string, size_t> MatchLayers(const Graph& graph, const QuantConfig& config,
                                          std::vector<std::string>& warnings) {
  using Kind = LayerMatch::Kind;
  std::map<std::string, size_t> layer_of;
  LayerMatcher matcher(graph, warnings);
  for (const Kind kind : {Kind::kType, Kind::kSubgraph, Kind::kModule, Kind::kName, Kind::kNode}) {
    for (size_t i = 0; i < config.layers.size(); ++i) {
      if (config.layers[i].match.kind != kind) continue;
      for (const size_t n : matcher.Find(config.layers[i].match)) layer_of[graph.nodes[n].name] = i;
    }
  }
  matcher.ThrowIfAny();
  NoteIdleInputs(graph, config, layer_of, warnings);
  return layer_of;
}

std::map<size_t, std::string> FindNodesKeptFloat(const Graph& graph,
                                                 const ModelSettings& settings) {
  std::map<size_t, std::string> out;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (IsFloat(graph, node, settings)) out.emplace(n, "the settings say float");
    const bool sum = node.Is("Add") && graph.FindInitializer(node.input(0)) == nullptr &&
                     graph.FindInitializer(node.input(1)) == nullptr;
    if (sum && settings.config.keep_add_layer_accuracy) out.emplace(n, "keep_add_layer_accuracy");
  }
  if (settings.config.keep_first_last_layer_accuracy) {
    for (const size_t n : FindEnds(graph)) out.emplace(n, "keep_first_last_layer_accuracy");
  }
  KeepUnitsFloat(graph, out);
  return out;
}

std::set<std::string> FindFloatValues(const Graph& graph, const ModelSettings& settings) {
  std::set<std::string> out;
  const Topology topology(graph);
  for (const Node& node : graph.nodes) {
    for (const std::string& input : node.inputs) {
      if (input.empty() || graph.FindInitializer(input) != nullptr) continue;
      if (FindValueSettings(graph, topology, {}, settings, input) == nullptr) out.insert(input);
    }
  }
  return out;
}

std::set<std::string> FindFloatWeights(const Graph& graph, const ModelSettings& settings) {
  std::set<std::string> out;
  std::set<size_t> ends;
  if (settings.config.keep_first_last_layer_accuracy) ends = FindEnds(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (settings.Of(node).weights.is_int() && !ends.contains(n)) continue;
    for (const std::string& weight : WeightsOf(node)) out.insert(weight);
  }
  return out;
}

const TensorSettings* FindValueSettings(const Graph& graph, const Topology& topology,
                                        const Placement& placement, const ModelSettings& settings,
                                        const std::string& value) {
  if (topology.Producer(value) != nullptr) {
    const TensorSettings* unit = FindUnitSettings(graph, topology, placement, settings,
                                                  topology.ProducerIndex(value), value);
    if (unit != nullptr) return unit;
  } else if (settings.config.tensors.input.is_int()) {
    // A layer entry that speaks of inputs does so for the inputs of the model it reads.
    for (const Use& use : topology.Uses(value)) {
      const Node& reader = graph.nodes[use.node];
      const NodeSettings& of = settings.Of(reader);
      if (settings.layer_of.contains(reader.name) && of.input.is_int() && of.activation.is_int())
        return &of.input;
    }
    return &settings.config.tensors.input;
  }
  for (const Use& use : topology.Uses(value)) {
    const NodeSettings& of = settings.Of(graph.nodes[use.node]);
    if (!of.activation.is_int()) continue;
    if (of.input.is_int()) return &of.input;
  }
  return nullptr;
}

}  // namespace qconvert
