// ONNX ModelProto <-> Model, and the wire-level checks that run before any message object grows.
#ifndef QCONVERT_ONNX_PROTO_GRAPH_PROTO_H_
#define QCONVERT_ONNX_PROTO_GRAPH_PROTO_H_

#include <string>

#include "qconvert/ir/graph.h"
#include "qconvert/onnx_proto/tensor_proto.h"

namespace onnx {
class ModelProto;
class GraphProto;
}  // namespace onnx

namespace qconvert {

// Moves everything out of `proto`. Throws Error(kModel) naming `place` on duplicate initializers,
// attributes without a usable type, values without a type, and whatever TensorReader refuses.
Model ReadModel(onnx::ModelProto& proto, TensorReader& tensors, const std::string& place);

// Initializers for which `write_initializer` returns true have been written by it; others go
// through WriteTensor.
struct WriteOptions {
  // Called for every initializer of every level with its (still empty) message; see exporter for
  // external data.
  bool (*write_initializer)(void* context, const Tensor& tensor,
                            onnx::TensorProto& proto) = nullptr;
  void* context = nullptr;
};
void WriteModel(const Model& model, onnx::ModelProto& proto, const WriteOptions& options = {});

}  // namespace qconvert

#endif  // QCONVERT_ONNX_PROTO_GRAPH_PROTO_H_
