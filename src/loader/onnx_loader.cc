#include "qconvert/loader/onnx_loader.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
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

// Counts the nodes of the main graph on the wire, so that a small file with millions of empty nodes
// is refused before message objects grow. Malformed input ends the count; the parser reports it.
size_t CountNodesOnWire(std::string_view bytes) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  size_t nodes = 0;
  for (uint32_t tag = in.ReadTag(); tag != 0; tag = in.ReadTag()) {
    if (WireFormatLite::GetTagFieldNumber(tag) != onnx::ModelProto::kGraphFieldNumber ||
        WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&in, tag)) return nodes;
      continue;
    }
    uint32_t length = 0;
    if (!in.ReadVarint32(&length)) return nodes;
    const auto limit = in.PushLimit(static_cast<int>(length));
    for (uint32_t inner = in.ReadTag(); inner != 0; inner = in.ReadTag()) {
      if (WireFormatLite::GetTagFieldNumber(inner) == onnx::GraphProto::kNodeFieldNumber) ++nodes;
      if (!WireFormatLite::SkipField(&in, inner)) return nodes;
    }
    in.PopLimit(limit);
  }
  return nodes;
}

// A short guess at what a file is that is no model.
std::string_view GuessFormat(std::string_view bytes) {
  const auto begins = [&](std::string_view magic) { return bytes.starts_with(magic); };
  if (bytes.empty()) return "an empty file";
  if (begins("version https://git-lfs"))
    return "a Git LFS pointer; fetch the real file with `git lfs pull`";
  if (begins("PK\x03\x04")) return "a zip archive";
  if (begins("\x1f\x8b")) return "a gzip file; unpack it first";
  if (begins("\x80\x02") || begins("\x80\x03") || begins("\x80\x04")) return "a Python pickle";
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
    if (CountNodesOnWire(bytes) > kMaxNodes) {
      throw Error(ExitCode::kModel, place, fmt::format("has more than {} nodes", kMaxNodes));
    }
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
