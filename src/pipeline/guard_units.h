// What the guard can put back to float of a plan.
#ifndef QCONVERT_SRC_PIPELINE_GUARD_UNITS_H_
#define QCONVERT_SRC_PIPELINE_GUARD_UNITS_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/placement.h"

namespace qconvert {

inline constexpr const char* kKeptForTheError = "kept float for the error at the outputs";

// Initializers that a node reads as weights.
void AddWeights(const Graph& graph, const Node& node, std::set<std::string>& weights);

// The whole plan and its units: integer nodes, those quantized at run time, and behind them bodies
// with integers, each together.
struct GuardUnits {
  GuardUnits(const Graph& graph, const PlaceOptions& base, std::map<size_t, std::string> dynamic);

  const std::string& NameOf(size_t unit) const;
  // What a user calls them, each name once: nodes of the loaded model, ways to bodies.
  std::vector<std::string> OriginsOf(const std::set<size_t>& units) const;
  bool IsInteger(const Placement& placement, size_t unit) const;
  // Options of the whole plan with these units kept float; what is float in it stays so.
  PlaceOptions KeepFloat(const std::set<size_t>& kept,
                         const std::string& reason = kKeptForTheError) const;
  // What they read, weights of bodies with the way to them.
  void AddWeightsOf(const std::set<size_t>& of, std::set<std::string>& weights) const;

  const Graph& graph;
  PlaceOptions base;
  Placement full;                         // of the whole plan
  std::map<size_t, std::string> dynamic;  // of the whole plan: nodes quantized at run time
  std::vector<std::string> bodies;        // with integers, by the way to them
  std::set<size_t> all;                   // nodes, then bodies in their order

 private:
  const std::string* BodyOf(size_t unit) const;  // null: a node

  std::map<std::string, std::set<std::string>> weights_of_bodies_;  // of integer nodes, by the way
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_GUARD_UNITS_H_
