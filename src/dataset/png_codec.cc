// libspng behind ReadPicture.
#include <fmt/format.h>
#include <spng.h>

#include <cstdlib>
#include <memory>

#include "picture_file.h"
#include "qconvert/base/check.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

// Deflate packs no more than 258 bytes into 2 bits, and a byte holds up to 8 pixels.
constexpr int64_t kMostPixelsPerByte = 1032 * 8;
// CheckPictureSize refuses sizes; the library would call them damage.
constexpr uint32_t kAnySide = 1U << 30;
constexpr size_t kMaxChunk = size_t{1} << 26;  // of texts and profiles, unpacked
constexpr uint8_t kGray = 0;                   // color types of PNG
constexpr uint8_t kTruecolor = 2;

using Context = std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)>;

void Require(int code, const std::string& place) {
  if (code == 0) return;
  throw Error(ExitCode::kData, place,
              fmt::format("is a damaged PNG picture: {}", spng_strerror(code)));
}

Context Open(std::string_view bytes, const std::string& place) {
  Context context(spng_ctx_new(0), spng_ctx_free);
  if (context == nullptr) throw std::bad_alloc();
  Require(spng_set_image_limits(context.get(), kAnySide, kAnySide), place);
  Require(spng_set_chunk_limits(context.get(), kMaxChunk, kMaxChunk), place);
  Require(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()), place);
  return context;
}

PictureSize SizeOf(spng_ctx* context, std::string_view bytes, const std::string& place) {
  spng_ihdr header{};
  Require(spng_get_ihdr(context, &header), place);
  const PictureSize size{header.height, header.width};
  CheckPictureSize(size, bytes.size(), kMostPixelsPerByte, place);
  return size;
}

}  // namespace

PictureSize PngSize(std::string_view bytes, const std::string& place) {
  const Context context = Open(bytes, place);
  return SizeOf(context.get(), bytes, place);
}

Picture DecodePng(std::string_view bytes, const std::string& place) {
  const Context context = Open(bytes, place);
  Picture picture(SizeOf(context.get(), bytes, place), 3);
  Require(spng_decode_image(context.get(), picture.levels.data(), picture.levels.size(),
                            SPNG_FMT_RGB8, 0),
          place);
  // Up to the end: a file that was cut off behind its pixels is no whole picture.
  Require(spng_decode_chunks(context.get()), place);
  return picture;
}

std::string EncodePng(const Picture& picture) {
  QCONVERT_CHECK(picture.channels == 1 || picture.channels == 3);
  const Context context(spng_ctx_new(SPNG_CTX_ENCODER), spng_ctx_free);
  if (context == nullptr) throw std::bad_alloc();
  spng_ihdr header{};
  header.width = static_cast<uint32_t>(picture.size.width);
  header.height = static_cast<uint32_t>(picture.size.height);
  header.bit_depth = 8;
  header.color_type = picture.channels == 1 ? kGray : kTruecolor;
  const std::string place = "picture";
  Require(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1), place);
  Require(spng_set_ihdr(context.get(), &header), place);
  Require(spng_encode_image(context.get(), picture.levels.data(), picture.levels.size(),
                            SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE),
          place);
  size_t length = 0;
  int code = 0;
  // The library leaves the buffer to its caller.
  const std::unique_ptr<void, decltype(&std::free)> bytes(
      spng_get_png_buffer(context.get(), &length, &code), std::free);
  Require(code, place);
  return {static_cast<const char*>(bytes.get()), length};
}

}  // namespace qconvert
