// JPEG and PNG files.
#ifndef QCONVERT_SRC_DATASET_PICTURE_FILE_H_
#define QCONVERT_SRC_DATASET_PICTURE_FILE_H_

#include <filesystem>
#include <string>
#include <string_view>

#include "picture.h"

namespace qconvert {

// The size that the header tells, or the whole picture as RGB. What a file is tell its first bytes,
// not its name. Gray becomes three equal channels, colors of a palette are looked up, of 16 bits
// the high 8 are taken; transparency, gamma, color profiles and the orientation that EXIF tells
// have no effect, as in Pillow and torchvision. Throws Error: kData naming the file for what is
// damaged, ends early, is no such picture, is CMYK, or declares more pixels than its bytes can
// hold, kResource for more than kMaxPixels, kFile when it cannot be read.
PictureSize ReadPictureSize(const std::filesystem::path& path);
Picture ReadPicture(const std::filesystem::path& path);

// The codecs, of a file's bytes; `place` names it.
PictureSize JpegSize(std::string_view bytes, const std::string& place);
Picture DecodeJpeg(std::string_view bytes, const std::string& place);
PictureSize PngSize(std::string_view bytes, const std::string& place);
Picture DecodePng(std::string_view bytes, const std::string& place);

// A PNG file of 8 bits, gray for one channel and RGB for three.
std::string EncodePng(const Picture& picture);

// Throws when a file of `bytes` cannot hold, or nobody wants to hold, a picture of this size.
// `most_pixels_per_byte`: of the format.
void CheckPictureSize(PictureSize size, size_t bytes, int64_t most_pixels_per_byte,
                      const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_SRC_DATASET_PICTURE_FILE_H_
