// Pictures of tests/pictures, decoded as Pillow does, and damaged ones.
#include "picture_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>

#include "qconvert/base/error.h"
#include "qconvert/dataset/npy_reader.h"
#include "support/project_folder.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::HasSubstr;

const std::filesystem::path kPictures = ProjectFolder() / "tests/pictures";

std::string ReadError(const std::filesystem::path& path, ExitCode code = ExitCode::kData) {
  try {
    ReadPicture(path);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    EXPECT_THAT(e.what(), HasSubstr(path.filename().string()));
    return e.what();
  }
  return "";
}

int64_t PeakKilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

class PictureFileTest : public testing::TestWithParam<const char*> {};

TEST_P(PictureFileTest, IsWhatPillowDecodes) {
  const std::filesystem::path path = kPictures / GetParam();
  const InputFile file(path.string() + ".npy");
  const Tensor expected = ReadNpy(file, ReadNpyHeader(file));
  const Picture picture = ReadPicture(path);
  EXPECT_EQ(ReadPictureSize(path), picture.size);
  ASSERT_EQ((std::vector<int64_t>{picture.size.height, picture.size.width, picture.channels}),
            expected.dims);
  const auto levels = expected.values<uint8_t>();
  EXPECT_TRUE(std::equal(levels.begin(), levels.end(), picture.levels.begin()));
}

INSTANTIATE_TEST_SUITE_P(All, PictureFileTest,
                         testing::Values("rgb.jpg", "progressive.jpg", "gray.jpg", "turned.jpg",
                                         "rgb.png", "gray.png", "palette.png", "bits1.png",
                                         "alpha.png", "gray16.png"));

TEST(PictureErrorTest, CmykIsRefused) {
  EXPECT_THAT(ReadError(kPictures / "cmyk.jpg"), HasSubstr("is a CMYK picture, expected RGB"));
}

TEST(PictureErrorTest, ClaimedSizesTakeNoMemory) {
  const int64_t before = PeakKilobytes();
  for (const char* name : {"huge.png", "huge.jpg"})
    EXPECT_THAT(ReadError(kPictures / name, ExitCode::kResource), HasSubstr("at most 64 Mi"));
  for (const char* name : {"hollow.png", "hollow.jpg"})
    EXPECT_THAT(ReadError(kPictures / name), HasSubstr("8000 x 8000 pixels, which"));
  EXPECT_LT(PeakKilobytes() - before, 20 << 10);
}

// What a decoder says; "" when it takes the bytes for a picture.
std::string DecodeError(const std::string& name, const std::string& bytes) {
  try {
    name.ends_with(".jpg") ? DecodeJpeg(bytes, name) : DecodePng(bytes, name);
  } catch (const Error& e) {
    EXPECT_TRUE(e.code() == ExitCode::kData || e.code() == ExitCode::kResource) << e.what();
    return e.what();
  }
  return "";
}

TEST(PictureErrorTest, EveryCutIsToldAndNoDamagedByteHurts) {
  constexpr size_t kMarks = 4;  // the end marker's own checksum is not read
  for (const char* name : {"rgb.jpg", "progressive.jpg", "palette.png", "gray16.png"}) {
    const std::string whole = Slurp(kPictures / name);
    for (size_t size = 0; size + kMarks < whole.size(); ++size)
      EXPECT_NE(DecodeError(name, whole.substr(0, size)), "") << name << size;
    for (size_t k = 0; k < whole.size(); ++k) {
      std::string damaged = whole;
      damaged[k] = static_cast<char>(~damaged[k]);
      DecodeError(name, damaged);
    }
  }
}

TEST(PictureErrorTest, TheFirstBytesCount) {
  const TempDir folder;
  const std::string png = Slurp(kPictures / "rgb.png");
  EXPECT_EQ(ReadPicture(folder.Write("named.jpg", png)).size, (PictureSize{11, 14}));
  EXPECT_THAT(ReadError(folder.Write("text.png", "hello")),
              HasSubstr("does not begin like a JPEG"));
  EXPECT_THAT(ReadError(folder.Write("none.png", "")), HasSubstr("is empty"));
}

TEST(EncodePngTest, ReadsBack) {
  const TempDir folder;
  for (const int64_t channels : {1, 3}) {
    Picture picture({4, 5}, channels);
    for (size_t k = 0; k < picture.levels.size(); ++k)
      picture.levels[k] = static_cast<uint8_t>(11 * k);
    const Picture back = ReadPicture(folder.Write("x.png", EncodePng(picture)));
    ASSERT_EQ(back.size, picture.size);
    for (size_t k = 0; k < back.levels.size(); ++k) {
      const size_t from = channels == 3 ? k : k / 3;
      EXPECT_EQ(back.levels[k], picture.levels[from]);
    }
  }
}

}  // namespace
}  // namespace qconvert
