// One rewrite per operator and version in which its meaning changed. Source: the operators' version
// histories in the ONNX standard (docs/Changelog), for opsets 8 to 13.
#ifndef QCONVERT_SRC_TRANSFORM_OPSET_ADAPTERS_H_
#define QCONVERT_SRC_TRANSFORM_OPSET_ADAPTERS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

// What an adapter may use while it rewrites one node.
struct AdapterContext {
  NameMaker& names;
  // Adds a tensor that the node's scope can read, and returns its name.
  std::function<std::string(Tensor)> add_constant;
  // Declared type of a value of this scope, or nullptr.
  std::function<const ValueType*(const std::string&)> type_of;
  std::function<const Tensor*(const std::string&)> constant;
};

// Changes `node` to its meaning in the new version and returns the nodes that replace it (often
// just itself). Throws AdapterRefusal when there is no equivalent.
using OpsetAdapter = std::vector<Node> (*)(Node node, AdapterContext& context);

// Why a node has no equivalent; the driver adds the place.
struct AdapterRefusal {
  std::string reason;
};

struct OpsetAdapterRow {
  std::string_view op_type;
  int64_t version;  // the opset that changed the meaning
  OpsetAdapter adapt;
};

const std::vector<OpsetAdapterRow>& OpsetAdapters();

}  // namespace qconvert

#endif  // QCONVERT_SRC_TRANSFORM_OPSET_ADAPTERS_H_
