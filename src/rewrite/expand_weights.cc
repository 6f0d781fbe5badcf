#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/base/check.h"
#include "qconvert/base/parallel.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/ir/topology.h"
#include "qconvert/rewrite/expand_codes.h"
#include "qconvert/rewrite/store_weights.h"
#include "qconvert/weights/scale_rows.h"
#include "qconvert/weights/store_weights.h"

namespace qconvert {
namespace {

// Of floats that are kept though nobody wants them.
constexpr int64_t kMostOthers = int64_t{64} << 20;

template <typename Code>
void Multiply(const StoredWeight& weight, float* out) {
  const auto codes = weight.codes.values<Code>();
  VisitScaleRows(weight.codes.dims, weight.scale_dims,
                 [&](size_t first, size_t count, size_t scale, size_t step) {
                   const float* scales = weight.scales.data() + scale;
                   for (size_t k = 0; k < count; ++k)
                     out[first + k] = static_cast<float>(codes[first + k]) * scales[k * step];
                 });
}

struct StoredUse {
  Tensor* tensor;
  const FloatCache::Entry* entry;
};

void FindUses(Graph& graph, const std::string& prefix,
              const std::map<std::string, StoredWeight>& stored, std::vector<StoredUse>& uses) {
  for (Node& node : graph.nodes) {
    const std::vector<Graph*> bodies = SubgraphsOf(node);
    for (size_t b = 0; b < bodies.size(); ++b)
      FindUses(*bodies[b], prefix + BodyPrefix(node, b), stored, uses);
  }
  for (auto& [name, tensor] : graph.initializers) {
    const auto it = stored.find(prefix + name);
    if (it != stored.end()) uses.push_back({&tensor, &*it});
  }
}

// A Mul of what a Cast makes of an initializer's codes, by another initializer.
struct CodesProduct {
  size_t cast = 0;
  size_t product = 0;
  const Tensor* codes = nullptr;
  const Tensor* scales = nullptr;
};

bool Broadcasts(const Tensor& scales, const Tensor& codes) {
  if (scales.dims.size() > codes.dims.size()) return false;
  const size_t missing = codes.dims.size() - scales.dims.size();
  for (size_t d = 0; d < scales.dims.size(); ++d)
    if (scales.dims[d] != 1 && scales.dims[d] != codes.dims[missing + d]) return false;
  return true;
}

std::optional<CodesProduct> FindProduct(const Graph& graph, const Topology& topology, size_t n) {
  const Node& node = graph.nodes[n];
  if (!node.Is("Mul")) return std::nullopt;
  const size_t cast = topology.ProducerIndex(node.inputs[0]);
  if (cast == Topology::kNpos || !graph.nodes[cast].Is("Cast") ||
      graph.nodes[cast].GetInt("to", 0) != static_cast<int64_t>(DataType::kFloat) ||
      !topology.HasSingleUse(node.inputs[0]))
    return std::nullopt;
  const Tensor* codes = graph.FindInitializer(graph.nodes[cast].inputs[0]);
  const Tensor* scales = graph.FindInitializer(node.inputs[1]);
  const bool is_code =
      codes != nullptr && (codes->type == DataType::kInt8 || codes->type == DataType::kInt16);
  if (!is_code || scales == nullptr || scales->type != DataType::kFloat ||
      !topology.HasSingleUse(codes->name) || !Broadcasts(*scales, *codes))
    return std::nullopt;
  return CodesProduct{cast, n, codes, scales};
}

}  // namespace

Tensor ExpandedWeight(const StoredWeight& weight) {
  const std::vector<int64_t>& dims = weight.dims.empty() ? weight.codes.dims : weight.dims;
  // Floats of 16 bits stand for themselves.
  if (weight.scales.empty()) return MakeFloatTensor(weight.name, dims, ToFloats(weight.codes));
  QCONVERT_CHECK(weight.codes.type == DataType::kInt8 || weight.codes.type == DataType::kInt16);
  const auto multiply = weight.codes.type == DataType::kInt8 ? Multiply<int8_t> : Multiply<int16_t>;
  return FillFloatTensor(weight.name, dims,
                         [&](std::span<float> floats) { multiply(weight, floats.data()); });
}

bool FloatCache::Holds(const Entry& entry) const {
  const auto it = made_.find(entry.first);
  if (it == made_.end()) return false;
  const StoredWeight& known = it->second.weight;
  const StoredWeight& weight = entry.second;
  // Equal codes are the same bytes: caches of codes share them.
  return known.codes.bytes == weight.codes.bytes && known.codes.dims == weight.codes.dims &&
         known.scales == weight.scales && known.scale_dims == weight.scale_dims;
}

void FloatCache::Make(const std::vector<const Entry*>& wanted) {
  std::set<std::string_view> names;
  for (const Entry* entry : wanted) names.insert(entry->first);
  int64_t others = 0;
  for (const auto& [name, made] : made_)
    if (!names.contains(name)) others += made.floats.byte_size();
  // What other plans read may be as much as the model.
  if (others > kMostOthers)
    std::erase_if(made_, [&](const auto& made) { return !names.contains(made.first); });
  std::vector<Made*> missing;
  for (const Entry* entry : wanted) {
    if (Holds(*entry)) continue;
    Made& made = made_[entry->first];
    made = {entry->second, {}};  // lets go of the old floats
    missing.push_back(&made);
  }
  ParallelFor(missing.size(), workers_, [&](size_t i, size_t /*worker*/) {
    missing[i]->floats = ExpandedWeight(missing[i]->weight);
  });
}

void ExpandWeights(Model& model, const std::map<std::string, StoredWeight>& stored,
                   FloatCache& cache) {
  std::vector<StoredUse> uses;
  FindUses(model.graph, "", stored, uses);
  std::vector<const FloatCache::Entry*> wanted;
  for (const StoredUse& use : uses) wanted.push_back(use.entry);
  cache.Make(wanted);
  for (const StoredUse& use : uses) *use.tensor = cache.Find(use.entry->first);
}

size_t ExpandCodes(Graph& graph) {
  const Topology topology(graph);
  std::vector<bool> done(graph.nodes.size(), false);
  std::vector<std::pair<std::string, Tensor>> made;  // with the name of their codes
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const std::optional<CodesProduct> found = FindProduct(graph, topology, n);
    if (!found) continue;
    const auto scales = found->scales->values<float>();
    made.emplace_back(found->codes->name,
                      ExpandedWeight({.name = graph.nodes[n].outputs[0],
                                      .codes = *found->codes,
                                      .dims = {},
                                      .scale_dims = found->scales->dims,
                                      .scales = {scales.begin(), scales.end()}}));
    done[found->cast] = done[found->product] = true;
  }
  for (auto& [codes, floats] : made) {
    graph.initializers.erase(codes);
    graph.value_info.erase(floats.name);
    graph.declared.erase(floats.name);
    const std::string name = floats.name;
    graph.initializers.insert_or_assign(name, std::move(floats));
  }
  RemoveNodes(graph, done);
  return made.size();
}

}  // namespace qconvert
