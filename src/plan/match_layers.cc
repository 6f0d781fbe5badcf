#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "match_body_layers.h"
#include "neighbours.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/config_node.h"
#include "qconvert/config/name_pattern.h"
#include "qconvert/ir/module_path.h"
#include "qconvert/ir/scope.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/targets/op_rules.h"

namespace qconvert {
namespace {

constexpr size_t kSuggestedFrom = 10'000;
constexpr size_t kSuggestedModules = 1'000;  // many entries may miss, each is only a warning

bool Fits(const Graph& graph, const Node& node, const OpMatch& match) {
  if (node.op_type != match.op_type) return false;
  const Tensor* weight = graph.FindInitializer(node.input(1));
  if (match.weight == OpMatch::Weight::kConstant && weight == nullptr) return false;
  if (match.weight == OpMatch::Weight::kComputed && weight != nullptr) return false;
  // Weights that are still to be computed from constants may have any rank.
  return match.weight_rank == 0 || weight == nullptr ||
         static_cast<int>(weight->dims.size()) == match.weight_rank;
}

bool FitsAnyOf(const Graph& graph, const Node& node, const LayerMatch& match) {
  return std::any_of(match.types.begin(), match.types.end(),
                     [&](const OpMatch& one) { return Fits(graph, node, one); });
}

// What bodies hold, named with their ways: entries may speak of that too (MatchBodyLayers).
struct BodyNames {
  std::vector<std::string> nodes;
  std::vector<std::string> values;
  std::set<std::string> types;

  void Collect(const Graph& graph, const std::string& way) {
    for (const Node& node : graph.nodes) {
      if (!way.empty()) {
        nodes.push_back(way + LabelOf(node));
        types.insert(node.op_type);
        for (const std::string& output : node.outputs) values.push_back(way + output);
      }
      ForEachBody(node, way, [&](const Graph& body, const std::string& inner) {
        for (const Value& input : body.inputs) values.push_back(inner + input.name);
        Collect(body, inner);
      });
    }
  }
};

class LayerMatcher {
 public:
  LayerMatcher(const Graph& graph, std::vector<std::string>& warnings)
      : graph_(graph), warnings_(warnings) {
    for (const Node& node : graph.nodes) names_.push_back(node.name);
    in_bodies_.Collect(graph, "");
  }

  // Indices of the nodes that an entry speaks of.
  std::vector<size_t> Find(const LayerMatch& match) {
    switch (match.kind) {
      case LayerMatch::Kind::kType:
        return FindTypes(match);
      case LayerMatch::Kind::kName: {
        const NamePattern pattern(match.pattern);
        std::vector<size_t> found = FindNamed(
            match, match.pattern, [&](const std::string& name) { return pattern.Matches(name); });
        if (!match.types.empty())
          std::erase_if(found, [&](size_t n) { return !FitsAny(n, match); });
        return found;
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

  bool HasNode(const std::string& name) const {
    const auto& inside = in_bodies_.nodes;
    return std::find(names_.begin(), names_.end(), name) != names_.end() ||
           std::find(inside.begin(), inside.end(), name) != inside.end();
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
    if (found.empty() && std::none_of(in_bodies_.nodes.begin(), in_bodies_.nodes.end(), fits)) {
      // Distances to very many names would take longer than the model is worth.
      const bool few = names_.size() <= kSuggestedFrom;
      const std::string written = WrittenPattern(wanted);
      Refuse(match, fmt::format("no node of the model is named '{}'{}", written,
                                few ? DidYouMean(written, names_) : ""));
    }
    return found;
  }

  bool FitsAny(size_t n, const LayerMatch& match) const {
    return FitsAnyOf(graph_, graph_.nodes[n], match);
  }

  std::vector<size_t> NodesNamed(const std::string& name) const {
    std::vector<size_t> found;
    for (size_t n = 0; n < names_.size(); ++n) {
      if (names_[n] == name) found.push_back(n);
    }
    return found;
  }

  // Nodes of a module: those whose names or weights tell it, else one named by its path, as
  // exporters of traced graphs write, else those of the only module that is the same without the
  // words of wrappers.
  std::vector<size_t> NodesOfModule(const std::string& module) {
    if (!modules_) FindPaths();
    const auto it = modules_->find(module);
    if (it != modules_->end()) return it->second;
    const auto wrapped = unwrapped_.find(WithoutWrappers(module));
    const bool is_one = wrapped != unwrapped_.end() && wrapped->second != nullptr;
    return is_one ? *wrapped->second : std::vector<size_t>{};
  }

  std::string SimilarModule(const std::string& module) const {
    if (modules_->size() > kSuggestedModules || modules_->contains(module)) return "";
    std::vector<std::string> paths;
    for (const auto& [path, nodes] : *modules_) paths.push_back(path);
    return DidYouMean(module, paths);
  }

  void FindPaths() {
    modules_ = FindModules(graph_);
    for (size_t n = 0; n < names_.size(); ++n)
      // A module of that path is there already and comes first.
      if (!names_[n].empty()) modules_->emplace(names_[n], std::vector<size_t>{n});
    for (const auto& [module, nodes] : *modules_) {
      const auto [it, fresh] = unwrapped_.emplace(WithoutWrappers(module), &nodes);
      const bool is_same = fresh || (it->second != nullptr && *it->second == nodes);
      if (!is_same) it->second = nullptr;
    }
  }

  // A name of TorchScript: the node of that name, else those of its module that have its type.
  std::vector<size_t> FindModule(const LayerMatch& match) {
    std::vector<size_t> found = NodesNamed(match.pattern);
    if (!found.empty()) return found;
    found = NodesOfModule(match.module);
    if (!match.types.empty()) std::erase_if(found, [&](size_t n) { return !FitsAny(n, match); });
    if (found.empty() || (match.types.empty() && found.size() > 1)) {
      warnings_.push_back(
          fmt::format("{}: '{}' has no effect: {} of the model {} from module '{}'{}", match.place,
                      match.pattern, found.empty() ? "no node" : "several nodes",
                      found.empty() ? "comes" : "come", match.module, SimilarModule(match.module)));
      found.clear();
    }
    return found;
  }

  std::vector<size_t> FindTypes(const LayerMatch& match) {
    std::vector<size_t> found;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (FitsAny(n, match)) found.push_back(n);
    }
    const auto inside = [&](const OpMatch& one) { return in_bodies_.types.contains(one.op_type); };
    if (!found.empty() || std::any_of(match.types.begin(), match.types.end(), inside)) return found;
    if (match.known_type) {
      warnings_.push_back(
          fmt::format("{}: no node of the model has type '{}'", match.place, match.pattern));
    } else {
      warnings_.push_back(fmt::format("{}: no node of the model has type '{}', and nobody knows it",
                                      match.place, EscapeForTerminal(match.pattern)));
    }
    return found;
  }

  // Nodes on a way from the named inputs to the named outputs; of an empty list any node is one.
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
    const bool from_any = match.inputs.empty();
    const bool to_any = match.outputs.empty();
    // FindNamed has refused the end that is missing.
    if ((!from_any && ends[0].empty()) || (!to_any && ends[1].empty())) return {};
    const Neighbours neighbours = FindNeighbours(graph_);
    const std::vector<bool> behind = Reach(neighbours.readers, ends[0]);
    const std::vector<bool> before = Reach(neighbours.producers, ends[1]);
    std::vector<size_t> found;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const bool is_on_way = (from_any || behind[n]) && (to_any || before[n]);
      if (is_on_way != match.outside) found.push_back(n);
    }
    if (found.empty() && !match.outside)
      Refuse(match, fmt::format("no way leads from the inputs of subgraph '{}' to its outputs",
                                match.pattern));
    return found;
  }

  void Refuse(const LayerMatch& match, const std::string& message) {
    std::vector<std::string>& list = match.may_miss ? warnings_ : problems_;
    list.push_back(match.place + ": " + EscapeForTerminal(message) +
                   (match.may_miss ? ", the entry has no effect" : ""));
  }

  std::optional<std::map<std::string, std::vector<size_t>>> modules_;  // by path or node name
  // The same without wrappers; null where several modules are.
  std::map<std::string_view, const std::vector<size_t>*> unwrapped_;
  const Graph& graph_;
  std::vector<std::string>& warnings_;
  std::vector<std::string> names_;
  BodyNames in_bodies_;
  std::vector<std::string> problems_;
};

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
      // A Horizon file's wider input is that of the value, unless it is moved codes.
      const bool is_passed_on =
          config.deployment.generation != Generation::kNone &&
          input.bit_width > of.activation.bit_width &&
          (producer->Is("Relu") || FindOpRule(*producer).kind != OpKind::kMovement);
      if (!of.activation.is_int() || is_passed_on || SameCodes(of.activation, input)) continue;
      warnings.push_back(fmt::format(
          "{}: input settings have no effect where '{}' reads what '{}' quantizes: a value has the "
          "activation settings of the node that writes it",
          layer.match.place, node.name, producer->name));
      told.insert(it->second);
      break;
    }
  }
}

// Entries of values that no node writes and nobody feeds.
void NoteLostValues(const Graph& graph, const QuantConfig& config,
                    std::vector<std::string>& warnings) {
  if (config.values.empty()) return;
  std::vector<std::string> names;
  for (const Value& input : graph.inputs) names.push_back(input.name);
  for (const Node& node : graph.nodes)
    names.insert(names.end(), node.outputs.begin(), node.outputs.end());
  BodyNames in_bodies;
  in_bodies.Collect(graph, "");
  names.insert(names.end(), in_bodies.values.begin(), in_bodies.values.end());
  const std::set<std::string> known(names.begin(), names.end());
  for (const ValueSettings& one : config.values) {
    if (known.contains(one.value)) continue;
    const bool is_weight = graph.FindInitializer(one.value) != nullptr;
    warnings.push_back(fmt::format(
        "{}: {}, the entry has no effect", one.place,
        is_weight
            ? fmt::format("'{}' is a constant, which has the weights settings of its node",
                          EscapeForTerminal(one.value))
            : fmt::format("no value of the model is named '{}'{}", EscapeForTerminal(one.value),
                          names.size() <= kSuggestedFrom ? DidYouMean(one.value, names) : "")));
  }
}

}  // namespace

std::map<std::string, size_t> MatchLayers(const Graph& graph, const QuantConfig& config,
                                          std::vector<std::string>& warnings,
                                          std::vector<size_t>* not_found) {
  using Kind = LayerMatch::Kind;
  std::map<std::string, size_t> layer_of;
  LayerMatcher matcher(graph, warnings);
  // From the weakest kind to the strongest: a later entry takes the place of an earlier one.
  for (const Kind kind : {Kind::kType, Kind::kSubgraph, Kind::kModule, Kind::kName, Kind::kNode}) {
    for (size_t i = 0; i < config.layers.size(); ++i) {
      if (config.layers[i].match.kind != kind) continue;
      if (kind == Kind::kNode && not_found != nullptr &&
          !matcher.HasNode(config.layers[i].match.pattern)) {
        not_found->push_back(i);
        continue;
      }
      for (const size_t n : matcher.Find(config.layers[i].match)) layer_of[graph.nodes[n].name] = i;
    }
  }
  matcher.ThrowIfAny();
  NoteLostValues(graph, config, warnings);
  NoteIdleInputs(graph, config, layer_of, warnings);
  return layer_of;
}

std::map<std::string, size_t> MatchBodyLayers(const BodyGraph& body, const QuantConfig& config) {
  using Kind = LayerMatch::Kind;
  std::map<std::string, size_t> layer_of;
  for (const Kind kind : {Kind::kType, Kind::kName, Kind::kNode}) {
    for (size_t i = 0; i < config.layers.size(); ++i) {
      const LayerMatch& match = config.layers[i].match;
      if (match.kind != kind) continue;
      std::optional<NamePattern> pattern;
      if (kind == Kind::kName) pattern.emplace(match.pattern);
      for (const Node& node : body.graph.nodes) {
        const std::string name = body.way + node.name;
        const bool named = pattern ? pattern->Matches(name) : name == match.pattern;
        const bool typed = match.types.empty() || FitsAnyOf(body.graph, node, match);
        if (kind == Kind::kType ? typed : named && typed) layer_of[node.name] = i;
      }
    }
  }
  return layer_of;
}

}  // namespace qconvert
