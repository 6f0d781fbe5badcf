// A layer with all that read it, where channels can be scaled between them.
#ifndef QCONVERT_SRC_TRANSFORM_EQUALIZED_GROUP_H_
#define QCONVERT_SRC_TRANSFORM_EQUALIZED_GROUP_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "equalized_layer.h"
#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/equalize_layers.h"

namespace qconvert {

struct EqualizedGroup {
  struct Reader {
    size_t layer = 0;
    size_t spread = 1;  // input channels for each output channel of the first
  };
  size_t first = 0;  // in the list of layers, like the readers
  std::vector<Reader> readers;
  std::vector<std::string> values;  // from the first's output to the readers' inputs
  std::vector<size_t> clips;        // nodes between with an upper bound
};

// Of every layer whose readers all take part, in the order of the layers. No value is in two.
std::vector<EqualizedGroup> FindEqualizedGroups(const Graph& graph, const Topology& topology,
                                                const std::vector<EqualizedLayer>& layers,
                                                const EqualizeOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_EQUALIZED_GROUP_H_
