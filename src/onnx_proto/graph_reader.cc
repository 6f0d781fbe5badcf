#include <fmt/format.h>

#include <utility>

#include "onnx-ml.pb.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/graph_validator.h"
#include "qconvert/onnx_proto/graph_proto.h"

namespace qconvert {
namespace {

template <typename Field>
Metadata ReadMetadata(const Field& field) {
  Metadata out;
  for (const auto& entry : field) out.emplace_back(entry.key(), entry.value());
  return out;
}

template <typename Field>
std::vector<std::string> ReadStrings(const Field& field) {
  return {field.begin(), field.end()};
}

template <typename Field>
// Messages that nobody here looks into, to be passed through.
std::vector<std::string> ReadOpaque(const Field& field) {
  std::vector<std::string> out;
  for (const auto& message : field) out.push_back(message.SerializeAsString());
  return out;
}

// Both spellings name the standard operators; one of them is compared with everywhere.
std::string NormalDomain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

class Reader {
 public:
  Reader(TensorReader& tensors, const std::string& place) : tensors_(tensors), place_(place) {}

  Model Read(onnx::ModelProto& proto) {
    Model model;
    model.ir_version = proto.ir_version();
    model.producer_name = proto.producer_name();
    model.producer_version = proto.producer_version();
    model.domain = proto.domain();
    model.model_version = proto.model_version();
    model.doc = proto.doc_string();
    model.metadata = ReadMetadata(proto.metadata_props());
    model.opsets = ReadOpsets(proto.opset_import());
    model.training_info = ReadOpaque(proto.training_info());
    model.configurations = ReadOpaque(proto.configuration());
    if (!proto.has_graph()) Fail("has no graph, expected an ONNX model");
    model.graph = ReadGraph(*proto.mutable_graph(), 1);
    for (auto& function : *proto.mutable_functions())
      model.functions.push_back(ReadFunction(function));
    return model;
  }

 private:
  [[noreturn]] void Fail(const std::string& message) const {
    throw Error(ExitCode::kModel, place_, message);
  }

  template <typename Field>
  std::map<std::string, int64_t> ReadOpsets(const Field& field) const {
    std::map<std::string, int64_t> opsets;
    for (const auto& opset : field) {
      const std::string domain = NormalDomain(opset.domain());
      // Tools that merge models list the imports of both; the engine takes equal ones too.
      const auto [known, is_new] = opsets.emplace(domain, opset.version());
      if (!is_new && known->second != opset.version()) {
        Fail(fmt::format("imports domain \"{}\" twice, as versions {} and {}",
                         domain.empty() ? "ai.onnx" : domain, known->second, opset.version()));
      }
    }
    return opsets;
  }

  ValueType ReadType(const onnx::TypeProto& proto, const std::string& name) const {
    ValueType type;
    if (!proto.has_tensor_type()) {
      type.opaque = proto.SerializeAsString();
      return type;
    }
    const auto& tensor = proto.tensor_type();
    const std::optional<DataType> element = DataTypeFromNumber(tensor.elem_type());
    if (!element) {
      Fail(fmt::format("value \"{}\" has element type {}, which ONNX does not know", name,
                       tensor.elem_type()));
    }
    type.element = *element;
    if (!tensor.has_shape()) return type;
    if (tensor.shape().dim_size() > kMaxRank) {
      Fail(fmt::format("value \"{}\" has rank {}, expected at most {}", name,
                       tensor.shape().dim_size(), kMaxRank));
    }
    type.shape.emplace();
    for (const auto& dim : tensor.shape().dim()) {
      Dim& out = type.shape->emplace_back();
      // Some exporters write -1 for an unknown dimension.
      if (dim.has_dim_value()) out.value = dim.dim_value() < 0 ? -1 : dim.dim_value();
      if (dim.has_dim_param()) out.symbol = dim.dim_param();
    }
    return type;
  }

  Value ReadValue(const onnx::ValueInfoProto& proto) const {
    return {proto.name(), ReadType(proto.type(), proto.name()), proto.doc_string(),
            ReadMetadata(proto.metadata_props())};
  }

  Graph ReadGraph(onnx::GraphProto& proto, int depth) {
    // Every level is a call of this function: a deep file must not take the stack.
    if (depth > kMaxGraphDepth) {
      Fail(fmt::format("subgraphs are nested deeper than {} levels", kMaxGraphDepth));
    }
    Graph graph;
    graph.name = proto.name();
    graph.doc = proto.doc_string();
    graph.metadata = ReadMetadata(proto.metadata_props());
    graph.quantization_annotations = ReadOpaque(proto.quantization_annotation());
    for (const auto& value : proto.input()) graph.inputs.push_back(ReadValue(value));
    for (const auto& value : proto.output()) graph.outputs.push_back(ReadValue(value));
    // Of a value that is declared twice the last one holds.
    for (const auto& value : proto.value_info()) graph.value_info[value.name()] = ReadValue(value);
    for (auto& tensor : *proto.mutable_initializer()) {
      Tensor read = tensors_.Read(tensor);
      if (read.name.empty()) Fail("an initializer has no name");
      const std::string name = read.name;
      // The engine would take the last, a reader by name the first.
      if (!graph.initializers.emplace(name, std::move(read)).second) {
        Fail(fmt::format("two initializers are named \"{}\"", name));
      }
    }
    for (auto& sparse : *proto.mutable_sparse_initializer()) {
      graph.sparse_initializers.push_back(tensors_.Read(sparse));
    }
    graph.nodes.reserve(static_cast<size_t>(proto.node_size()));
    for (auto& node : *proto.mutable_node()) graph.nodes.push_back(ReadNode(node, depth));
    return graph;
  }

  Node ReadNode(onnx::NodeProto& proto, int depth) {
    Node node;
    node.name = proto.name();
    node.domain = NormalDomain(proto.domain());
    node.op_type = proto.op_type();
    node.overload = proto.overload();
    node.inputs = ReadStrings(proto.input());
    node.outputs = ReadStrings(proto.output());
    // Some exporters list every optional output; engines have died of the empty names.
    while (node.outputs.size() > 1 && node.outputs.back().empty()) node.outputs.pop_back();
    node.doc = proto.doc_string();
    node.metadata = ReadMetadata(proto.metadata_props());
    node.device_configurations = ReadOpaque(proto.device_configurations());
    for (auto& attribute : *proto.mutable_attribute()) {
      const std::string name = attribute.name();
      if (!node.attributes.emplace(name, ReadAttribute(attribute, depth)).second) {
        Fail(fmt::format("node \"{}\" ({}) gives attribute \"{}\" twice", node.name, node.op_type,
                         name));
      }
    }
    return node;
  }

  Attribute ReadAttribute(onnx::AttributeProto& proto, int depth) {
    Attribute attribute;
    attribute.reference = proto.ref_attr_name();
    attribute.doc = proto.doc_string();
    attribute.data = ReadAttributeData(proto, depth);
    return attribute;
  }

  Attribute::Data ReadAttributeData(onnx::AttributeProto& proto, int depth) {
    using A = onnx::AttributeProto;
    // A reference has no value of its own, only that of the function's caller.
    if (!proto.ref_attr_name().empty()) return OpaqueAttribute{proto.SerializeAsString()};
    switch (DeclaredType(proto)) {
      case A::FLOAT:
        return proto.f();
      case A::INT:
        return int64_t{proto.i()};
      case A::STRING:
        return proto.s();
      // Mutable from here on: payloads are taken out, never held twice.
      case A::TENSOR:
        return tensors_.Read(*proto.mutable_t());
      case A::SPARSE_TENSOR:
        return tensors_.Read(*proto.mutable_sparse_tensor());
      case A::GRAPH:
        return Subgraph(ReadGraph(*proto.mutable_g(), depth + 1));
      case A::FLOATS:
        return std::vector<float>(proto.floats().begin(), proto.floats().end());
      case A::INTS:
        return std::vector<int64_t>(proto.ints().begin(), proto.ints().end());
      case A::STRINGS:
        return ReadStrings(proto.strings());
      case A::TENSORS: {
        std::vector<Tensor> out;
        for (auto& tensor : *proto.mutable_tensors()) out.push_back(tensors_.Read(tensor));
        return out;
      }
      case A::SPARSE_TENSORS: {
        std::vector<SparseTensor> out;
        for (auto& tensor : *proto.mutable_sparse_tensors()) out.push_back(tensors_.Read(tensor));
        return out;
      }
      case A::GRAPHS: {
        std::vector<Subgraph> out;
        for (auto& graph : *proto.mutable_graphs()) out.emplace_back(ReadGraph(graph, depth + 1));
        return out;
      }
      // What is not looked into goes out as it came in.
      default:
        return OpaqueAttribute{proto.SerializeAsString()};
    }
  }

  // Files of IR version 1 leave the type out; then the one field in use tells.
  onnx::AttributeProto::AttributeType DeclaredType(const onnx::AttributeProto& proto) const {
    using A = onnx::AttributeProto;
    if (proto.type() != A::UNDEFINED) return proto.type();
    if (proto.has_f()) return A::FLOAT;
    if (proto.has_i()) return A::INT;
    if (proto.has_s()) return A::STRING;
    if (proto.has_t()) return A::TENSOR;
    if (proto.has_g()) return A::GRAPH;
    if (proto.floats_size() > 0) return A::FLOATS;
    if (proto.ints_size() > 0) return A::INTS;
    if (proto.strings_size() > 0) return A::STRINGS;
    Fail(fmt::format("attribute \"{}\" has no type", proto.name()));
  }

  Function ReadFunction(onnx::FunctionProto& proto) {
    Function function;
    function.name = proto.name();
    function.domain = NormalDomain(proto.domain());
    function.overload = proto.overload();
    function.doc = proto.doc_string();
    function.inputs = ReadStrings(proto.input());
    function.outputs = ReadStrings(proto.output());
    function.attribute_names = ReadStrings(proto.attribute());
    function.opsets = ReadOpsets(proto.opset_import());
    function.metadata = ReadMetadata(proto.metadata_props());
    for (const auto& value : proto.value_info()) function.value_info.push_back(ReadValue(value));
    for (auto& attribute : *proto.mutable_attribute_proto()) {
      const std::string name = attribute.name();
      function.attribute_defaults.emplace(name, ReadAttribute(attribute, 1));
    }
    for (auto& node : *proto.mutable_node()) function.nodes.push_back(ReadNode(node, 1));
    return function;
  }

  TensorReader& tensors_;
  const std::string& place_;
};

}  // namespace

Model ReadModel(onnx::ModelProto& proto, TensorReader& tensors, const std::string& place) {
  return Reader(tensors, place).Read(proto);
}

}  // namespace qconvert
