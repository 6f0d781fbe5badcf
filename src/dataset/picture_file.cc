#include "picture_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"

namespace qconvert {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{1} << 29;
constexpr std::string_view kJpegMagic = "\xFF\xD8\xFF";
constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1A\n";

// Calls the reader of what the bytes are.
template <typename Result>
Result Dispatch(const std::filesystem::path& path,
                Result (*jpeg)(std::string_view, const std::string&),
                Result (*png)(std::string_view, const std::string&)) {
  const std::string bytes = ReadFile(path, kMaxFileBytes);
  const std::string place = path.string();
  if (bytes.starts_with(kJpegMagic)) return jpeg(bytes, place);
  if (bytes.starts_with(kPngMagic)) return png(bytes, place);
  throw Error(ExitCode::kData, place,
              bytes.empty() ? "is empty, expected a JPEG or PNG picture"
                            : "does not begin like a JPEG or PNG picture");
}

}  // namespace

PictureSize ReadPictureSize(const std::filesystem::path& path) {
  return Dispatch<PictureSize>(path, JpegSize, PngSize);
}

Picture ReadPicture(const std::filesystem::path& path) {
  return Dispatch<Picture>(path, DecodeJpeg, DecodePng);
}

void CheckPictureSize(PictureSize size, size_t bytes, int64_t most_pixels_per_byte,
                      const std::string& place) {
  const auto fail = [&](ExitCode code, const std::string& what) {
    throw Error(code, place,
                fmt::format("is a picture of {} x {} pixels, {}", size.width, size.height, what));
  };
  if (size.height < 1 || size.width < 1) fail(ExitCode::kData, "expected at least one");
  if (std::max(size.height, size.width) > kMaxSide || size.height > kMaxPixels / size.width) {
    fail(ExitCode::kResource,
         fmt::format("at most {} Mi pixels and {} a side are read", kMaxPixels >> 20, kMaxSide));
  }
  // At most 2^61: a file has up to 2^29 bytes, and no codec allows more than 2^32 pixels for one.
  const int64_t most = static_cast<int64_t>(bytes) * most_pixels_per_byte;
  if (size.height * size.width > most)
    fail(ExitCode::kData, fmt::format("which {} bytes cannot hold: it is cut off", bytes));
}

}  // namespace qconvert
