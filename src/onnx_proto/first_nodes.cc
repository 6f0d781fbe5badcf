#include "qconvert/onnx_proto/first_nodes.h"

#include <fmt/format.h>

#include <string>
#include <unordered_set>

#include "onnx-ml.pb.h"
#include "qconvert/base/check.h"

namespace qconvert {
namespace {

onnx::ModelProto Parse(const std::string& model) {
  onnx::ModelProto proto;
  QCONVERT_CHECK(proto.ParseFromString(model));
  return proto;
}

}  // namespace

size_t CountNodes(const std::string& model) {
  onnx::ModelProto proto;
  return proto.ParseFromString(model) ? static_cast<size_t>(proto.graph().node_size()) : 0;
}

std::string DescribeNode(const std::string& model, size_t node) {
  const onnx::ModelProto whole = Parse(model);
  const onnx::NodeProto& proto = whole.graph().node(static_cast<int>(node));
  const bool has_label = !proto.name().empty() || proto.output_size() > 0;
  return fmt::format("node {} ({})",
                     !has_label             ? "without a name"
                     : proto.name().empty() ? proto.output(0)
                                            : proto.name(),
                     proto.op_type());
}

std::string FirstNodes(const std::string& model, size_t count) {
  onnx::ModelProto proto = Parse(model);
  onnx::GraphProto& graph = *proto.mutable_graph();
  const int all = graph.node_size();
  const int kept = static_cast<int>(count);
  if (kept >= all) return model;
  graph.mutable_node()->DeleteSubrange(kept, all - kept);
  // What bodies alone read counts as unread: one output more does no harm.
  std::unordered_set<std::string> read;
  for (const onnx::NodeProto& node : graph.node())
    read.insert(node.input().begin(), node.input().end());
  graph.clear_output();
  for (const onnx::NodeProto& node : graph.node()) {
    for (const std::string& output : node.output())
      // Without a type: the engine infers it.
      if (!output.empty() && !read.contains(output)) graph.add_output()->set_name(output);
  }
  return proto.SerializeAsString();
}

}  // namespace qconvert
