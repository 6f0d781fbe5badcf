// libjpeg-turbo behind ReadPicture.
#include <fmt/format.h>
// jpeglib.h needs FILE and size_t.
#include <cstdio>

#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>

#include "picture_file.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

// A block of 8 x 8 pixels takes a bit at least; arithmetic coding has no such bound.
constexpr int64_t kMostPixelsPerByte = 1024;
constexpr int64_t kNoBound = int64_t{1} << 32;
// Files of some hundred bytes can ask for years of work by scans that refine nothing.
constexpr int kMaxScans = 500;

// The library leaves by a jump to `escape`; nothing with a destructor may live in between.
struct ErrorState {
  jpeg_error_mgr manager;
  jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void Escape(j_common_ptr info) {
  auto* state = reinterpret_cast<ErrorState*>(info->err);
  info->err->format_message(info, state->message);
  std::longjmp(state->escape, 1);
}

// Data that the library repairs by guessing are errors; bytes between segments are not.
void EmitMessage(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  const bool is_harmless = level >= 0 || code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM ||
                           code == JWRN_JFIF_MAJOR;
  if (!is_harmless) Escape(info);
}

void OutputNothing(j_common_ptr /*info*/) {}

void CheckScans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  auto* state = reinterpret_cast<ErrorState*>(info->err);
  std::snprintf(state->message, sizeof state->message, "more than %d scans", kMaxScans);
  std::longjmp(state->escape, 1);
}

// A base, so that what the library holds goes too where the constructor of Decoder throws.
// Zeroed, it holds nothing.
struct Owner {
  Owner() = default;
  ~Owner() { jpeg_destroy_decompress(&info_); }
  // The library keeps pointers into this object: it must not move.
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  ErrorState state_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
};

class Decoder : Owner {
 public:
  Decoder(std::string_view bytes, const std::string& place) : bytes_(bytes), place_(place) {
    info_.err = jpeg_std_error(&state_.manager);
    state_.manager.error_exit = Escape;
    state_.manager.emit_message = EmitMessage;
    state_.manager.output_message = OutputNothing;
    progress_.progress_monitor = CheckScans;
    Guarded([this] {
      jpeg_create_decompress(&info_);
      info_.progress = &progress_;
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()),
                   static_cast<unsigned long>(bytes_.size()));
      jpeg_read_header(&info_, TRUE);
    });
    if (info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK) {
      Fail("is a CMYK picture, expected RGB or gray");
    }
    CheckPictureSize(size(), bytes.size(), info_.arith_code != 0 ? kNoBound : kMostPixelsPerByte,
                     place);
  }
  PictureSize size() const { return {info_.image_height, info_.image_width}; }

  Picture Decode() {
    Picture picture(size(), 3);
    Guarded([this, &picture] {
      // Of gray pictures too: the library repeats the channel.
      info_.out_color_space = JCS_RGB;
      jpeg_start_decompress(&info_);
      while (info_.output_scanline < info_.output_height) {
        JSAMPROW row = picture.row(info_.output_scanline);
        jpeg_read_scanlines(&info_, &row, 1);
      }
      jpeg_finish_decompress(&info_);
    });
    return picture;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) { throw Error(ExitCode::kData, place_, what); }

  template <typename Call>
  void Guarded(const Call& call) {
    if (setjmp(state_.escape) == 0) {
      call();
      return;
    }
    const std::string message = state_.message;
    Fail(fmt::format("is a damaged JPEG picture: {}", message));
  }

  const std::string_view bytes_;
  const std::string& place_;
};

}  // namespace

PictureSize JpegSize(std::string_view bytes, const std::string& place) {
  return Decoder(bytes, place).size();
}

Picture DecodeJpeg(std::string_view bytes, const std::string& place) {
  return Decoder(bytes, place).Decode();
}

}  // namespace qconvert
