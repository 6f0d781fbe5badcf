#include "qconvert/dataset/npy_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/error.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor Read(const std::string& bytes, int64_t first = 0, int64_t count = -1) {
  const TempDir folder;
  const InputFile file(folder.Write("a.npy", bytes));
  return ReadNpy(file, ReadNpyHeader(file), first, count);
}

std::string ReadError(const std::string& bytes) {
  try {
    Read(bytes);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kData) << e.what();
    return e.what();
  }
  return "";
}

const std::string kSix("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40\0\0\xc0\x40",
                       24);  // 1 .. 6

TEST(NpyReaderTest, ReadsWholeAndByRows) {
  const std::string file =
      NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", kSix);
  EXPECT_THAT(Read(file).values<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  const Tensor row = Read(file, 1, 2);
  EXPECT_THAT(row.dims, ElementsAre(2, 2));
  EXPECT_THAT(row.values<float>(), ElementsAre(3, 4, 5, 6));
}

TEST(NpyReaderTest, FortranOrderAndBigEndianAreConverted) {
  const Tensor fortran =
      Read(NpyBytes("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", kSix));
  EXPECT_THAT(fortran.values<float>(), ElementsAre(1, 4, 2, 5, 3, 6));
  const Tensor row =
      Read(NpyBytes("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", kSix), 2, 1);
  EXPECT_THAT(row.values<float>(), ElementsAre(3, 6));
  const Tensor big = Read(NpyBytes("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }",
                                   std::string("\x01\x02\xff\xfe", 4)));
  EXPECT_THAT(big.values<int16_t>(), ElementsAre(0x0102, -2));
}

TEST(NpyReaderTest, Formats2And3AndOtherSpellings) {
  std::string header = "{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"<f4\"}";
  for (const char version : {'\x02', '\x03'}) {
    std::string file = std::string("\x93NUMPY", 6) + version + std::string(1, '\0') +
                       static_cast<char>(header.size()) + std::string(3, '\0') + header;
    EXPECT_THAT(Read(file + kSix.substr(0, 8)).values<float>(), ElementsAre(1, 2));
  }
  EXPECT_THAT(
      Read(NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", kSix.substr(0, 4)))
          .dims,
      ElementsAre());
  EXPECT_THAT(Read(NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }",
                            kSix.substr(0, 8)))
                  .dims,
              ElementsAre(2));
}

TEST(NpyReaderTest, BadFilesAreNamed) {
  const auto with = [](const std::string& shape, const std::string& descr = "'<f4'") {
    return NpyBytes("{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }",
                    kSix);
  };
  const std::vector<std::pair<std::string, const char*>> cases = {
      {"", "is not an npy file"},
      {"NUMPY", "is not an npy file"},
      {std::string("\x93NUMPY", 6), "is not an npy file"},
      {std::string("PK\x03\x04") + kSix, "is not an npy file"},
      {std::string("\x93NUMPY\x01\x00\xff\xff{", 11), "header claims 65535 bytes"},
      {std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff{", 13), "header claims 4294967295 bytes"},
      {std::string("\x93NUMPY\x09\x09\x01\x00{", 11), "npy format 9"},
      {NpyBytes("[1, 2]", ""), "malformed"},
      {NpyBytes("{'descr': '<f4', 'fortran_order': False, }", ""), "lacks descr"},
      {NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'extra': 1}", kSix),
       "unknown header key 'extra'"},
      {NpyBytes("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", kSix),
       "twice"},
      {NpyBytes("{'descr': '<f4', 'fortran_order': 'yes', 'shape': (6,)}", kSix),
       "neither True nor False"},
      {NpyBytes("{'descr': '<f4', 'fortran_order': __import__('os'), 'shape': (6,)}", kSix),
       "neither True nor False"},
      {NpyBytes(std::string(30000, '['), ""), "malformed"},
      {with("(-6,)"), "shape is malformed"},
      {with("(6.0,)"), "malformed"},
      {with("(" + std::string(5000, '9') + ",)"), "shape is malformed"},
      {with("(4611686018427387904, 4)"), "impossible shape"},
      {with("(4294967296, 4294967296, 2)"), "impossible shape"},
      {with("(1099511627776,)"), "holds 24 bytes of data"},
      {with("(5,)"), "holds 24 bytes of data, expected 20"},
      {with("(7,)"), "holds 24 bytes of data, expected 28"},
      {with("(6,)", "'|O'"), "Python objects"},
      {with("(6,)", "'<U8'"), "dtype '<U8'"},
      {with("(6,)", "'<M8[ns]'"), "dtype"},
      {with("(6,)", "'<c8'"), "dtype '<c8'"},
      {with("(6,)", "'|V4'"), "dtype"},
      {with("(6,)", "'<f3'"), "dtype"},
      {with("(6,)", "'<f99999999999'"), "dtype"},
      {with("(6,)", "''"), "dtype ''"},
      {with("(6,)", "'f'"), "dtype 'f'"},
      {with("(6,)", "7"), "malformed"},
      {with("(6,)", "[('a', '<f4')]"), "structured dtype"},
  };
  for (const auto& [bytes, message] : cases)
    EXPECT_THAT(ReadError(bytes), HasSubstr(message)) << bytes.substr(0, 80);
}

}  // namespace
}  // namespace qconvert
