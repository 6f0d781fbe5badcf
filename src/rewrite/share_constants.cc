#include "share_constants.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

// A constant of a level or below.
struct Held {
  Graph* level;
  std::string name;
};
using HeldByHash = std::unordered_map<size_t, std::vector<Held>>;

const Tensor& ValueOf(const Held& held) { return held.level->initializers.at(held.name); }

bool MayShare(const Tensor& tensor) { return tensor.dims.size() >= 2 && BitsOf(tensor.type) <= 8; }

class Sharer {
 public:
  explicit Sharer(const std::set<std::string>& made) : made_(made) {}

  // What this level and those below hold, each value once.
  HeldByHash Collect(Graph& graph) {
    HeldByHash found;
    for (const auto& [name, tensor] : graph.initializers) {
      if (MayShare(tensor) && made_.contains(name))
        found[std::hash<std::string>()(*tensor.bytes)].push_back({&graph, name});
    }
    for (Node& node : graph.nodes) {
      for (Graph* body : SubgraphsOf(node)) {
        for (auto& [hash, below] : Collect(*body)) {
          for (Held& held : below) Add(std::move(held), graph, found[hash]);
        }
      }
    }
    return found;
  }

  const std::unordered_map<std::string, std::string>& renames() const { return renames_; }

 private:
  // A second holder makes it one of `graph`, around both.
  void Add(Held held, Graph& graph, std::vector<Held>& known) {
    const auto same = std::find_if(known.begin(), known.end(), [&](const Held& other) {
      return HaveSameElements(ValueOf(other), ValueOf(held));
    });
    if (same == known.end()) {
      known.push_back(std::move(held));
      return;
    }
    if (same->level != &graph) {
      graph.initializers.insert(same->level->initializers.extract(same->name));
      same->level = &graph;
    }
    held.level->initializers.erase(held.name);
    renames_.emplace(held.name, same->name);
  }

  const std::set<std::string>& made_;
  std::unordered_map<std::string, std::string> renames_;
};

}  // namespace

void ShareConstants(Graph& graph, const std::set<std::string>& made) {
  Sharer sharer(made);
  sharer.Collect(graph);
  RenameUses(graph, sharer.renames());
}

}  // namespace qconvert
