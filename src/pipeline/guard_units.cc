#include "guard_units.h"

#include <utility>

#include "qconvert/ir/body_graph.h"
#include "qconvert/plan/choose_scheme.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {

void AddWeights(const Graph& graph, const Node& node, std::set<std::string>& weights) {
  for (const std::string& weight : WeightsOf(node))
    if (graph.FindInitializer(weight) != nullptr) weights.insert(weight);
}

GuardUnits::GuardUnits(const Graph& of, const PlaceOptions& options,
                       std::map<size_t, std::string> at_run_time)
    : graph(of), base(options), full(PlaceNodes(of, options)), dynamic(std::move(at_run_time)) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const bool integer = full.nodes[n].domain == NodeDomain::kInteger;
    const bool movement = FindOpRule(graph.nodes[n]).kind == OpKind::kMovement;
    // Movement makes no error of its own.
    if ((integer && !movement) || dynamic.contains(n)) all.insert(n);
  }
  for (const auto& [way, placed] : full.bodies) {
    if (!AnyInteger(placed)) continue;
    all.insert(graph.nodes.size() + bodies.size());
    bodies.push_back(way);
  }
  ForEachBodyIn(full.bodies, graph, [&](const BodyGraph& body, const Placement& placed) {
    std::set<std::string> weights;
    for (size_t k = 0; k < body.graph.nodes.size(); ++k)
      if (placed.nodes[k].domain == NodeDomain::kInteger)
        AddWeights(body.graph, body.graph.nodes[k], weights);
    // Another level may have weights of the same name.
    for (const std::string& weight : weights)
      weights_of_bodies_[body.way].insert(body.FullName(weight));
  });
}

const std::string* GuardUnits::BodyOf(size_t unit) const {
  return unit < graph.nodes.size() ? nullptr : &bodies[unit - graph.nodes.size()];
}

const std::string& GuardUnits::NameOf(size_t unit) const {
  const std::string* body = BodyOf(unit);
  return body == nullptr ? graph.nodes[unit].name : *body;
}

std::vector<std::string> GuardUnits::OriginsOf(const std::set<size_t>& units) const {
  std::vector<std::string> names;
  std::set<std::string> told;
  for (const size_t unit : units) {
    const std::string* body = BodyOf(unit);
    const std::string& name = body == nullptr ? graph.nodes[unit].origin_name() : *body;
    if (told.insert(name).second) names.push_back(name);
  }
  return names;
}

bool GuardUnits::IsInteger(const Placement& placement, size_t unit) const {
  const std::string* body = BodyOf(unit);
  return body == nullptr ? placement.nodes[unit].domain == NodeDomain::kInteger
                         : AnyInteger(placement.bodies.at(*body));
}

PlaceOptions GuardUnits::KeepFloat(const std::set<size_t>& kept, const std::string& reason) const {
  PlaceOptions options = base;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const bool is_float = full.nodes[n].domain == NodeDomain::kFloat;
    // Movement goes with its neighbours, whatever it was in the whole plan.
    if (is_float && FindOpRule(graph.nodes[n]).kind != OpKind::kMovement)
      options.keep_float.emplace(n, full.nodes[n].reason);
  }
  for (const size_t n : kept) {
    if (const std::string* body = BodyOf(n)) {
      KeepBodyFloat(*body, options, reason);
      continue;
    }
    // What was to be quantized at run time is float in the whole plan, for another reason.
    if (dynamic.contains(n)) options.keep_float.erase(n);
    options.keep_float.emplace(n, reason);
    // Nobody observed the values inside of a unit.
    for (const size_t t : full.nodes[n].unit.tail) options.keep_float.emplace(t, reason);
  }
  return options;
}

void GuardUnits::AddWeightsOf(const std::set<size_t>& of, std::set<std::string>& weights) const {
  for (const size_t n : of) {
    if (const std::string* body = BodyOf(n)) {
      const auto found = weights_of_bodies_.find(*body);
      if (found != weights_of_bodies_.end())
        weights.insert(found->second.begin(), found->second.end());
    } else {
      AddWeights(graph, graph.nodes[n], weights);
    }
  }
}

}  // namespace qconvert
