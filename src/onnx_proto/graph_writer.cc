#include <type_traits>
#include <variant>

#include "onnx-ml.pb.h"
#include "qconvert/onnx_proto/graph_proto.h"

namespace qconvert {
namespace {

template <typename Field>
void WriteMetadata(const Metadata& metadata, Field* field) {
  for (const auto& [key, value] : metadata) {
    auto* entry = field->Add();
    entry->set_key(key);
    entry->set_value(value);
  }
}

template <typename Field>
void WriteOpaque(const std::vector<std::string>& messages, Field* field) {
  for (const std::string& bytes : messages) field->Add()->ParseFromString(bytes);
}

class Writer {
 public:
  explicit Writer(const WriteOptions& options) : options_(options) {}

  void Write(const Model& model, onnx::ModelProto& proto) const {
    proto.set_ir_version(model.ir_version);
    // A field that was set counts as there, an empty one too: what the file did not have stays
    // absent.
    if (!model.producer_name.empty()) proto.set_producer_name(model.producer_name);
    if (!model.producer_version.empty()) proto.set_producer_version(model.producer_version);
    if (!model.domain.empty()) proto.set_domain(model.domain);
    if (model.model_version != 0) proto.set_model_version(model.model_version);
    if (!model.doc.empty()) proto.set_doc_string(model.doc);
    WriteMetadata(model.metadata, proto.mutable_metadata_props());
    WriteOpsets(model.opsets, proto.mutable_opset_import());
    WriteOpaque(model.training_info, proto.mutable_training_info());
    WriteOpaque(model.configurations, proto.mutable_configuration());
    WriteGraph(model.graph, *proto.mutable_graph());
    for (const Function& function : model.functions)
      WriteFunction(function, *proto.add_functions());
  }

 private:
  template <typename Field>
  static void WriteOpsets(const std::map<std::string, int64_t>& opsets, Field* field) {
    for (const auto& [domain, version] : opsets) {
      auto* opset = field->Add();
      opset->set_domain(domain);
      opset->set_version(version);
    }
  }

  static void WriteValue(const Value& value, onnx::ValueInfoProto& proto) {
    proto.set_name(value.name);
    if (!value.doc.empty()) proto.set_doc_string(value.doc);
    WriteMetadata(value.metadata, proto.mutable_metadata_props());
    const ValueType& type = value.type;
    if (!type.opaque.empty()) {
      // Sequences, maps and what this program does not know go out as they came in.
      proto.mutable_type()->ParseFromString(type.opaque);
      return;
    }
    // Not known: readers infer it.
    if (type.element == DataType::kUndefined) return;
    auto* tensor = proto.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(static_cast<int32_t>(type.element));
    if (!type.shape) return;
    auto* shape = tensor->mutable_shape();
    for (const Dim& dim : *type.shape) {
      // One without number and symbol is unknown, which counts as a dimension all the same.
      auto* out = shape->add_dim();
      if (dim.known()) out->set_dim_value(dim.value);
      if (!dim.known() && !dim.symbol.empty()) out->set_dim_param(dim.symbol);
    }
  }

  void WriteInitializer(const Tensor& tensor, onnx::TensorProto& proto) const {
    // External data is the exporter's matter: it may put the bytes elsewhere.
    if (options_.write_initializer != nullptr &&
        options_.write_initializer(options_.context, tensor, proto)) {
      return;
    }
    WriteTensor(tensor, proto);
  }

  void WriteGraph(const Graph& graph, onnx::GraphProto& proto) const {
    // ONNX asks for a name.
    proto.set_name(graph.name.empty() ? "graph" : graph.name);
    if (!graph.doc.empty()) proto.set_doc_string(graph.doc);
    WriteMetadata(graph.metadata, proto.mutable_metadata_props());
    WriteOpaque(graph.quantization_annotations, proto.mutable_quantization_annotation());
    for (const Value& value : graph.inputs) WriteValue(value, *proto.add_input());
    for (const Value& value : graph.outputs) WriteValue(value, *proto.add_output());
    for (const auto& [name, value] : graph.value_info) WriteValue(value, *proto.add_value_info());
    for (const auto& [name, tensor] : graph.initializers) {
      auto* initializer = proto.add_initializer();
      WriteInitializer(tensor, *initializer);
      // By the key: a tensor may have come from another name.
      initializer->set_name(name);
    }
    for (const SparseTensor& sparse : graph.sparse_initializers) {
      WriteSparseTensor(sparse, *proto.add_sparse_initializer());
    }
    for (const Node& node : graph.nodes) WriteNode(node, *proto.add_node());
  }

  void WriteNode(const Node& node, onnx::NodeProto& proto) const {
    if (!node.name.empty()) proto.set_name(node.name);
    if (!node.domain.empty()) proto.set_domain(node.domain);
    if (!node.overload.empty()) proto.set_overload(node.overload);
    if (!node.doc.empty()) proto.set_doc_string(node.doc);
    proto.set_op_type(node.op_type);
    for (const std::string& input : node.inputs) proto.add_input(input);
    for (const std::string& output : node.outputs) proto.add_output(output);
    // Sorted by name, as everything that is a map here: the same model gives the same bytes.
    for (const auto& [key, attribute] : node.attributes)
      WriteAttribute(key, attribute, *proto.add_attribute());
    WriteMetadata(node.metadata, proto.mutable_metadata_props());
    WriteOpaque(node.device_configurations, proto.mutable_device_configurations());
  }

  void WriteAttribute(const std::string& key, const Attribute& attribute,
                      onnx::AttributeProto& proto) const {
    using A = onnx::AttributeProto;
    // Parsing an opaque attribute replaces the whole message: nothing may be set before.
    const auto visit = [&](const auto& value) {
      using T = std::decay_t<decltype(value)>;
      if constexpr (std::is_same_v<T, OpaqueAttribute>) {
        proto.ParseFromString(value.bytes);
      } else if constexpr (std::is_same_v<T, float>) {
        proto.set_type(A::FLOAT);
        proto.set_f(value);
      } else if constexpr (std::is_same_v<T, int64_t>) {
        proto.set_type(A::INT);
        proto.set_i(value);
      } else if constexpr (std::is_same_v<T, std::string>) {
        proto.set_type(A::STRING);
        proto.set_s(value);
      } else if constexpr (std::is_same_v<T, Tensor>) {
        proto.set_type(A::TENSOR);
        WriteTensor(value, *proto.mutable_t());
      } else if constexpr (std::is_same_v<T, SparseTensor>) {
        proto.set_type(A::SPARSE_TENSOR);
        WriteSparseTensor(value, *proto.mutable_sparse_tensor());
      } else if constexpr (std::is_same_v<T, Subgraph>) {
        proto.set_type(A::GRAPH);
        WriteGraph(value.graph(), *proto.mutable_g());
      } else {
        WriteList(value, proto);
      }
    };
    std::visit(visit, attribute.data);
    // After the data: parsing an opaque attribute replaces the whole message.
    proto.set_name(key);
    if (!attribute.doc.empty()) proto.set_doc_string(attribute.doc);
  }

  template <typename T>
  void WriteList(const std::vector<T>& values, onnx::AttributeProto& proto) const {
    using A = onnx::AttributeProto;
    for (const T& value : values) {
      if constexpr (std::is_same_v<T, float>) proto.add_floats(value);
      if constexpr (std::is_same_v<T, int64_t>) proto.add_ints(value);
      if constexpr (std::is_same_v<T, std::string>) proto.add_strings(value);
      if constexpr (std::is_same_v<T, Tensor>) WriteTensor(value, *proto.add_tensors());
      if constexpr (std::is_same_v<T, SparseTensor>)
        WriteSparseTensor(value, *proto.add_sparse_tensors());
      if constexpr (std::is_same_v<T, Subgraph>) WriteGraph(value.graph(), *proto.add_graphs());
    }
    // Outside the loop: an empty list has a type too.
    if constexpr (std::is_same_v<T, float>) proto.set_type(A::FLOATS);
    if constexpr (std::is_same_v<T, int64_t>) proto.set_type(A::INTS);
    if constexpr (std::is_same_v<T, std::string>) proto.set_type(A::STRINGS);
    if constexpr (std::is_same_v<T, Tensor>) proto.set_type(A::TENSORS);
    if constexpr (std::is_same_v<T, SparseTensor>) proto.set_type(A::SPARSE_TENSORS);
    if constexpr (std::is_same_v<T, Subgraph>) proto.set_type(A::GRAPHS);
  }

  void WriteFunction(const Function& function, onnx::FunctionProto& proto) const {
    proto.set_name(function.name);
    proto.set_domain(function.domain);
    if (!function.overload.empty()) proto.set_overload(function.overload);
    if (!function.doc.empty()) proto.set_doc_string(function.doc);
    for (const std::string& input : function.inputs) proto.add_input(input);
    for (const std::string& output : function.outputs) proto.add_output(output);
    for (const std::string& name : function.attribute_names) proto.add_attribute(name);
    for (const auto& [key, value] : function.attribute_defaults) {
      WriteAttribute(key, value, *proto.add_attribute_proto());
    }
    for (const Node& node : function.nodes) WriteNode(node, *proto.add_node());
    WriteOpsets(function.opsets, proto.mutable_opset_import());
    for (const Value& value : function.value_info) WriteValue(value, *proto.add_value_info());
    WriteMetadata(function.metadata, proto.mutable_metadata_props());
  }

  const WriteOptions& options_;
};

}  // namespace

void WriteModel(const Model& model, onnx::ModelProto& proto, const WriteOptions& options) {
  Writer(options).Write(model, proto);
}

}  // namespace qconvert
