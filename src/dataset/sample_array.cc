#include "sample_array.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "convert_type.h"
#include "npz_archive.h"
#include "qconvert/base/checked.h"
#include "qconvert/base/error.h"
#include "qconvert/base/suggest.h"
#include "qconvert/dataset/plain_name.h"
#include "sample_files.h"

namespace qconvert {
namespace {

constexpr int64_t kMaxSampleBytes = int64_t{1} << 31;

[[noreturn]] void FailShape(const std::string& place, const Value& input,
                            const std::vector<int64_t>& dims) {
  throw Error(ExitCode::kData, place,
              fmt::format("has shape [{}], expected {} for input \"{}\"", fmt::join(dims, ","),
                          ShapeText(input), input.name));
}

// True when `dims` from axis `from` on fits the declared shape from axis `skip` on; free dimensions
// fit anything.
bool Fits(const std::vector<int64_t>& dims, size_t from, const std::vector<Dim>& shape,
          size_t skip) {
  if (dims.size() - from != shape.size() - skip) return false;
  for (size_t d = skip; d < shape.size(); ++d) {
    if (shape[d].known() && shape[d].value != dims[from + d - skip]) return false;
  }
  return true;
}

// Shape of a headerless file of `bytes` bytes; one free dimension is found from the size.
std::vector<int64_t> RawShape(const std::string& place, const Value& input, int64_t bytes) {
  const auto refuse = [&](const std::string& what) { throw Error(ExitCode::kData, place, what); };
  if (!input.type.shape) refuse(fmt::format("input \"{}\" has no shape, use .npy", input.name));
  std::vector<int64_t> dims;
  std::optional<size_t> free;
  for (const Dim& dim : *input.type.shape) {
    if (!dim.known() && free) {
      refuse(fmt::format("input \"{}\" has several free dimensions {}, use .npy", input.name,
                         ShapeText(input)));
    }
    if (!dim.known()) free = dims.size();
    dims.push_back(dim.known() ? dim.value : 1);
  }
  // 0 where the shape overflows, or an element has no fixed size: strings.
  const int64_t unit = PackedBytes(input.type.element, ElementCount(dims).value_or(0)).value_or(0);
  if (unit <= 0 || bytes <= 0 || bytes % unit != 0) {
    refuse(fmt::format("has {} bytes, expected a multiple of {} for {}{} of input \"{}\"", bytes,
                       unit, DataTypeName(input.type.element), ShapeText(input), input.name));
  }
  if (free) {
    dims[*free] = bytes / unit;
  } else if (bytes != unit && !dims.empty()) {
    dims[0] *= bytes / unit;  // several samples in one file
  } else if (bytes != unit) {
    refuse(fmt::format("has {} bytes, expected {}", bytes, unit));
  }
  return dims;
}

SampleArray OpenRaw(const std::filesystem::path& path, const Value& input) {
  SampleArray array{ByteSource(std::make_shared<InputFile>(path)), {}};
  array.header.type = input.type.element;
  array.header.shape = RawShape(path.string(), input, array.bytes.size);
  array.header.data_bytes = array.bytes.size;
  return array;
}

SampleArray OpenNpz(const std::filesystem::path& path, const Value& input, bool by_name) {
  const NpzArchive archive(path);
  const auto& names = archive.names();
  // The name itself wins over the form that it has as a file's.
  auto it = std::find(names.begin(), names.end(), input.name);
  if (it == names.end()) it = std::find(names.begin(), names.end(), PlainName(input.name));
  if (it == names.end() && names.size() == 1 && !by_name) it = names.begin();
  if (it == names.end()) {
    constexpr size_t kMostShown = 5;
    std::string hint = DidYouMean(input.name, names);
    if (hint.empty() && !names.empty()) {
      const auto end = names.begin() + static_cast<ptrdiff_t>(std::min(names.size(), kMostShown));
      hint = fmt::format("; it holds {}{}", fmt::join(names.begin(), end, ", "),
                         end == names.end() ? "" : ", ...");
    }
    throw Error(ExitCode::kData, path.string(),
                fmt::format("has no array \"{}\" for input {}{}{}", input.name,
                            DataTypeName(input.type.element), ShapeText(input), hint));
  }
  const auto index = static_cast<size_t>(it - names.begin());
  SampleArray array{archive.Open(index), {}, archive.IsStored(index)};
  array.header = ReadNpyHeader(array.bytes);
  return array;
}

// Rows along axis 0 that one sample takes, or -1.
// Sizes are held against the shape without axis 0, which alone may be cut.
int64_t Cut(const SampleArray& array, const Value& input, bool stacked) {
  // Any shape fits one that is not declared: the file is one sample.
  if (!input.type.shape) return -1;
  const std::vector<Dim>& shape = *input.type.shape;
  const std::vector<int64_t>& dims = array.header.shape;
  const bool any_batch = !shape.empty() && (!shape[0].known() || shape[0].value == 1);
  if (dims.size() + 1 == shape.size() && any_batch && Fits(dims, 0, shape, 1)) return -1;
  if (stacked && dims.size() == shape.size() + 1 && dims[0] > 0 && Fits(dims, 1, shape, 0))
    return 1;
  if (shape.empty() && ElementCount(dims) == 1) return -1;  // one number, written as a list
  if (dims.size() != shape.size()) FailShape(array.bytes.place, input, dims);
  if (shape.empty()) return -1;
  if (!Fits(dims, 1, shape, 1)) FailShape(array.bytes.place, input, dims);
  if (!shape[0].known()) return stacked && dims[0] > 1 ? 1 : -1;
  if (shape[0].value == dims[0]) return -1;
  if (shape[0].value == 0 || dims[0] == 0 || dims[0] % shape[0].value != 0)
    FailShape(array.bytes.place, input, dims);
  return shape[0].value;
}

}  // namespace

SampleArray OpenSampleArray(const std::filesystem::path& path, const Value& input,
                            DataType raw_type, bool by_name) {
  switch (KindOf(path)) {
    case SampleFileKind::kNone:  // let through where any name is a raw file's
    case SampleFileKind::kRaw: {
      Value stored = input;
      if (raw_type != DataType::kUndefined) stored.type.element = raw_type;
      return OpenRaw(path, stored);
    }
    case SampleFileKind::kNpz:
      return OpenNpz(path, input, by_name);
    default:
      break;
  }
  SampleArray array{ByteSource(std::make_shared<InputFile>(path)), {}};
  array.header = ReadNpyHeader(array.bytes);
  return array;
}

int64_t RowsPerSample(const SampleArray& array, const Value& input, bool stacked) {
  const NpyHeader& header = array.header;
  if (!CanConvert(header.type, input.type.element)) {
    throw Error(ExitCode::kData, array.bytes.place,
                fmt::format("holds {}, expected {} for input \"{}\"", DataTypeName(header.type),
                            DataTypeName(input.type.element), input.name));
  }
  const int64_t rows = Cut(array, input, stacked);
  const bool in_parts = rows > 0 && rows < header.shape[0];
  if (in_parts && !array.has_rows) {
    throw Error(ExitCode::kData, array.bytes.place,
                fmt::format("stacks {} samples in a packed archive, expected .npy or an archive of "
                            "numpy.savez",
                            header.shape[0] / rows));
  }
  // Column-major data lie in no order of rows and are read whole.
  const int64_t bytes = in_parts && !header.fortran_order
                            ? header.data_bytes / header.shape[0] * rows
                            : header.data_bytes;
  if (bytes > kMaxSampleBytes) {
    throw Error(ExitCode::kResource, array.bytes.place,
                fmt::format("is one sample of {} MB for input \"{}\", at most {} MB; --stacked "
                            "takes rows along axis 0 for samples",
                            bytes >> 20, input.name, kMaxSampleBytes >> 20));
  }
  return rows;
}

void RequireShape(const std::vector<int64_t>& dims, const Value& input, const std::string& place) {
  if (!Fits(dims, 0, *input.type.shape, 0)) FailShape(place, input, dims);
}

Tensor ReadSampleArray(const SampleArray& array, const Value& input, int64_t first, int64_t rows) {
  Tensor tensor = ReadNpy(array.bytes, array.header, first, rows);
  tensor.name = input.name;
  if (input.type.shape) {
    // What Cut let through: no batch axis, one number as a list, a row of a stack.
    const size_t rank = input.type.shape->size();
    if (tensor.dims.size() + 1 == rank) tensor.dims.insert(tensor.dims.begin(), 1);
    if (rank == 0 && tensor.element_count() == 1) tensor.dims.clear();
    if (rows == 1 && tensor.dims.size() == rank + 1) tensor.dims.erase(tensor.dims.begin());
    RequireShape(tensor.dims, input, array.bytes.place);
  }
  return ConvertSample(std::move(tensor), input.type.element, array.bytes.place);
}

}  // namespace qconvert
