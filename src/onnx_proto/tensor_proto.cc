#include "qconvert/onnx_proto/tensor_proto.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "onnx-ml.pb.h"
#include "qconvert/base/checked.h"
#include "qconvert/base/error.h"
#include "qconvert/base/parked_bytes.h"
#include "qconvert/ir/graph_validator.h"

namespace qconvert {
namespace {

// Appends the low `sizeof(To)` bytes of each element of a typed field.
template <typename To, typename Field>
std::string PackField(const Field& field) {
  std::string bytes(static_cast<size_t>(field.size()) * sizeof(To), '\0');
  for (int i = 0; i < field.size(); ++i) {
    const To value = static_cast<To>(field.Get(i));
    std::memcpy(bytes.data() + static_cast<size_t>(i) * sizeof(To), &value, sizeof(To));
  }
  return bytes;
}

// The payload of the typed field that ONNX assigns to `type`; nothing for a type without one.
std::optional<std::string> PackTypedField(const onnx::TensorProto& proto, DataType type) {
  switch (type) {
    case DataType::kFloat:
    // Real and imaginary parts in turn: two numbers of the field for one element.
    case DataType::kComplex64:
      return PackField<float>(proto.float_data());
    case DataType::kDouble:
    case DataType::kComplex128:
      return PackField<double>(proto.double_data());
    case DataType::kInt64:
      return PackField<int64_t>(proto.int64_data());
    case DataType::kUint32:
      return PackField<uint32_t>(proto.uint64_data());
    case DataType::kUint64:
      return PackField<uint64_t>(proto.uint64_data());
    case DataType::kInt32:
      return PackField<int32_t>(proto.int32_data());
    case DataType::kInt16:
    case DataType::kUint16:
    case DataType::kFloat16:
    case DataType::kBfloat16:
      return PackField<uint16_t>(proto.int32_data());
    case DataType::kString:
    case DataType::kUndefined:
      return std::nullopt;
    default:
      return PackField<uint8_t>(proto.int32_data());  // 8 bits and below: one byte per int32
  }
}

int PayloadCount(const onnx::TensorProto& proto) {
  return (proto.has_raw_data() ? 1 : 0) + (proto.float_data_size() > 0 ? 1 : 0) +
         (proto.int32_data_size() > 0 ? 1 : 0) + (proto.int64_data_size() > 0 ? 1 : 0) +
         (proto.double_data_size() > 0 ? 1 : 0) + (proto.uint64_data_size() > 0 ? 1 : 0) +
         (proto.string_data_size() > 0 ? 1 : 0);
}

// Strict decimal: digits only, fits int64.
// No sign, no space, no exponent: every reader must see the same number.
std::optional<int64_t> ParseDecimal(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool IsInside(const std::filesystem::path& file, const std::filesystem::path& folder) {
  // Empty where no way leads from one to the other.
  const auto relative = file.lexically_relative(folder);
  // By path components: "model_other" begins with "model" and is not inside it.
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

TensorReader::TensorReader(std::filesystem::path model_path) : model_path_(std::move(model_path)) {}

void TensorReader::Fail(const std::string& tensor_name, const std::string& message) const {
  throw Error(ExitCode::kModel, model_path_.string(),
              fmt::format("tensor \"{}\": {}", tensor_name, message));
}

Tensor TensorReader::Read(onnx::TensorProto& proto) {
  Tensor tensor;
  tensor.name = std::move(*proto.mutable_name());
  tensor.doc = std::move(*proto.mutable_doc_string());
  tensor.dims.assign(proto.dims().begin(), proto.dims().end());
  const std::optional<DataType> type = DataTypeFromNumber(proto.data_type());
  if (!type || *type == DataType::kUndefined) {
    Fail(tensor.name,
         fmt::format("has element type {}, which ONNX does not know", proto.data_type()));
  }
  tensor.type = *type;
  if (tensor.dims.size() > kMaxRank) {
    Fail(tensor.name,
         fmt::format("has rank {}, expected at most {}", tensor.dims.size(), kMaxRank));
  }
  // A segment is a part of a tensor; taken for a whole it would have the wrong values.
  if (proto.has_segment()) Fail(tensor.name, "is split into segments, which is not supported");
  // Sizes are known to be possible before any byte is allocated for them.
  const std::optional<int64_t> count = ElementCount(tensor.dims);
  if (!count) {
    Fail(tensor.name, fmt::format("has impossible dimensions [{}]", fmt::join(tensor.dims, ",")));
  }
  const bool external = proto.data_location() == onnx::TensorProto::EXTERNAL;
  // Readers differ in which of two payloads they take.
  if (PayloadCount(proto) + (external ? 1 : 0) > 1) {
    Fail(tensor.name, "has its data in more than one place");
  }
  if (tensor.type == DataType::kString) {
    if (external || proto.has_raw_data() || proto.string_data_size() != *count) {
      Fail(tensor.name, fmt::format("is a string tensor with {} strings, expected {}",
                                    proto.string_data_size(), *count));
    }
    tensor.strings.assign(proto.string_data().begin(), proto.string_data().end());
    return tensor;
  }
  const std::optional<int64_t> expected = PackedBytes(tensor.type, *count);
  if (!expected) {
    Fail(tensor.name, fmt::format("has impossible dimensions [{}]", fmt::join(tensor.dims, ",")));
  }
  if (external) {
    ReadExternal(proto, tensor, *expected);
    return tensor;
  }
  std::string bytes = proto.has_raw_data() ? std::move(*proto.mutable_raw_data())
                                           : PackTypedField(proto, tensor.type).value_or("");
  if (static_cast<int64_t>(bytes.size()) != *expected) {
    Fail(tensor.name,
         fmt::format("has {} bytes of data, expected {} for {}[{}]", bytes.size(), *expected,
                     DataTypeName(tensor.type), fmt::join(tensor.dims, ",")));
  }
  tensor.bytes = std::make_shared<const std::string>(std::move(bytes));
  return tensor;
}

SparseTensor TensorReader::Read(onnx::SparseTensorProto& proto) {
  SparseTensor sparse;
  sparse.values = Read(*proto.mutable_values());
  sparse.indices = Read(*proto.mutable_indices());
  sparse.dims.assign(proto.dims().begin(), proto.dims().end());
  const std::string& name = sparse.values.name;
  const std::optional<int64_t> count = ElementCount(sparse.dims);
  if (!count) Fail(name, "has impossible dimensions");
  const bool linear = sparse.indices.dims.size() == 1;
  const int64_t stored = sparse.values.element_count();
  if (sparse.indices.type != DataType::kInt64 || sparse.values.dims.size() != 1 ||
      (!linear && sparse.indices.dims.size() != 2) || sparse.indices.dims[0] != stored ||
      (!linear && sparse.indices.dims[1] != static_cast<int64_t>(sparse.dims.size()))) {
    Fail(name, "has indices that do not fit its values");
  }
  // Without dense dimensions there are no indices: nothing below divides by zero.
  const auto indices = sparse.indices.values<int64_t>();
  for (size_t i = 0; i < indices.size(); ++i) {
    // Who makes the dense tensor writes at this index without another check.
    const int64_t limit = linear ? *count : sparse.dims[i % sparse.dims.size()];
    if (indices[i] < 0 || indices[i] >= limit) {
      Fail(name, fmt::format("has index {} outside its dense shape", indices[i]));
    }
  }
  CheckSorted(sparse);
  return sparse;
}

// Indices of ONNX sparse tensors rise strictly, in row-major order; an engine may rely on it.
void TensorReader::CheckSorted(const SparseTensor& sparse) const {
  const auto indices = sparse.indices.values<int64_t>();
  const auto width =
      static_cast<ptrdiff_t>(sparse.indices.dims.size() == 1 ? 1 : sparse.indices.dims[1]);
  for (auto row = indices.begin(); width > 0 && indices.end() - row > width; row += width) {
    if (!std::lexicographical_compare(row, row + width, row + width, row + 2 * width))
      Fail(sparse.values.name, "has indices that are not sorted, or repeated");
  }
}

void TensorReader::ReadExternal(const onnx::TensorProto& proto, Tensor& tensor,
                                int64_t expected_bytes) {
  std::map<std::string, std::string> entries;
  for (const auto& entry : proto.external_data()) {
    // checksum and basepath are ONNX's and change nothing here; the payload is told by the other
    // three.
    static constexpr std::array<std::string_view, 5> kKnown = {"location", "offset", "length",
                                                               "checksum", "basepath"};
    if (std::find(kKnown.begin(), kKnown.end(), entry.key()) == kKnown.end()) {
      Fail(tensor.name, fmt::format("has unknown external data key \"{}\"", entry.key()));
    }
    // Checked with one value and read with the other otherwise.
    if (!entries.emplace(entry.key(), entry.value()).second) {
      Fail(tensor.name, fmt::format("gives external data key \"{}\" twice", entry.key()));
    }
  }
  if (entries["location"].empty()) Fail(tensor.name, "is external but gives no location");
  const auto number = [&](const char* key) -> std::optional<int64_t> {
    if (!entries.contains(key)) return std::nullopt;
    const std::optional<int64_t> value = ParseDecimal(entries[key]);
    if (!value)
      Fail(tensor.name, fmt::format("external {} \"{}\" is not a whole number", key, entries[key]));
    return value;
  };
  const int64_t offset = number("offset").value_or(0);
  // Without a length the shape tells it, as ONNX has it.
  const int64_t length = number("length").value_or(expected_bytes);
  if (length != expected_bytes) {
    Fail(tensor.name, fmt::format("external length {} does not fit its shape, expected {}", length,
                                  expected_bytes));
  }
  const InputFile& file = OpenExternal(entries["location"], tensor.name);
  const std::optional<int64_t> end = CheckedAdd(offset, length);
  if (!end || *end > file.size()) {
    Fail(tensor.name, fmt::format("external data ends at {}, but {} has {} bytes",
                                  end ? std::to_string(*end) : "an impossible offset",
                                  entries["location"], file.size()));
  }
  auto& region = regions_[{entries["location"], offset, length}];
  if (region == nullptr) {
    int64_t& read = bytes_read_[entries["location"]];
    if (length > kMaxOverlap * file.size() - read) {
      throw Error(ExitCode::kResource, model_path_.string(),
                  fmt::format("tensor \"{}\": regions of {} overlap to more than {} times its size",
                              tensor.name, entries["location"], kMaxOverlap));
    }
    read += length;
    std::string bytes(static_cast<size_t>(length), '\0');
    file.ReadAt(offset, length, bytes.data());
    region = std::make_shared<const std::string>(std::move(bytes));
    NoteStoredBytes(region, files_.at(entries["location"]), offset);
  }
  tensor.bytes = region;
}

const InputFile& TensorReader::OpenExternal(const std::string& location,
                                            const std::string& tensor_name) {
  const auto cached = files_.find(location);
  if (cached != files_.end()) return *cached->second;
  const auto refuse = [&](const std::string& why) {
    Fail(tensor_name, fmt::format("external location \"{}\" {}", location, why));
  };
  if (location.find('\0') != std::string::npos) refuse("holds a NUL byte");
  // A backslash is a name here and a separator elsewhere: the same file would read other data.
  if (location.starts_with('/') || location.find('\\') != std::string::npos) {
    refuse("is not a relative path");
  }
  // The engine would take these for addresses of its own process.
  if (location.find("_ORT_MEM_ADDR_") != std::string::npos ||
      location.find("_ORT_NATIVE_ENDIAN_MEM_ADDR_") != std::string::npos) {
    refuse("is a marker of the engine, not a file");
  }
  const std::filesystem::path folder =
      model_path_.has_parent_path() ? model_path_.parent_path() : std::filesystem::path(".");
  std::error_code error;
  const auto real_folder = std::filesystem::canonical(folder, error);
  if (error) refuse("cannot be resolved: " + error.message());
  // A model that is itself a link (a hub cache) may have its weights beside the file it points to.
  // Empty where it cannot be resolved: then nothing lies inside it.
  const auto real_model_folder = std::filesystem::canonical(model_path_, error).parent_path();
  const auto target = folder / location;
  // By its text first, so that a path that leaves the folder is not even looked up; then resolved,
  // since a link inside the folder may lead out of it.
  if (!IsInside((real_folder / location).lexically_normal(), real_folder))
    refuse("leaves the model's folder");
  const auto real_target = std::filesystem::canonical(target, error);
  if (error) {
    throw Error(ExitCode::kFile, model_path_.string(),
                fmt::format("tensor \"{}\": external file \"{}\" cannot be opened: {}", tensor_name,
                            location, error.message()));
  }
  if (!IsInside(real_target, real_folder) && !IsInside(real_target, real_model_folder)) {
    refuse("leaves the model's folder");
  }
  if (!std::filesystem::is_regular_file(real_target, error)) refuse("is no regular file");
  // Opened by its resolved path without following links: what was checked is what is read.
  const int descriptor = open(real_target.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    throw Error(ExitCode::kFile, real_target.string(),
                "cannot open: " + std::generic_category().message(errno));
  }
  auto file = std::make_shared<InputFile>(descriptor, real_target);
  return *files_.emplace(location, std::move(file)).first->second;
}

void WriteTensor(const Tensor& tensor, onnx::TensorProto& proto) {
  proto.set_name(tensor.name);
  if (!tensor.doc.empty()) proto.set_doc_string(tensor.doc);
  proto.set_data_type(static_cast<int32_t>(tensor.type));
  for (const int64_t dim : tensor.dims) proto.add_dims(dim);
  if (tensor.type == DataType::kString) {
    for (const std::string& text : tensor.strings) proto.add_string_data(text);
  } else {
    proto.set_raw_data(*tensor.bytes);
  }
}

void WriteSparseTensor(const SparseTensor& tensor, onnx::SparseTensorProto& proto) {
  WriteTensor(tensor.values, *proto.mutable_values());
  WriteTensor(tensor.indices, *proto.mutable_indices());
  for (const int64_t dim : tensor.dims) proto.add_dims(dim);
}

}  // namespace qconvert
