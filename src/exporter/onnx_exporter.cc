#include "qconvert/exporter/onnx_exporter.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>
#include <variant>

#include "onnx-ml.pb.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/sha256.h"
#include "qconvert/onnx_proto/graph_proto.h"

namespace qconvert {
namespace {

constexpr int64_t kMaxMessage = (int64_t{1} << 31) - 1;
constexpr int64_t kMinExternalTensor = 1024;
constexpr int64_t kAlignment = 64;

int64_t TensorBytes(const Graph& graph);

int64_t TensorBytes(const Node& node) {
  int64_t total = 0;
  for (const auto& [key, attribute] : node.attributes) {
    if (const auto* tensor = std::get_if<Tensor>(&attribute.data)) total += tensor->byte_size();
  }
  for (const Graph* subgraph : SubgraphsOf(node)) total += TensorBytes(*subgraph);
  return total;
}

int64_t TensorBytes(const Graph& graph) {
  int64_t total = 0;
  for (const auto& [name, tensor] : graph.initializers) total += tensor.byte_size();
  for (const Node& node : graph.nodes) total += TensorBytes(node);
  return total;
}

bool IsExternal(const Tensor& tensor) {
  return tensor.type != DataType::kString && tensor.byte_size() >= kMinExternalTensor;
}

void AddEntry(onnx::TensorProto& proto, const char* key, const std::string& value) {
  auto* entry = proto.add_external_data();
  entry->set_key(key);
  entry->set_value(value);
}

// Hashes what it is given, and writes it too once a file is open: two passes over the same
// initializers.
struct DataWriter {
  Sha256 hash;
  AtomicFile* file = nullptr;
  std::string location;
  int64_t offset = 0;

  static bool Write(void* context, const Tensor& tensor, onnx::TensorProto& proto) {
    if (!IsExternal(tensor)) return false;
    static_cast<DataWriter*>(context)->Append(tensor, proto);
    return true;
  }

  void Append(const Tensor& tensor, onnx::TensorProto& proto) {
    const int64_t padding = (kAlignment - offset % kAlignment) % kAlignment;
    Put(std::string(static_cast<size_t>(padding), '\0'));
    if (!tensor.doc.empty()) proto.set_doc_string(tensor.doc);
    proto.set_data_type(static_cast<int32_t>(tensor.type));
    for (const int64_t dim : tensor.dims) proto.add_dims(dim);
    proto.set_data_location(onnx::TensorProto::EXTERNAL);
    AddEntry(proto, "location", location);
    AddEntry(proto, "offset", std::to_string(offset));
    AddEntry(proto, "length", std::to_string(tensor.byte_size()));
    Put(*tensor.bytes);
  }

  void Put(std::string_view bytes) {
    if (file != nullptr) {
      file->Write(bytes);
    } else {
      hash.Update(bytes);
    }
    offset += static_cast<int64_t>(bytes.size());
  }
};

std::string Serialize(const onnx::ModelProto& proto) {
  if (proto.ByteSizeLong() > static_cast<size_t>(kMaxMessage)) {
    throw Error(ExitCode::kResource, "", "the model passes the 2 GiB limit of a single ONNX file");
  }
  return proto.SerializeAsString();
}

ExportedFiles WriteWithData(const Model& model, const std::filesystem::path& target,
                            const ExportOptions& options) {
  DataWriter dry;
  {
    onnx::ModelProto discarded;
    WriteModel(model, discarded, {&DataWriter::Write, &dry});
  }
  DataWriter writer;
  writer.location =
      fmt::format("{}.{}.data", target.stem().string(), dry.hash.HexDigest().substr(0, 16));
  const std::filesystem::path data_path = target.parent_path() / writer.location;
  AtomicFile data(data_path);
  AtomicFile file(target);
  writer.file = &data;
  onnx::ModelProto proto;
  WriteModel(model, proto, {&DataWriter::Write, &writer});
  const std::string bytes = Serialize(proto);
  file.Write(bytes);
  file.Sync();
  const bool existed =
      std::filesystem::exists(data_path);  // then it has the same content: its name is its hash
  data.Commit();
  try {
    if (options.verify) options.verify(file.temporary_path());
    file.Commit();
  } catch (...) {
    std::error_code ignored;
    if (!existed) std::filesystem::remove(data_path, ignored);
    throw;
  }
  return {static_cast<int64_t>(bytes.size()) + writer.offset, data_path};
}

}  // namespace

std::string SerializeModel(const Model& model) {
  onnx::ModelProto proto;
  WriteModel(model, proto);
  return Serialize(proto);
}

EngineModel SerializeForEngine(const Model& model, int64_t threshold) {
  EngineModel out;
  if (TensorBytes(model.graph) <= threshold) {
    out.bytes = SerializeModel(model);
    return out;
  }
  struct Aside {
    const Graph& graph;
    std::vector<Tensor>& tensors;
  } aside{model.graph, out.external};
  // Only the type and shape of the tensor go into the message; the location is never opened. The
  // engine takes initializers of the top level alone from outside.
  const auto put_aside = [](void* context, const Tensor& tensor, onnx::TensorProto& proto) {
    auto& [graph, tensors] = *static_cast<Aside*>(context);
    if (!IsExternal(tensor) || graph.FindInitializer(tensor.name) != &tensor) return false;
    proto.set_data_type(static_cast<int32_t>(tensor.type));
    for (const int64_t dim : tensor.dims) proto.add_dims(dim);
    proto.set_data_location(onnx::TensorProto::EXTERNAL);
    AddEntry(proto, "location", "in-memory");
    tensors.push_back(tensor);
    return true;
  };
  onnx::ModelProto proto;
  WriteModel(model, proto, {put_aside, &aside});
  out.bytes = Serialize(proto);
  return out;
}

ExportedFiles ExportOnnx(const Model& model, const std::filesystem::path& target,
                         const ExportOptions& options) {
  if (options.external_data || TensorBytes(model.graph) > kExternalDataThreshold) {
    return WriteWithData(model, target, options);
  }
  const std::string bytes = SerializeModel(model);
  AtomicFile file(target);
  file.Write(bytes);
  file.Sync();
  if (options.verify) options.verify(file.temporary_path());
  file.Commit();
  return {static_cast<int64_t>(bytes.size()), {}};
}

}  // namespace qconvert
