// What is said of files of samples that are none, to the letter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "npz_archive.h"
#include "picture_file.h"
#include "qconvert/dataset/npy_reader.h"
#include "qconvert/dataset/npy_writer.h"
#include "qconvert/dataset/show_sample.h"
#include "random_sample.h"
#include "support/errors.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::StrEq;

using Dims = std::vector<int64_t>;

struct Said {
  ExitCode code = ExitCode::kSuccess;
  std::string text;
};

Said SaidOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& e) {
    return {e.code(), e.what()};
  }
  return {};
}

NpyHeader HeaderOf(const std::string& bytes) {
  return ReadNpyHeader(ByteSource(
      "a.npy", static_cast<int64_t>(bytes.size()), [&](int64_t offset, int64_t count, char* out) {
        std::memcpy(out, bytes.data() + offset, static_cast<size_t>(count));
      }));
}

struct NpyRow {
  std::string bytes;
  const char* message;
};

// A version 1.0 file of this dictionary without data.
std::string Npy(const std::string& dictionary) { return NpyBytes(dictionary, ""); }

TEST(NpyMessagesTest, SayWhatIsWrong) {
  const std::string magic("\x93NUMPY", 6);
  const std::vector<NpyRow> rows = {
      {"", "a.npy: is not an npy file"},
      {magic + std::string("\1\0\0", 3), "a.npy: is not an npy file"},
      {magic + std::string("\0\0\0\0", 4), "a.npy: has npy format 0, expected 1 to 3"},
      {magic + std::string("\4\0\0\0", 4), "a.npy: has npy format 4, expected 1 to 3"},
      {magic + std::string("\2\0\0\0", 4), "a.npy: npy header is cut off"},
      {magic + std::string("\3\0\0\0\0", 5), "a.npy: npy header is cut off"},
      {magic + std::string("\1\0\2\0{", 5), "a.npy: npy header claims 2 bytes, the file has 11"},
      {magic + std::string("\2\0\1\0\1\0{", 7),
       "a.npy: npy header claims 65537 bytes, the file has 13"},
      {Npy("("), "a.npy: npy file header is malformed, expected '{' at byte 0"},
      {Npy("{descr: 1}"), "a.npy: npy file header is malformed, expected '\"' at byte 1"},
      {Npy("{'descr' '<f4'}"), "a.npy: npy file header is malformed, expected ':' at byte 9"},
      {Npy("{'descr': '<f4' 'shape': ()}"),
       "a.npy: npy file header is malformed, expected '}' at byte 16"},
      {Npy("{'descr': '<f4}"), "a.npy: npy file header has an unclosed string"},
      {Npy("{'fortran_order': 0}"),
       "a.npy: npy file header's fortran_order is neither True nor False"},
      {Npy("{'shape': 6}"), "a.npy: npy file header is malformed, expected '(' at byte 10"},
      {Npy("{'shape': (2 3)}"), "a.npy: npy file header is malformed, expected ')' at byte 13"},
      {Npy("{'shape': (-1,)}"), "a.npy: npy file header's shape is malformed"},
      {Npy("{'shape': (9223372036854775808,)}"), "a.npy: npy file header's shape is malformed"},
      {Npy("{'kind': 1}"), "a.npy: npy file has unknown header key 'kind'"},
      {Npy("{'shape': (), 'shape': ()}"), "a.npy: npy file gives header key 'shape' twice"},
      {Npy("{'fortran_order': True, 'fortran_order': True}"),
       "a.npy: npy file gives header key 'fortran_order' twice"},
      {Npy("{'shape': (), 'descr': '<f4'}"),
       "a.npy: npy file header lacks descr, fortran_order or shape"},
      {Npy("{} {}"), "a.npy: npy file has text after the header dictionary"},
      {Npy("{'descr': [('a', '<f4')]}"),
       "a.npy: npy file has a structured dtype, expected plain numbers"},
      {Npy("{'descr': ('<f4', (2,))}"),
       "a.npy: npy file has a structured dtype, expected plain numbers"},
      {Npy("{'descr': '|O'}"),
       "a.npy: npy file holds Python objects (pickle), expected plain numbers"},
      {Npy("{'descr': '<U3'}"),
       "a.npy: npy file has dtype '<U3', expected a number type such as '<f4'"},
      {Npy("{'descr': '!f4'}"),
       "a.npy: npy file has dtype '!f4', expected a number type such as '<f4'"},
      {Npy("{'descr': '<f16'}"),
       "a.npy: npy file has dtype '<f16', expected a number type such as '<f4'"},
      {Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4611686018427387904)}"),
       "a.npy: has impossible shape (3, 4611686018427387904)"},
      {Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976,)}"),
       "a.npy: has impossible shape (1152921504606846976)"},
      {Npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3)}"),
       "a.npy: holds 0 bytes of data, expected 12 for shape (2, 3)"},
      {Npy("{'descr': '<i2', 'fortran_order': False, 'shape': ()}"),
       "a.npy: holds 0 bytes of data, expected 2 for shape ()"}};
  for (const NpyRow& row : rows) {
    const Said said = SaidOf([&] { HeaderOf(row.bytes); });
    EXPECT_EQ(said.text, row.message);
    EXPECT_EQ(said.code, ExitCode::kData);
  }
}

// What numpy writes for each type: the type's code, '|' where a byte has no order.
TEST(NpyWriterTest, HeadersAreThoseOfNumpy) {
  for (const auto& [type, descr] : {std::pair{DataType::kFloat, "<f4"},
                                    {DataType::kDouble, "<f8"},
                                    {DataType::kFloat16, "<f2"},
                                    {DataType::kInt8, "|i1"},
                                    {DataType::kInt16, "<i2"},
                                    {DataType::kInt32, "<i4"},
                                    {DataType::kInt64, "<i8"},
                                    {DataType::kUint8, "|u1"},
                                    {DataType::kUint16, "<u2"},
                                    {DataType::kUint32, "<u4"},
                                    {DataType::kUint64, "<u8"},
                                    {DataType::kBool, "|b1"}}) {
    for (const auto& [dims, shape] : {std::pair<Dims, const char*>{{}, "()"},
                                      {{2}, "(2, )"},
                                      {{1, 2}, "(1, 2, )"},
                                      {{0, 3}, "(0, 3, )"}}) {
      Tensor tensor{.name = "x", .type = type, .dims = dims};
      const auto size = static_cast<size_t>(*PackedBytes(type, tensor.element_count()));
      tensor.bytes = std::make_shared<const std::string>(size, '\1');
      const std::string bytes = NpyBytes(tensor);
      EXPECT_EQ(
          bytes.substr(10, bytes.find('}') - 9),
          fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", descr, shape));
      EXPECT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\1\0", 8));
      EXPECT_EQ(bytes[bytes.size() - size - 1], '\n');
      const NpyHeader header = HeaderOf(bytes);
      EXPECT_EQ(header.type, type);
      EXPECT_EQ(header.shape, dims);
      EXPECT_EQ(header.data_offset % 64, 0);
    }
  }
  for (const DataType type : {DataType::kString, DataType::kBfloat16, DataType::kInt4,
                              DataType::kComplex64, DataType::kFloat8E4M3FN}) {
    const Tensor tensor{.name = "x", .type = type, .dims = {0}};
    EXPECT_EQ(
        SaidOf([&] { NpyBytes(tensor); }).text,
        fmt::format("x: has elements of type {}, which no .npy file can hold", DataTypeName(type)));
  }
}

class NpzMessagesTest : public testing::Test {
 protected:
  // An archive of stored members.
  std::string Zip(const std::vector<std::string>& names) const {
    const auto file = folder_ / "new.npz";
    const std::string bytes = NpyFloats({1, 2}, std::vector<float>{3, 4});
    int code = 0;
    zip_t* archive = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    for (const std::string& name : names) {
      zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
      const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
      zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
    }
    EXPECT_EQ(zip_close(archive), 0);
    return Slurp(file);
  }
  // Behind the folder's name.
  std::string Said(const std::string& bytes) const {
    const auto file = folder_.Write("a.npz", bytes);
    const std::string text = SaidOf([&] { NpzArchive archive(file); }).text;
    const std::string place = file.string();
    return text.starts_with(place) ? text.substr(place.size()) : text;
  }
  // The same bytes in the member's own header and in the directory's entry of it.
  static std::string Patched(std::string bytes, size_t local, size_t central,
                             const std::string& to) {
    bytes.replace(local, to.size(), to);
    bytes.replace(bytes.find("PK\1\2") + central, to.size(), to);
    return bytes;
  }
  TempDir folder_;
};

TEST_F(NpzMessagesTest, SayWhatIsWrong) {
  const std::string good = Zip({"x.npy"});
  EXPECT_EQ(Said(good), "");
  EXPECT_EQ(Said(Zip({"x.txt"})), ": holds \"x.txt\", which is no .npy");
  EXPECT_EQ(Said(Patched(good, 6, 8, std::string("\1\0", 2))), ":x: is encrypted");
  EXPECT_EQ(Said(Patched(good, 8, 10, std::string("\x0c\0", 2))),
            ":x: is packed by method 12, expected stored or deflated");
  const std::string size = std::to_string(good.size());
  EXPECT_EQ(Said(Patched(good, 22, 24, std::string("\0\0\0\x70", 4))),
            ":x: claims 1879048192 bytes in 136 packed ones, the archive has " + size);
  for (const std::string& bytes : {std::string(), std::string("PK"), good.substr(0, 60)})
    EXPECT_THAT(Said(bytes), testing::StartsWith(": is no usable npz archive: "));
}

TEST_F(NpzMessagesTest, ArraysAreNamedOnceAndHaveALimit) {
  std::string two = Zip({"x.npy", "z.npy"});
  for (size_t at = two.find("z.npy"); at != std::string::npos; at = two.find("z.npy"))
    two[at] = 'x';
  EXPECT_THAT(Said(two), testing::StartsWith(": is no usable npz archive: "));
  std::vector<std::string> names;
  for (int k = 0; k < 4097; ++k) names.push_back(std::to_string(k) + ".npy");
  EXPECT_EQ(Said(Zip(names)), ": holds 4097 files, expected at most 4096 arrays");
  names.pop_back();
  EXPECT_EQ(Said(Zip(names)), "");
}

TEST(PictureSizeTest, HasItsLimits) {
  struct Row {
    PictureSize size;
    size_t bytes;
    ExitCode code;
    const char* what;
  };
  constexpr ExitCode kGood = ExitCode::kSuccess;
  const std::vector<Row> rows = {
      {{1, 1}, 1, kGood, ""},
      {{8192, 8192}, 1 << 20, kGood, ""},
      {{65536, 1024}, 1 << 20, kGood, ""},
      {{0, 5}, 100, ExitCode::kData, "5 x 0 pixels, expected at least one"},
      {{5, 0}, 100, ExitCode::kData, "0 x 5 pixels, expected at least one"},
      {{65537, 1},
       1 << 20,
       ExitCode::kResource,
       "1 x 65537 pixels, at most 64 Mi pixels and 65536 a side are read"},
      {{1, 65537},
       1 << 20,
       ExitCode::kResource,
       "65537 x 1 pixels, at most 64 Mi pixels and 65536 a side are read"},
      {{8192, 8193},
       1 << 20,
       ExitCode::kResource,
       "8193 x 8192 pixels, at most 64 Mi pixels and 65536 a side are read"},
      {{100, 100}, 100, kGood, ""},
      {{100, 101},
       100,
       ExitCode::kData,
       "101 x 100 pixels, which 100 bytes cannot hold: it is cut off"},
      {{1, 1}, 0, ExitCode::kData, "1 x 1 pixels, which 0 bytes cannot hold: it is cut off"}};
  for (const Row& row : rows) {
    const Said said = SaidOf([&] { CheckPictureSize(row.size, row.bytes, 100, "p.png"); });
    EXPECT_EQ(said.code, row.code) << row.what;
    EXPECT_EQ(said.text,
              *row.what == '\0' ? "" : std::string("p.png: is a picture of ") + row.what);
  }
}

TEST(ShowSampleTest, WhatIsNoImageIsToldWithItsShape) {
  PixelScaling planes;
  planes.channel_axis = 1;
  PixelScaling last;
  last.channel_axis = 3;
  const auto said = [](const Dims& dims, const PixelScaling& scaling) {
    return SaidOf([&] { PngOfSample(RandomTensor("x", dims, 1), scaling, InputKind::kRgb); });
  };
  for (const auto& [dims, shape] : {std::pair<Dims, const char*>{{1, 2, 4, 4}, "1,2,4,4"},
                                    {{1, 4, 4, 3}, "1,4,4,3"},
                                    {{1, 3, 0, 4}, "1,3,0,4"},
                                    {{1, 3, 4, 0}, "1,3,4,0"},
                                    {{0, 3, 4, 4}, "0,3,4,4"},
                                    {{4, 4}, "4,4"},
                                    {{}, ""},
                                    {{1, 3, 1, 4, 4}, "1,3,1,4,4"},
                                    {{1, 3, 1, 65537}, "1,3,1,65537"}}) {
    const Said found = said(dims, planes);
    EXPECT_EQ(found.code, ExitCode::kData) << shape;
    EXPECT_EQ(found.text, fmt::format("x: has shape [{}], expected an image of 1 or 3 channels to "
                                      "show",
                                      shape));
  }
  EXPECT_EQ(said({2, 3, 4, 5}, planes).text, "");
  EXPECT_EQ(said({2, 1, 4, 5}, planes).text, "");
  EXPECT_EQ(said({2, 4, 5, 3}, last).text, "");
  EXPECT_EQ(said({2, 3, 4, 5}, last).text,
            "x: has shape [2,3,4,5], expected an image of 1 or 3 channels to show");
}

TEST(RandomSampleTest, InputsWithoutAShapeAndLargeOnesAreRefused) {
  Value input{"x", FloatType({"1", "3"}), {}, {}};
  input.type.shape.reset();
  Said said = SaidOf([&] { RandomTensor(input, {}, 1); });
  EXPECT_EQ(said.code, ExitCode::kData);
  EXPECT_THAT(said.text, StrEq("input \"x\" has no shape, random samples need one"));
  for (const std::vector<std::string>& dims : {std::vector<std::string>{"536870912"},
                                               {"65536", "8192"},
                                               {"4611686018427387904", "4611686018427387904"}}) {
    input.type = FloatType(dims);
    said = SaidOf([&] { RandomTensor(input, {}, 1); });
    EXPECT_EQ(said.code, ExitCode::kResource);
    EXPECT_THAT(said.text, StrEq("input \"x\" is larger than 2 GiB"));
  }
}

// Levels of pictures are whole and go from 0 to 255; other numbers lie around zero.
TEST(RandomSampleTest, PixelsAreLevels) {
  const Value input{"x", FloatType({"N", "3", "16", "?"}), {}, {}};
  InputFormat pixels;
  pixels.holds_pixels = true;
  float least = 255;
  float most = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Tensor tensor = RandomTensor(input, pixels, seed);
    EXPECT_EQ(tensor.dims, (Dims{1, 3, 16, 1}));
    for (const float level : tensor.values<float>()) {
      EXPECT_EQ(level, std::floor(level));
      least = std::min(least, level);
      most = std::max(most, level);
    }
  }
  EXPECT_EQ(least, 0);
  EXPECT_EQ(most, 255);
  const Value integers{"n", TypeOf(DataType::kInt32, {"4"}), {}, {}};
  EXPECT_THAT(RandomTensor(integers, {}, 3).values<int32_t>(), testing::ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace qconvert
