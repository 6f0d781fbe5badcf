#include "qconvert/exporter/onnx_exporter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "onnx-ml.pb.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/provisional.h"
#include "qconvert/base/sha256.h"
#include "qconvert/base/signals.h"
#include "qconvert/exporter/written_bytes.h"
#include "qconvert/ir/topology.h"
#include "qconvert/onnx_proto/graph_proto.h"

namespace qconvert {
namespace {

constexpr int64_t kMaxMessage = (int64_t{1} << 31) - 1;
constexpr int64_t kMinExternalTensor = 1024;
constexpr int64_t kMinFedTensor = int64_t{1} << 20;
constexpr int64_t kAlignment = 64;
constexpr int64_t kMostLengthBytes = 10;  // of the lengths of a tensor in a message
constexpr size_t kHashDigits = 16;
constexpr std::string_view kDataSuffix = ".data";
constexpr uintmax_t kMaxWithoutWeights = uintmax_t{256} << 20;  // bytes of a model with a data file

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

// Small ones stay in the message, where shape inference looks for constants.
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
  // Asked first: protobuf would return an empty string.
  if (proto.ByteSizeLong() > static_cast<size_t>(kMaxMessage)) {
    throw Error(ExitCode::kResource, "", "the model passes the 2 GiB limit of a single ONNX file");
  }
  return proto.SerializeAsString();
}

void Commit(AtomicFile& file, const ExportOptions& options) {
  std::vector<AtomicFile*> files = {&file};
  files.insert(files.end(), options.companions.begin(), options.companions.end());
  CommitTogether(files);
}

// Whether WriteWithData may have given a data file of `target` this name.
bool IsDataFileName(const std::string& name, const std::filesystem::path& target) {
  const std::string start = target.stem().string() + ".";
  return name.size() == start.size() + kHashDigits + kDataSuffix.size() &&
         name.starts_with(start) && name.ends_with(kDataSuffix) &&
         name.find_first_not_of("0123456789abcdef", start.size()) == start.size() + kHashDigits;
}

// The data file of `target` that an initializer of the graph or of a body in it lies in; "": none.
// The parser has bounded how deep bodies lie in each other.
std::string DataFileName(const onnx::GraphProto& graph, const std::filesystem::path& target) {
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    for (const auto& entry : tensor.external_data())
      if (entry.key() == "location" && IsDataFileName(entry.value(), target)) return entry.value();
  }
  for (const onnx::NodeProto& node : graph.node()) {
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      // All weights may stand in bodies.
      std::string name = attribute.has_g() ? DataFileName(attribute.g(), target) : "";
      if (!name.empty()) return name;
    }
  }
  return "";
}

// The data file that an earlier export to `target` made; empty: none.
std::filesystem::path EarlierDataFile(const std::filesystem::path& target) {
  std::error_code error;
  onnx::ModelProto proto;
  if (!std::filesystem::is_regular_file(target, error) ||
      std::filesystem::file_size(target, error) > kMaxWithoutWeights ||
      !proto.ParseFromString(ReadFile(target))) {
    return {};
  }
  const std::string name = DataFileName(proto.graph(), target);
  return name.empty() ? std::filesystem::path() : target.parent_path() / name;
}

void RemoveStale(const std::filesystem::path& data_file, const ExportOptions& options) {
  // The float model may have its weights there.
  for (const std::filesystem::path& input : options.inputs)
    if (SameFile(data_file, input)) return;
  std::error_code ignored;
  std::filesystem::remove(data_file, ignored);
}

ExportedFiles WriteWhole(const Model& model, const std::filesystem::path& target,
                         const ExportOptions& options) {
  AtomicFile file(target);
  int64_t all_bytes = 0;
  {
    // Not in memory while `verify` reads the file: large models are there often enough then.
    const std::string bytes = SerializeModel(model);
    file.Write(bytes);
    all_bytes = std::ssize(bytes);
  }
  file.Sync();
  if (options.verify) options.verify(file.temporary_path(), all_bytes);
  Commit(file, options);
  return {all_bytes, {}};
}

ExportedFiles WriteWithData(const Model& model, const std::filesystem::path& target,
                            const ExportOptions& options) {
  // The file's name is the hash of its content, which only a first pass gives.
  DataWriter dry;
  {
    onnx::ModelProto discarded;
    WriteModel(model, discarded, {&DataWriter::Write, &dry});
  }
  // Nothing is large enough to lie outside: no model would name the file.
  if (dry.offset == 0) return WriteWhole(model, target, options);
  DataWriter writer;
  writer.location = fmt::format("{}.{}{}", target.stem().string(),
                                dry.hash.HexDigest().substr(0, kHashDigits), kDataSuffix);
  const std::filesystem::path data_path = target.parent_path() / writer.location;
  std::error_code error;
  // What is there already has the same content: its name is its hash.
  Provisional until_commit;
  if (!std::filesystem::exists(data_path, error)) until_commit = Provisional(data_path);
  AtomicFile data(data_path);
  AtomicFile file(target);
  writer.file = &data;
  onnx::ModelProto proto;
  WriteModel(model, proto, {&DataWriter::Write, &writer});
  const std::string bytes = Serialize(proto);
  file.Write(bytes);
  file.Sync();
  // The data file comes first: a model must never stand there without it.
  data.Commit();
  // `verify` may take minutes: a signal may end the run again, and the data file goes with it.
  ReleaseSignals();
  const int64_t all_bytes = static_cast<int64_t>(bytes.size()) + writer.offset;
  if (options.verify) options.verify(file.temporary_path(), all_bytes);
  Commit(file, options);
  until_commit.Keep();
  return {all_bytes, data_path};
}

// Kernels that do as well with weights that are no constants, or nearly, and no fusion of the
// engine needs. Of Conv the engine makes a blocked copy otherwise.
bool TakesFedWeights(const Node& node) {
  return node.Is("MatMul") || node.Is("Gemm") || node.Is("Gather") || node.Is("Conv");
}

std::set<std::string> FindFedWeights(const Graph& graph) {
  const Topology topology(graph);
  std::set<std::string> fed;
  for (const auto& [name, tensor] : graph.initializers) {
    if (tensor.byte_size() < kMinFedTensor || !IsFloatingPoint(tensor.type)) continue;
    const std::vector<Use>& uses = topology.Uses(name);
    if (!uses.empty() && !topology.IsGraphOutput(name) &&
        std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
          return use.slot != Use::kCaptured && TakesFedWeights(graph.nodes[use.node]);
        }))
      fed.insert(name);
  }
  for (const Value& input : graph.inputs) fed.erase(input.name);  // may be fed by the user
  return fed;
}

}  // namespace

std::string SerializeModel(const Model& model) {
  onnx::ModelProto proto;
  WriteModel(model, proto);
  return Serialize(proto);
}

int64_t WrittenBytes(const Model& model) {
  int64_t bytes = 0;
  const auto leave_out = [](void* sum, const Tensor& tensor, onnx::TensorProto& proto) {
    if (!IsExternal(tensor)) return false;
    if (!tensor.doc.empty()) proto.set_doc_string(tensor.doc);
    proto.set_data_type(static_cast<int32_t>(tensor.type));
    for (const int64_t dim : tensor.dims) proto.add_dims(dim);
    *static_cast<int64_t*>(sum) += tensor.byte_size() + kMostLengthBytes;
    return true;
  };
  onnx::ModelProto proto;
  WriteModel(model, proto, {leave_out, &bytes});
  return bytes + static_cast<int64_t>(proto.ByteSizeLong());
}

EngineModel SerializeForEngine(const Model& model, int64_t threshold) {
  EngineModel out;
  if (TensorBytes(model.graph) <= threshold) {
    out.bytes = SerializeModel(model);
    return out;
  }
  struct Aside {
    const Graph& graph;
    const Topology topology;
    std::vector<Tensor>& tensors;
  } aside{model.graph, Topology(model.graph), out.external};
  // Only the type and shape of the tensor go into the message; the location is never opened. The
  // engine takes initializers of the top level alone from outside, and drops those that no node
  // reads before it looks for them.
  const auto put_aside = [](void* context, const Tensor& tensor, onnx::TensorProto& proto) {
    auto& [graph, topology, tensors] = *static_cast<Aside*>(context);
    // By address: an initializer of a body may have the same name.
    if (!IsExternal(tensor) || graph.FindInitializer(tensor.name) != &tensor) return false;
    if (topology.Uses(tensor.name).empty()) return false;
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

EngineModel SerializeForFewRuns(const Model& model, int64_t large) {
  if (TensorBytes(model.graph) < large) return SerializeForEngine(model);
  Model shown = model;  // shares the bytes of tensors
  std::vector<Tensor> fed;
  for (const std::string& name : FindFedWeights(model.graph)) {
    const auto it = shown.graph.initializers.find(name);
    std::vector<Dim> shape;
    for (const int64_t dim : it->second.dims) shape.push_back({dim, {}});
    shown.graph.inputs.push_back({name, {it->second.type, std::move(shape), {}}, {}, {}});
    fed.push_back(std::move(it->second));
    shown.graph.initializers.erase(it);
  }
  EngineModel out = SerializeForEngine(shown);
  out.fed = std::move(fed);
  return out;
}

bool HoldsItsHash(const std::filesystem::path& data_file) {
  const std::filesystem::path model = data_file.stem();  // "net.0123456789abcdef"
  if (!IsDataFileName(data_file.filename().string(), model)) return true;
  Sha256 hash;
  hash.UpdateFile(InputFile(data_file));
  return "." + hash.HexDigest().substr(0, kHashDigits) == model.extension().string();
}

ExportedFiles ExportOnnx(const Model& model, const std::filesystem::path& target,
                         const ExportOptions& options) {
  // Beside the file itself: that is where the engine looks for the data of a model behind a link.
  const std::filesystem::path file = FollowLinks(target);
  const std::filesystem::path earlier = EarlierDataFile(file);
  const bool external = options.external_data || TensorBytes(model.graph) > kExternalDataThreshold;
  ExportedFiles files =
      external ? WriteWithData(model, file, options) : WriteWhole(model, file, options);
  if (!earlier.empty() && earlier != files.data_file) RemoveStale(earlier, options);
  return files;
}

}  // namespace qconvert
