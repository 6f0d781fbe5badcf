#include "qconvert/loader/onnx_loader.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "onnx-ml.pb.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/sha256.h"
#include "qconvert/ir/graph_validator.h"
#include "qconvert/onnx_proto/graph_proto.h"

namespace qconvert {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr int64_t kMaxModelFile = (int64_t{1} << 31) - 1;  // protobuf's own limit
constexpr size_t kMaxValues = 2 * kMaxNodes;
// Parts of graphs and nodes, names included: ten for each of the million nodes.
constexpr size_t kMaxMessages = 10'000'000;

// What a file holds, counted on the wire before message objects grow: two bytes of an empty message
// become hundreds in memory.
class WireCounter {
 public:
  // Malformed input ends the count; the parser reports it.
  void CountModel(std::string_view bytes) {
    // The size fits: ReadFile lets nothing above kMaxModelFile pass.
    CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                        static_cast<int>(bytes.size()));
    in.SetTotalBytesLimit(std::numeric_limits<int>::max());
    Walk(in, Kind::kModel);
  }
  size_t nodes() const { return nodes_; }
  size_t values() const { return values_; }  // initializers, declared values, the model's entries
  size_t messages() const { return messages_; }

 private:
  enum class Kind { kModel, kTraining, kFunction, kGraph, kNode, kAttribute, kLeaf };

  // What a field of a message holds, as far as it is looked into.
  static Kind KindOf(Kind parent, int field) {
    using M = onnx::ModelProto;
    using A = onnx::AttributeProto;
    using T = onnx::TrainingInfoProto;
    switch (parent) {
      case Kind::kModel:
        return field == M::kGraphFieldNumber          ? Kind::kGraph
               : field == M::kFunctionsFieldNumber    ? Kind::kFunction
               : field == M::kTrainingInfoFieldNumber ? Kind::kTraining
                                                      : Kind::kLeaf;
      case Kind::kTraining:
        return field == T::kInitializationFieldNumber || field == T::kAlgorithmFieldNumber
                   ? Kind::kGraph
                   : Kind::kLeaf;
      case Kind::kFunction:
        return field == onnx::FunctionProto::kNodeFieldNumber ? Kind::kNode : Kind::kLeaf;
      case Kind::kGraph:
        return field == onnx::GraphProto::kNodeFieldNumber ? Kind::kNode : Kind::kLeaf;
      case Kind::kNode:
        return field == onnx::NodeProto::kAttributeFieldNumber ? Kind::kAttribute : Kind::kLeaf;
      case Kind::kAttribute:
        return field == A::kGFieldNumber || field == A::kGraphsFieldNumber ? Kind::kGraph
                                                                           : Kind::kLeaf;
      case Kind::kLeaf:
        break;
    }
    return Kind::kLeaf;
  }

  static bool IsValue(Kind parent, Kind inner) {
    // Imports and metadata of the model count too: they become entries of maps.
    if (parent == Kind::kModel) return inner == Kind::kLeaf || inner == Kind::kTraining;
    return parent == Kind::kGraph && inner == Kind::kLeaf;
  }

  bool Walk(CodedInputStream& in, Kind kind, int depth = 0) {
    for (uint32_t tag = in.ReadTag(); tag != 0; tag = in.ReadTag()) {
      if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
        if (!WireFormatLite::SkipField(&in, tag)) return false;
        continue;
      }
      ++messages_;
      const Kind inner = KindOf(kind, WireFormatLite::GetTagFieldNumber(tag));
      if (inner == Kind::kNode || inner == Kind::kFunction) ++nodes_;
      if (IsValue(kind, inner)) ++values_;
      // Deeper ones count as one message: parser or reader refuse them.
      if (inner == Kind::kLeaf || depth > kMaxWireDepth) {
        if (!WireFormatLite::SkipField(&in, tag)) return false;
        continue;
      }
      uint32_t length = 0;
      if (!in.ReadVarint32(&length)) return false;
      const auto limit = in.PushLimit(static_cast<int>(length));
      if (!Walk(in, inner, depth + 1)) return false;
      in.PopLimit(limit);
    }
    return true;
  }

  static constexpr int kMaxWireDepth = 3 * kMaxGraphDepth;  // node, attribute, graph
  size_t nodes_ = 0;
  size_t values_ = 0;
  size_t messages_ = 0;
};

void CheckCounts(std::string_view bytes, const std::string& place) {
  WireCounter counter;
  counter.CountModel(bytes);
  if (counter.nodes() > kMaxNodes)
    throw Error(ExitCode::kModel, place,
                fmt::format("has more than {} nodes and functions", kMaxNodes));
  // Limits of memory, not faults of the model.
  if (counter.values() > kMaxValues) {
    throw Error(
        ExitCode::kResource, place,
        fmt::format("has more than {} initializers, declared values and entries", kMaxValues));
  }
  if (counter.messages() > kMaxMessages) {
    throw Error(ExitCode::kResource, place,
                fmt::format("has more than {} names, attributes and values", kMaxMessages));
  }
}

// A short guess at what a file is that is no model.
std::string_view GuessFormat(std::string_view bytes) {
  const auto begins = [&](std::string_view magic) { return bytes.starts_with(magic); };
  if (bytes.empty()) return "an empty file";
  if (begins("version https://git-lfs"))
    return "a Git LFS pointer; fetch the real file with `git lfs pull`";
  if (begins("PK\x03\x04")) return "a zip archive";
  if (begins("\x1f\x8b")) return "a gzip file; unpack it first";
  // Protocols 2 to 5; as a message such a file may be one without a graph.
  if (begins("\x80") && bytes.size() > 1 && bytes[1] >= 2 && bytes[1] <= 5)
    return "a Python pickle";
  if (begins("<")) return "a web page or XML file";
  if (begins("ir_version") || begins("graph {")) return "a text-format model";
  return "";
}

[[noreturn]] void ThrowNotAModel(const std::string& place, std::string_view bytes) {
  const std::string_view guess = GuessFormat(bytes);
  throw Error(ExitCode::kModel, place,
              guess.empty() ? "is not a valid ONNX model (protobuf parsing failed)"
                            : fmt::format("is not an ONNX model but {}", guess));
}

}  // namespace

LoadedModel LoadOnnx(const std::filesystem::path& path) {
  const std::string place = path.string();
  LoadedModel loaded;
  Sha256 hash;
  onnx::ModelProto proto;
  // The file's bytes go before tensors are read: never model and message and weights at once.
  {
    const std::string bytes = ReadFile(path, kMaxModelFile);
    if (bytes.empty() || !GuessFormat(bytes).empty()) ThrowNotAModel(place, bytes);
    CheckCounts(bytes, place);
    if (!proto.ParseFromString(bytes)) ThrowNotAModel(place, bytes);
    hash.Update(bytes);
    loaded.file_bytes = static_cast<int64_t>(bytes.size());
  }
  TensorReader tensors(path);
  loaded.model = ReadModel(proto, tensors, place);
  loaded.files.push_back(path);
  // A map: the hash must not depend on the order in which tensors name their files.
  for (const auto& [location, file] : tensors.external_files()) {
    loaded.files.push_back(file->path());
    loaded.file_bytes += file->size();
    hash.UpdateFile(*file);
  }
  loaded.sha256 = hash.HexDigest();
  ValidateModel(loaded.model, place);
  return loaded;
}

}  // namespace qconvert
