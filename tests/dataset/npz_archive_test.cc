#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <cstring>
#include <map>

#include "qconvert/base/error.h"
#include "qconvert/base/memory.h"
#include "qconvert/dataset/sample_source.h"
#include "support/errors.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

enum class Packing { kStored, kDeflated };

// What numpy.savez and numpy.savez_compressed write.
void WriteZip(const std::filesystem::path& file, const std::map<std::string, std::string>& members,
              Packing packing) {
  std::filesystem::create_directories(file.parent_path());
  int code = 0;
  zip_t* archive = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  ASSERT_NE(archive, nullptr) << code;
  for (const auto& [name, bytes] : members) {
    zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    ASSERT_GE(index, 0) << name;
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index),
                             packing == Packing::kStored ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0);
  }
  ASSERT_EQ(zip_close(archive), 0);
}

Value Input(const std::string& name, const std::vector<std::string>& dims) {
  return {name, FloatType(dims), {}, {}};
}

std::string Array(const std::vector<int64_t>& shape, std::vector<float> values) {
  return NpyFloats(shape, values);
}

std::string Replace(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

class NpzArchiveTest : public testing::Test {
 protected:
  std::string Error0(const std::vector<Value>& inputs) const {
    try {
      const SampleSource source = OpenSamples(folder_ / "calib", inputs, {});
      for (size_t k = 0; k < source.size(); ++k) source.Read(k);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kData) << e.what();
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      return e.what();
    }
    return "";
  }
  // The bytes of an archive with one array [1,2] under "x".
  std::string Good(Packing packing = Packing::kStored) const {
    WriteZip(folder_ / "good.npz", {{"x.npy", Array({1, 2}, {3, 4})}}, packing);
    return Slurp(folder_ / "good.npz");
  }
  TempDir folder_;
};

TEST_F(NpzArchiveTest, HoldsOneArrayPerInput) {
  for (const Packing packing : {Packing::kStored, Packing::kDeflated}) {
    WriteZip(folder_ / "calib/0.npz",
             {{"b/c.npy", Array({3}, {7, 8, 9})}, {"x.npy", Array({1, 2}, {3, 4})}, {"y.npy", ""}},
             packing);
    WriteZip(folder_ / "calib/1.npz",
             {{"b_c.npy", Array({1}, {6})}, {"x.npy", Array({1, 2}, {5, 6})}}, packing);
    const SampleSource source =
        OpenSamples(folder_ / "calib", {Input("x", {"1", "2"}), Input("b/c", {"N"})}, {});
    ASSERT_EQ(source.size(), 2U);
    EXPECT_EQ(source.files().size(), 2U);
    EXPECT_EQ(source.Read(0).name, "0.npz");
    EXPECT_THAT(source.Read(0).inputs[1].values<float>(), ElementsAre(7, 8, 9));
    EXPECT_THAT(source.Read(1).inputs[0].values<float>(), ElementsAre(5, 6));
    EXPECT_EQ(source.Digest(1).by_content.size(), 2U);
  }
}

TEST_F(NpzArchiveTest, TheOnlyArrayMayHaveAnyName) {
  WriteZip(folder_ / "calib/0.npz", {{"arr_0.npy", Array({1, 2}, {3, 4})}}, Packing::kStored);
  EXPECT_EQ(OpenSamples(folder_ / "calib", {Input("x", {"1", "2"})}, {}).size(), 1U);
  WriteZip(folder_ / "calib/0.npz",
           {{"arr_0.npy", Array({1, 2}, {3, 4})}, {"imag.npy", Array({1, 2}, {3, 4})}},
           Packing::kStored);
  EXPECT_THAT(
      Error0({Input("image", {"1", "2"})}),
      HasSubstr("0.npz: has no array \"image\" for input float[1,2], did you mean 'imag'?"));
  EXPECT_THAT(Error0({Input("scores", {"1", "2"})}),
              HasSubstr("has no array \"scores\" for input float[1,2]; it holds arr_0, imag"));
}

TEST_F(NpzArchiveTest, TheOnlyArrayIsNotThatOfTwoInputs) {
  const std::vector<Value> both = {Input("x", {"1", "2"}), Input("y", {"1", "2"})};
  for (const auto& [array, lacking] : {std::pair{"x.npy", "\"y\" for input float[1,2]; it holds x"},
                                       {"y.npy", "\"x\" for input float[1,2]; it holds y"},
                                       {"arr_0.npy", "\"x\" for input"}}) {
    WriteZip(folder_ / "calib/0.npz", {{array, Array({1, 2}, {3, 4})}}, Packing::kStored);
    EXPECT_THAT([&] { OpenSamples(folder_ / "calib", both, {}); },
                ThrowsError(ExitCode::kData, std::string("0.npz: has no array ") + lacking));
  }
  // In a sub-folder of its input it may be called anything.
  const TempDir other;
  for (const char* name : {"x", "y"})
    WriteZip(other / (std::string(name) + "/0.npz"), {{"arr_0.npy", Array({1, 2}, {3, 4})}},
             Packing::kStored);
  EXPECT_EQ(OpenSamples(other.path(), both, {}).size(), 1U);
}

TEST_F(NpzArchiveTest, StandsBesideOtherFilesInASubFolder) {
  WriteZip(folder_ / "calib/x/0.npz", {{"x.npy", Array({1, 2}, {3, 4})}}, Packing::kDeflated);
  folder_.Write("calib/y/0.npy", Array({1, 2}, {5, 6}));
  const SampleSource source =
      OpenSamples(folder_ / "calib", {Input("x", {"1", "2"}), Input("y", {"1", "2"})}, {});
  EXPECT_THAT(source.Read(0).inputs[0].values<float>(), ElementsAre(3, 4));
}

TEST_F(NpzArchiveTest, RowsOfStoredArraysAreReadInAnyOrder) {
  WriteZip(folder_ / "calib/0.npz", {{"x.npy", Array({3, 2}, {0, 1, 2, 3, 4, 5})}},
           Packing::kStored);
  const SampleSource source = OpenSamples(folder_ / "calib", {Input("x", {"1", "2"})}, {});
  ASSERT_EQ(source.size(), 3U);
  for (const size_t k : {2U, 0U, 1U}) {
    const auto first = static_cast<float>(2 * k);
    EXPECT_THAT(source.Read(k).inputs[0].values<float>(), ElementsAre(first, first + 1));
  }
  WriteZip(folder_ / "calib/0.npz", {{"x.npy", Array({3, 2}, {0, 1, 2, 3, 4, 5})}},
           Packing::kDeflated);
  EXPECT_THAT(Error0({Input("x", {"1", "2"})}), HasSubstr("stacks 3 samples in a packed archive"));
}

TEST_F(NpzArchiveTest, HostileArchivesAreRefused) {
  const std::string good = Good();
  const size_t central = good.find("PK\1\2");
  const auto patched = [&](size_t offset, const std::string& bytes) {
    return std::string(good).replace(central + offset, bytes.size(), bytes);
  };
  WriteZip(folder_ / "two.npz", {{"x.npy", Array({1, 2}, {3, 4})}, {"z.npy", ""}},
           Packing::kStored);
  std::map<std::string, std::string> many;
  for (int i = 0; i < 5000; ++i) many[std::to_string(i) + ".npy"] = "";
  WriteZip(folder_ / "many.npz", many, Packing::kStored);
  const std::pair<const char*, std::string> kCases[] = {
      {"empty", ""},
      {"no archive", "PK"},
      {"npy", Array({1, 2}, {3, 4})},
      {"cut", good.substr(0, good.size() - 30)},
      {"no directory", good.substr(0, central)},
      {"a name twice", Replace(Slurp(folder_ / "two.npz"), "z.npy", "x.npy")},
      {"no npy", Replace(good, "x.npy", "x.txt")},
      {"no name", Replace(good, "x.npy", "\0\0\0\0\0")},
      {"encrypted", patched(8, std::string("\1\0", 2))},
      {"bzip2", patched(10, std::string("\x0c\0", 2))},
      {"larger than it is", patched(24, std::string("\0\0\0\x70", 4))},
      {"packed larger than the file", patched(20, std::string("\0\0\0\x70\0\0\0\x70", 8))},
      {"too many", Slurp(folder_ / "many.npz")},
      {"other bytes than its checksum", Replace(good, std::string("\0\0\x80\x40", 4), "\1\1\1\1")},
  };
  for (const auto& [what, bytes] : kCases) {
    folder_.Write("calib/0.npz", bytes);
    EXPECT_NE(Error0({Input("x", {"1", "2"})}), "") << what;
  }
}

TEST_F(NpzArchiveTest, MembersThatAreNoArraysAreRefused) {
  const auto error = [&](const std::string& bytes, Packing packing) {
    WriteZip(folder_ / "calib/0.npz", {{"x.npy", bytes}}, packing);
    return Error0({Input("x", {"N", "2"})});
  };
  std::string huge_header("\x93NUMPY\x02\0\xff\xff\xff\x7f", 12);
  for (const Packing packing : {Packing::kStored, Packing::kDeflated}) {
    EXPECT_THAT(error("", packing), HasSubstr("0.npz:x: is not an npy file"));
    EXPECT_THAT(error(huge_header + std::string(100'000, ' '), packing),
                HasSubstr("npy header claims 2147483647 bytes"));
    EXPECT_THAT(
        error(NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (1 << 60, 2), }", ""),
              packing),
        HasSubstr("malformed"));
    EXPECT_THAT(
        error(NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999, 2), }", ""),
              packing),
        HasSubstr("holds 0 bytes of data"));
    EXPECT_THAT(
        error(NpyBytes("{'descr': '|O', 'fortran_order': False, 'shape': (1, 2), }", "x"), packing),
        HasSubstr("pickle"));
  }
}

TEST_F(NpzArchiveTest, ABombIsNotUnpacked) {
  const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (16777216,), }";
  WriteZip(folder_ / "calib/0.npz", {{"x.npy", NpyBytes(dictionary, std::string(1 << 26, '\0'))}},
           Packing::kDeflated);
  ASSERT_LT(std::filesystem::file_size(folder_ / "calib/0.npz"), 1U << 20);
  const int64_t before = ResidentBytes();
  EXPECT_THAT(Error0({Input("x", {"1", "2"})}), HasSubstr("has shape [16777216]"));
  EXPECT_LT(ResidentBytes() - before, 32 << 20);
}

TEST_F(NpzArchiveTest, AnyChangedByteIsReadOrRefused) {
  for (const Packing packing : {Packing::kStored, Packing::kDeflated}) {
    const std::string good = Good(packing);
    for (size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 0x41);
      folder_.Write("calib/0.npz", bad);
      Error0({Input("x", {"1", "2"})});
      folder_.Write("calib/0.npz", good.substr(0, i));
      EXPECT_NE(Error0({Input("x", {"1", "2"})}), "") << i;
    }
  }
}

}  // namespace
}  // namespace qconvert
