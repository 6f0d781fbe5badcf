// The beginning of a serialized model: to find the node that an engine dies of.
#ifndef QCONVERT_ONNX_PROTO_FIRST_NODES_H_
#define QCONVERT_ONNX_PROTO_FIRST_NODES_H_

#include <cstddef>
#include <string>

namespace qconvert {

// Nodes of the main graph; 0 for bytes that are no model.
size_t CountNodes(const std::string& model);

// "node half (Div)"; a node without a name goes by its first output.
std::string DescribeNode(const std::string& model, size_t node);

// The model of its first `count` nodes: what they write and none of them reads is what it gives.
// With all nodes the model as it is. `model` must be one that CountNodes counts.
std::string FirstNodes(const std::string& model, size_t count);

}  // namespace qconvert

#endif  // QCONVERT_ONNX_PROTO_FIRST_NODES_H_
