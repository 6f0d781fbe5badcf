#include "parked_weights.h"

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "qconvert/base/parked_bytes.h"

namespace qconvert {
namespace {

void Collect(const Graph& graph, std::set<const std::string*>& bytes) {
  for (const auto& [name, tensor] : graph.initializers) bytes.insert(tensor.bytes.get());
  for (const Node& node : graph.nodes) {
    for (const auto& [key, attribute] : node.attributes) {
      if (const auto* one = std::get_if<Tensor>(&attribute.data)) bytes.insert(one->bytes.get());
      if (const auto* list = std::get_if<std::vector<Tensor>>(&attribute.data))
        for (const Tensor& tensor : *list) bytes.insert(tensor.bytes.get());
    }
    for (const Graph* body : SubgraphsOf(node)) Collect(*body, bytes);
  }
}

}  // namespace

void WithOnlyWeightsOf(const Graph& read, const std::function<void()>& work) {
  std::set<const std::string*> bytes;
  Collect(read, bytes);
  WithOthersParked(bytes, work);
}

}  // namespace qconvert
