#include "qconvert/dataset/npy_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "npy_types.h"
#include "qconvert/base/checked.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

// Version 1 has 16 bits for the length; longer headers are those of structured types, which are
// refused.
constexpr int64_t kMaxHeader = 64 * 1024;
constexpr size_t kMaxNpyRank = 32;
constexpr std::string_view kMagic = "\x93NUMPY";

// A parser for the one literal a header may hold: {'descr': '<f4', 'fortran_order': False, 'shape':
// (1, 2), }
class DictionaryParser {
 public:
  DictionaryParser(std::string_view text, const std::string& place) : text_(text), place_(place) {}

  NpyHeader Parse() {
    NpyHeader header;
    bool descr = false;
    bool order = false;
    bool shape = false;
    Expect('{');
    // The comma behind the last entry may be there or not.
    while (!Accept('}')) {
      const std::string key = String();
      Expect(':');
      // An unknown key is refused before `seen` matters.
      bool& seen = key == "descr" ? descr : key == "fortran_order" ? order : shape;
      if (key != "descr" && key != "fortran_order" && key != "shape") {
        Fail(fmt::format("has unknown header key '{}'", key));
      }
      // Readers differ in which of two they take.
      if (std::exchange(seen, true)) Fail(fmt::format("gives header key '{}' twice", key));
      if (key == "descr") ParseDescr(header);
      if (key == "fortran_order") header.fortran_order = Bool();
      if (key == "shape") header.shape = Shape();
      if (!Accept(',')) {
        Expect('}');
        break;
      }
    }
    SkipSpace();
    if (at_ != text_.size()) Fail("has text after the header dictionary");
    if (!descr || !order || !shape) Fail("header lacks descr, fortran_order or shape");
    return header;
  }

 private:
  [[noreturn]] void Fail(const std::string& message) const {
    throw Error(ExitCode::kData, place_, "npy file " + message);
  }

  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  bool Accept(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void Expect(char c) {
    if (!Accept(c)) Fail(fmt::format("header is malformed, expected '{}' at byte {}", c, at_));
  }

  bool AcceptWord(std::string_view word) {
    SkipSpace();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string String() {
    SkipSpace();
    const char quote = Accept('\'') ? '\'' : '"';
    if (quote == '"') Expect('"');
    const size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) Fail("header has an unclosed string");
    std::string value(text_.substr(at_, end - at_));
    at_ = end + 1;
    return value;
  }

  bool Bool() {
    if (AcceptWord("True")) return true;
    if (AcceptWord("False")) return false;
    Fail("header's fortran_order is neither True nor False");
  }

  std::vector<int64_t> Shape() {
    std::vector<int64_t> dims;
    Expect('(');
    while (!Accept(')')) {
      SkipSpace();
      int64_t dim = 0;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), dim);
      if (error != std::errc() || dim < 0) Fail("header's shape is malformed");
      at_ = static_cast<size_t>(end - text_.data());
      AcceptWord("L");  // Python 2 wrote long integers so
      dims.push_back(dim);
      if (dims.size() > kMaxNpyRank) Fail(fmt::format("has more than {} dimensions", kMaxNpyRank));
      if (!Accept(',')) {
        Expect(')');
        break;
      }
    }
    return dims;
  }

  void ParseDescr(NpyHeader& header) {
    SkipSpace();
    if (at_ < text_.size() && (text_[at_] == '[' || text_[at_] == '(')) {
      Fail("has a structured dtype, expected plain numbers");
    }
    const std::string descr = String();
    // Reading it would mean running the file.
    if (descr == "|O") Fail("holds Python objects (pickle), expected plain numbers");
    for (const auto& [code, type] : kNpyTypes) {
      if (descr.size() == 3 && descr.substr(1) == code &&
          std::string_view("<>|=").find(descr[0]) != std::string_view::npos) {
        header.type = type;
        // '=' and '|' are the machine's order: little endian wherever tensors are (ir/tensor.h).
        header.big_endian = descr[0] == '>' && BitsOf(type) > 8;
        return;
      }
    }
    Fail(fmt::format("has dtype '{}', expected a number type such as '<f4'", descr));
  }

  std::string_view text_;
  const std::string& place_;
  size_t at_ = 0;
};

// Copies elements of `width` bytes from column-major to row-major order.
std::string FromFortran(const std::string& in, const std::vector<int64_t>& shape, size_t width) {
  std::string out(in.size(), '\0');
  std::vector<size_t> stride(shape.size(), 1);
  for (size_t d = 1; d < shape.size(); ++d)
    stride[d] = stride[d - 1] * static_cast<size_t>(shape[d - 1]);
  std::vector<int64_t> index(shape.size(), 0);
  const size_t count = in.size() / width;
  for (size_t to = 0; to < count; ++to) {
    size_t from = 0;
    for (size_t d = 0; d < shape.size(); ++d) from += static_cast<size_t>(index[d]) * stride[d];
    std::memcpy(out.data() + to * width, in.data() + from * width, width);
    // The last index runs fastest in what is written, the first one in what is read.
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
  return out;
}

}  // namespace

ByteSource::ByteSource(std::string place_name, int64_t byte_count,
                       std::function<void(int64_t offset, int64_t count, char* out)> reader)
    : place(std::move(place_name)), size(byte_count), read_at(std::move(reader)) {}

ByteSource::ByteSource(const InputFile& file)
    : ByteSource(
          file.path().string(), file.size(),
          [&file](int64_t offset, int64_t count, char* out) { file.ReadAt(offset, count, out); }) {}

ByteSource::ByteSource(const std::shared_ptr<const InputFile>& file)
    : ByteSource(
          file->path().string(), file->size(),
          [file](int64_t offset, int64_t count, char* out) { file->ReadAt(offset, count, out); }) {}

NpyHeader ParseNpyDictionary(std::string_view text, const std::string& place) {
  return DictionaryParser(text, place).Parse();
}

NpyHeader ReadNpyHeader(const ByteSource& source) {
  const std::string& place = source.place;
  const auto fail = [&](const std::string& message) {
    throw Error(ExitCode::kData, place, message);
  };
  char head[12] = {};
  // A file shorter than the fixed part must not fail as one that became shorter.
  const int64_t head_size = std::min<int64_t>(source.size, sizeof(head));
  source.read_at(0, head_size, head);
  if (head_size < 10 || std::string_view(head, 6) != kMagic) fail("is not an npy file");
  const int major = static_cast<unsigned char>(head[6]);
  if (major < 1 || major > 3) fail(fmt::format("has npy format {}, expected 1 to 3", major));
  const int64_t prefix = major == 1 ? 10 : 12;
  if (head_size < prefix) fail("npy header is cut off");
  uint32_t length = 0;
  // Little endian, of two bytes in version 1, of four later.
  for (int64_t i = prefix; i-- > 8;) length = (length << 8) | static_cast<unsigned char>(head[i]);
  // Before anything of that size is allocated.
  if (length > kMaxHeader || prefix + length > source.size) {
    fail(fmt::format("npy header claims {} bytes, the file has {}", length, source.size));
  }
  std::string text(length, '\0');
  source.read_at(prefix, length, text.data());
  NpyHeader header = ParseNpyDictionary(text, place);
  header.data_offset = prefix + length;
  const std::optional<int64_t> count = ElementCount(header.shape);
  const std::optional<int64_t> bytes = count ? PackedBytes(header.type, *count) : std::nullopt;
  if (!bytes) fail(fmt::format("has impossible shape ({})", fmt::join(header.shape, ", ")));
  header.data_bytes = *bytes;
  // Bytes left over are as wrong as missing ones: the shape is not that of the data.
  if (source.size - header.data_offset != *bytes) {
    fail(fmt::format("holds {} bytes of data, expected {} for shape ({})",
                     source.size - header.data_offset, *bytes, fmt::join(header.shape, ", ")));
  }
  return header;
}

Tensor ReadNpy(const ByteSource& source, const NpyHeader& header, int64_t first, int64_t count) {
  Tensor tensor;
  tensor.type = header.type;
  tensor.dims = header.shape;
  const bool all = count < 0 || header.shape.empty();
  const auto width = static_cast<size_t>(BitsOf(header.type) / 8);
  int64_t offset = header.data_offset;
  int64_t bytes = header.data_bytes;
  // Column-major data has no contiguous rows: read it whole, then cut.
  if (!all && !header.fortran_order) {
    const int64_t row = header.shape[0] == 0 ? 0 : header.data_bytes / header.shape[0];
    offset += first * row;
    bytes = count * row;
    tensor.dims[0] = count;
  }
  std::string data(static_cast<size_t>(bytes), '\0');
  source.read_at(offset, bytes, data.data());
  if (header.big_endian) {
    for (size_t i = 0; i < data.size(); i += width) {
      std::reverse(data.begin() + static_cast<ptrdiff_t>(i),
                   data.begin() + static_cast<ptrdiff_t>(i + width));
    }
  }
  if (header.fortran_order) {
    data = FromFortran(data, header.shape, width);
    if (!all) {
      const size_t row =
          header.shape[0] == 0 ? 0 : data.size() / static_cast<size_t>(header.shape[0]);
      data = data.substr(static_cast<size_t>(first) * row, static_cast<size_t>(count) * row);
      tensor.dims[0] = count;
    }
  }
  tensor.bytes = std::make_shared<const std::string>(std::move(data));
  return tensor;
}

}  // namespace qconvert
