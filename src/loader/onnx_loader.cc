#include "qconvert/loader/onnx_loader.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include "onnx-ml.pb.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/parked_bytes.h"
#include "qconvert/base/sha256.h"
#include "qconvert/ir/graph_validator.h"
#include "qconvert/onnx_proto/graph_proto.h"

namespace qconvert {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CopyingInputStream;
using google::protobuf::io::CopyingInputStreamAdaptor;

constexpr int64_t kMaxModelFile = (int64_t{1} << 31) - 1;  // protobuf's own limit
constexpr size_t kMaxValues = 2 * kMaxNodes;
// Parts of graphs and nodes, names included: ten for each of the million nodes.
constexpr size_t kMaxMessages = 10'000'000;
constexpr int64_t kFormatBytes = 64;  // tell what a file is that is no model
constexpr int kPiece = 64 << 10;

// The file, a piece at a time: as a whole it would be in memory beside what is read of it.
class FilePieces : public CopyingInputStream {
 public:
  explicit FilePieces(const InputFile& file) : file_(file) {}

  int Read(void* buffer, int size) override {
    const int count = Left(size);
    file_.ReadAt(at_, count, static_cast<char*>(buffer));
    at_ += count;
    return count;
  }
  int Skip(int count) override {
    const int skipped = Left(count);
    at_ += skipped;
    return skipped;
  }

 private:
  int Left(int wanted) const {
    return static_cast<int>(std::min<int64_t>(wanted, file_.size() - at_));
  }

  const InputFile& file_;
  int64_t at_ = 0;
};

// Where a file has the bytes of a large initializer of the main graph.
struct LargeWeight {
  std::string name;
  int64_t offset = 0;
  int64_t length = 0;
};

// What a file holds, counted on the wire before message objects grow: two bytes of an empty message
// become hundreds in memory.
class WireCounter {
 public:
  // Malformed input ends the count; the parser reports it.
  void CountModel(const InputFile& file) {
    FilePieces pieces(file);
    CopyingInputStreamAdaptor stream(&pieces, kPiece);
    CodedInputStream in(&stream);
    in.SetTotalBytesLimit(std::numeric_limits<int>::max());
    Walk(in, Kind::kModel);
  }
  const std::vector<LargeWeight>& large_weights() const { return large_weights_; }
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
      const int field = WireFormatLite::GetTagFieldNumber(tag);
      const Kind inner = KindOf(kind, field);
      if (inner == Kind::kNode || inner == Kind::kFunction) ++nodes_;
      if (IsValue(kind, inner)) ++values_;
      if (kind == Kind::kGraph && depth == 1 &&
          field == onnx::GraphProto::kInitializerFieldNumber) {
        if (!WalkWeight(in)) return false;
        continue;
      }
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

  // An initializer; looks into large ones alone.
  bool WalkWeight(CodedInputStream& in) {
    using T = onnx::TensorProto;
    uint32_t length = 0;
    if (!in.ReadVarint32(&length)) return false;
    if (length < kLeastParked) return in.Skip(static_cast<int>(length));
    LargeWeight weight;
    const auto limit = in.PushLimit(static_cast<int>(length));
    for (uint32_t tag = in.ReadTag(); tag != 0; tag = in.ReadTag()) {
      const int field = WireFormatLite::GetTagFieldNumber(tag);
      if (field != T::kNameFieldNumber && field != T::kRawDataFieldNumber) {
        if (!WireFormatLite::SkipField(&in, tag)) return false;
        continue;
      }
      if (!in.ReadVarint32(&length)) return false;
      if (field == T::kNameFieldNumber) {
        if (!in.ReadString(&weight.name, static_cast<int>(length))) return false;
        continue;
      }
      weight.offset = in.CurrentPosition();
      weight.length = length;
      if (!in.Skip(static_cast<int>(length))) return false;
    }
    in.PopLimit(limit);
    large_weights_.push_back(std::move(weight));
    return true;
  }

  static constexpr int kMaxWireDepth = 3 * kMaxGraphDepth;  // node, attribute, graph
  size_t nodes_ = 0;
  size_t values_ = 0;
  size_t messages_ = 0;
  std::vector<LargeWeight> large_weights_;
};

void CheckCounts(const WireCounter& counter, const std::string& place) {
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

// Before anything is parsed.
void CheckFormat(const InputFile& file, const std::string& place) {
  if (file.size() > kMaxModelFile) {
    throw Error(ExitCode::kResource, place,
                fmt::format("has {} bytes, expected at most {}", file.size(), kMaxModelFile));
  }
  std::string front(static_cast<size_t>(std::min(file.size(), kFormatBytes)), '\0');
  file.ReadAt(0, static_cast<int64_t>(front.size()), front.data());
  const std::string_view guess = GuessFormat(front);
  if (!guess.empty())
    throw Error(ExitCode::kModel, place, fmt::format("is not an ONNX model but {}", guess));
}

}  // namespace

LoadedModel LoadOnnx(const std::filesystem::path& path) {
  const std::string place = path.string();
  LoadedModel loaded;
  const auto file = std::make_shared<const InputFile>(path);
  CheckFormat(*file, place);
  WireCounter counter;
  counter.CountModel(*file);
  CheckCounts(counter, place);
  onnx::ModelProto proto;
  {
    FilePieces pieces(*file);
    CopyingInputStreamAdaptor stream(&pieces, kPiece);
    if (!proto.ParseFromZeroCopyStream(&stream))
      throw Error(ExitCode::kModel, place, "is not a valid ONNX model (protobuf parsing failed)");
  }
  Sha256 hash;
  hash.UpdateFile(*file);
  loaded.file_bytes = file->size();
  TensorReader tensors(path);
  loaded.model = ReadModel(proto, tensors, place);
  for (const LargeWeight& weight : counter.large_weights()) {
    const Tensor* tensor = loaded.model.graph.FindInitializer(weight.name);
    if (tensor != nullptr && tensor->byte_size() == weight.length)
      NoteStoredBytes(tensor->bytes, file, weight.offset);
  }
  loaded.files.push_back(path);
  // A map: the hash must not depend on the order in which tensors name their files.
  for (const auto& [location, data] : tensors.external_files()) {
    loaded.files.push_back(data->path());
    loaded.file_bytes += data->size();
    hash.UpdateFile(*data);
  }
  loaded.sha256 = hash.HexDigest();
  ValidateModel(loaded.model, place);
  return loaded;
}

}  // namespace qconvert
