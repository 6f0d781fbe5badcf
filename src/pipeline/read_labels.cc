#include "read_labels.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/dataset/npy_reader.h"

namespace qconvert {
namespace {

constexpr int64_t kMaxTextBytes = int64_t{1} << 30;

template <typename T>
std::vector<int64_t> Widened(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return {values.begin(), values.end()};
}

std::vector<int64_t> FromArray(const std::filesystem::path& file) {
  const InputFile input(file);
  const ByteSource source(input);
  const Tensor tensor = ReadNpy(source, ReadNpyHeader(source));
  switch (tensor.type) {
    case DataType::kInt64:
      return Widened<int64_t>(tensor);
    case DataType::kInt32:
      return Widened<int32_t>(tensor);
    case DataType::kInt16:
      return Widened<int16_t>(tensor);
    case DataType::kInt8:
      return Widened<int8_t>(tensor);
    case DataType::kUint8:
      return Widened<uint8_t>(tensor);
    case DataType::kUint16:
      return Widened<uint16_t>(tensor);
    default:
      throw Error(ExitCode::kData, file.string(),
                  fmt::format("labels are {}, expected integers", DataTypeName(tensor.type)));
  }
}

std::vector<int64_t> FromText(const std::filesystem::path& file) {
  const std::string text = ReadFile(file, kMaxTextBytes);
  std::vector<int64_t> labels;
  size_t line = 1;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // that editors put in front
  for (size_t i = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0; i < text.size();) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t' || c == ',') {
      ++i;
      continue;
    }
    const size_t end = std::min(text.find_first_of("\n\r \t,", i), text.size());
    int64_t label = 0;
    const auto parsed = std::from_chars(text.data() + i, text.data() + end, label);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + end) {
      throw Error(ExitCode::kData, fmt::format("{}:{}", file.string(), line),
                  fmt::format("\"{}\" is no label, expected a whole number",
                              text.substr(i, std::min<size_t>(end - i, 40))));
    }
    labels.push_back(label);
    i = end;
  }
  return labels;
}

}  // namespace

std::vector<int64_t> ReadLabels(const std::filesystem::path& file) {
  return file.extension() == ".npy" ? FromArray(file) : FromText(file);
}

}  // namespace qconvert
