#include "qconvert/ir/pool_window.h"

#include "qconvert/ir/value_types.h"

namespace qconvert {

std::vector<int64_t> AverageWindow(const Graph& graph, const Node& node) {
  if (node.Is("AveragePool")) {
    const std::vector<int64_t>* kernel = node.FindInts("kernel_shape");
    return kernel == nullptr ? std::vector<int64_t>{} : *kernel;
  }
  std::vector<int64_t> window;
  if (!node.Is("GlobalAveragePool")) return window;
  const std::vector<Dim>* shape = FindShape(graph, node.inputs[0]);
  if (shape == nullptr) return window;
  // Axes behind batch and channels.
  for (size_t d = 2; d < shape->size(); ++d) {
    if (!(*shape)[d].known()) return {};
    window.push_back((*shape)[d].value);
  }
  return window;
}

}  // namespace qconvert
