#include "qconvert/dataset/sample_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "qconvert/base/error.h"
#include "qconvert/base/memory.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Value Input(const std::vector<std::string>& dims, const std::string& name = "x",
            DataType type = DataType::kFloat) {
  return {name, TypeOf(type, dims), {}, {}};
}

std::vector<float> Count(size_t n) {
  std::vector<float> out;
  for (size_t i = 0; i < n; ++i) out.push_back(static_cast<float>(i));
  return out;
}

class SampleSourceTest : public testing::Test {
 protected:
  SampleSource Open(const std::vector<Value>& inputs,
                    const SampleSourceOptions& options = {}) const {
    return OpenSamples(folder_.path(), inputs, options);
  }
  std::string OpenError(const std::vector<Value>& inputs, ExitCode code = ExitCode::kData,
                        bool read = false) const {
    try {
      const SampleSource source = Open(inputs);
      if (read) source.Read(0);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      return e.what();
    }
    return "";
  }
  TempDir folder_;
};

TEST_F(SampleSourceTest, SortedFilesOfOneInput) {
  folder_.Write("b.npy", NpyFloats({1, 2}, Count(2)));
  folder_.Write("a.npy", NpyFloats({1, 2}, std::vector<float>{5, 6}));
  folder_.Write(".hidden", "");
  const SampleSource source = Open({Input({"1", "2"})});
  ASSERT_EQ(source.size(), 2U);
  EXPECT_EQ(source.Read(0).name, "a.npy");
  EXPECT_THAT(source.Read(0).inputs[0].values<float>(), ElementsAre(5, 6));
}

TEST_F(SampleSourceTest, AddsAMissingBatchAxisAndCutsStackedSamples) {
  folder_.Write("a.npy", NpyFloats({2}, Count(2)));
  folder_.Write("b.npy", NpyFloats({3, 2}, Count(6)));
  const SampleSource source = Open({Input({"1", "2"})});
  ASSERT_EQ(source.size(), 4U);
  EXPECT_THAT(source.Read(0).inputs[0].dims, ElementsAre(1, 2));
  EXPECT_EQ(source.Read(2).name, "b.npy[1]");
  EXPECT_THAT(source.Read(2).inputs[0].values<float>(), ElementsAre(2, 3));
}

TEST_F(SampleSourceTest, AFreeFirstAxisIsCutOnlyWhenAsked) {
  folder_.Write("a.npy", NpyFloats({3, 2}, Count(6)));
  EXPECT_EQ(Open({Input({"N", "2"})}).size(), 1U);
  EXPECT_EQ(Open({Input({"N", "2"})}, {.stacked = true}).size(), 3U);
}

TEST_F(SampleSourceTest, StackedFilesMayLackTheBatchAxisOfTheModel) {
  folder_.Write("a.npy", NpyFloats({3, 2, 2}, Count(12)));
  const SampleSource source = Open({Input({"N", "2"})}, {.stacked = true});
  ASSERT_EQ(source.size(), 3U);
  EXPECT_THAT(source.Read(2).inputs[0].dims, ElementsAre(2, 2));
  EXPECT_THAT(source.Read(2).inputs[0].values<float>(), ElementsAre(8, 9, 10, 11));
  EXPECT_THAT(OpenError({Input({"N", "2"})}), HasSubstr("has shape [3,2,2], expected [N,2]"));
  folder_.Write("a.npy", NpyFloats({0, 2, 2}, Count(0)));
  EXPECT_THROW(Open({Input({"N", "2"})}, {.stacked = true}), Error);
}

TEST_F(SampleSourceTest, InputsOfUnequalFirstAxesPair) {
  folder_.Write("nodes/0.npy", NpyFloats({5, 2}, Count(10)));
  folder_.Write("edges/0.npy", NpyFloats({7}, Count(7)));
  const std::vector<Value> inputs = {Input({"N", "2"}, "nodes"), Input({"E"}, "edges")};
  const Sample sample = Open(inputs).Read(0);
  EXPECT_THAT(sample.inputs[0].dims, ElementsAre(5, 2));
  EXPECT_THAT(sample.inputs[1].dims, ElementsAre(7));
}

TEST_F(SampleSourceTest, SamplesOfAnyShapesLieSideBySide) {
  for (const int64_t n : {1, 9, 4, 2}) {
    const auto rows = static_cast<size_t>(n);
    folder_.Write(fmt::format("{}.npy", n), NpyFloats({n, 2}, Count(2 * rows)));
  }
  const SampleSource source = Open({Input({"time", "2"})});
  ASSERT_EQ(source.size(), 4U);
  EXPECT_THAT(source.Read(3).inputs[0].dims, ElementsAre(9, 2));
}

TEST_F(SampleSourceTest, EveryHeaderlessExtensionIsRead) {
  for (const char* extension : {"bin", "raw", "rgb", "yuv"}) {
    const TempDir folder;
    folder.Write(fmt::format("a.{}", extension), std::string("\1\2\3\4", 4));
    const SampleSource source =
        OpenSamples(folder.path(), {Input({"1", "4"}, "x", DataType::kUint8)}, {.format = "bin"});
    EXPECT_THAT(source.Read(0).inputs[0].values<uint8_t>(), ElementsAre(1, 2, 3, 4)) << extension;
    EXPECT_THROW(OpenSamples(folder.path(), {Input({"1", "4"})}, {.format = "npy"}), Error);
  }
}

TEST_F(SampleSourceTest, AHugeFileTakesMemoryForWhatIsRead) {
  std::filesystem::resize_file(folder_.Write("a.bin", ""), uintmax_t{16} << 30);
  const int64_t before = ResidentBytes();
  const SampleSource source = Open({Input({"1", "4"})}, {.max_samples = 2});
  ASSERT_EQ(source.size(), 2U);
  EXPECT_EQ(source.Read(1).name, "a.bin[536870912]");
  EXPECT_EQ(source.Read(1).inputs[0].byte_size(), 16);
  EXPECT_LT(ResidentBytes() - before, 64 << 20);
  EXPECT_THAT(OpenError({Input({"1", "4"})}, ExitCode::kResource),
              HasSubstr("--max-samples takes fewer"));
  EXPECT_THAT(OpenError({Input({"N", "4"})}, ExitCode::kResource),
              HasSubstr("is one sample of 16384 MB for input \"x\", at most 2048 MB; --stacked"));
  EXPECT_EQ(Open({Input({"N", "4"})}, {.stacked = true, .max_samples = 2}).size(), 2U);
}

TEST_F(SampleSourceTest, NamesOfInputsNeverLeadOut) {
  const TempDir other;
  other.Write("x/0.npy", NpyFloats({1, 2}, Count(2)));
  folder_.Write("calib/f/0.npy", NpyFloats({1, 2}, Count(2)));
  folder_.Write("out/0.npy", NpyFloats({1, 2}, Count(2)));
  const std::string absolute = (other / "x").string();
  const auto open = [&](const std::string& name) {
    return OpenSamples(folder_ / "calib", {Input({"1", "2"}, "f"), Input({"1", "2"}, name)}, {});
  };
  for (const std::string& name :
       {absolute, "/" + absolute, std::string("../out"), std::string("f/../../out"),
        std::string("./../out"), std::string(".."), std::string("."), std::string(""),
        std::string("f/"), std::string("f/."), std::string("f\0/../../out", 13),
        std::string(5000, 'n')}) {
    try {
      open(name);
      ADD_FAILURE() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::kData) << e.what();
      EXPECT_THAT(e.what(), HasSubstr("has no sub-folder for input")) << name;
    }
  }
  // Inside, as folders of folders or with the name as a file name.
  folder_.Write("calib/a/b/0.npy", NpyFloats({1, 2}, Count(2)));
  EXPECT_EQ(open("a/b").size(), 1U);
  folder_.Write("calib/.._out/0.npy", NpyFloats({1, 2}, Count(2)));
  EXPECT_EQ(open("../out").size(), 1U);
}

TEST_F(SampleSourceTest, OneFolderIsNotForTwoInputs) {
  folder_.Write("a_b/0.npy", NpyFloats({1, 2}, Count(2)));
  EXPECT_THAT(OpenError({Input({"1", "2"}, "a/b"), Input({"1", "2"}, "a:b")}),
              HasSubstr("is the sub-folder of input \"a/b\" and of input \"a:b\""));
}

TEST_F(SampleSourceTest, ErrorsTellWhatIsNeededAndWhatIsThere) {
  folder_.Write("0.npy", NpyFloats({1, 2}, Count(2)));
  folder_.Write("1.npy", NpyFloats({1, 2}, Count(2)));
  const std::vector<Value> inputs = {Input({"1", "2"}, "input"), Input({"2", "1", "N"}, "state"),
                                     Input({}, "sr", DataType::kInt64)};
  EXPECT_THAT(OpenError(inputs),
              HasSubstr("it holds 2 files such as 0.npy; 3 inputs need one sub-folder each: input "
                        "float[1,2], state float[2,1,N], sr int64[]"));
  folder_.Write("input/0.npy", NpyFloats({1, 2}, Count(2)));
  EXPECT_THAT(OpenError(inputs), HasSubstr("it holds folder input and 2 files such as 0.npy"));
  folder_.Write("state/0.npy", NpyFloats({1, 2}, Count(2)));
  std::filesystem::remove(folder_ / "1.npy");
  EXPECT_THAT(OpenError(inputs), HasSubstr("it holds folders input, state and file 0.npy;"));
  EXPECT_THAT(OpenError({Input({"1", "2"})}), HasSubstr("is none of"));
}

TEST_F(SampleSourceTest, IntegersForAFloatInputAreNoted) {
  folder_.Write("a.npy", NpyBytes("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), }",
                                  std::string("\x07\xff", 2)));
  EXPECT_THAT(Open({Input({"1", "2"})}).integer_data(),
              ElementsAre(testing::Pair("x", DataType::kUint8)));
  EXPECT_TRUE(Open({Input({"1", "2"}, "x", DataType::kInt32)}).integer_data().empty());
}

TEST_F(SampleSourceTest, MaxSamplesSpreadsEvenly) {
  for (const char* name : {"0.npy", "1.npy", "2.npy", "3.npy"})
    folder_.Write(name, NpyFloats({1, 2}, Count(2)));
  const SampleSource source = Open({Input({"1", "2"})}, {.max_samples = 2});
  ASSERT_EQ(source.size(), 2U);
  EXPECT_EQ(source.Read(1).name, "2.npy");
}

TEST_F(SampleSourceTest, PairsInputsByFileName) {
  folder_.Write("a/0.npy", NpyFloats({1, 2}, Count(2)));
  folder_.Write("b_c/0.bin", std::string(8, '\0'));
  const std::vector<Value> inputs = {Input({"1", "2"}, "a"), Input({}, "b/c", DataType::kInt64)};
  const SampleSource source = Open(inputs);
  ASSERT_EQ(source.size(), 1U);
  EXPECT_EQ(source.Read(0).inputs[1].name, "b/c");
  EXPECT_EQ(source.Read(0).inputs[1].type, DataType::kInt64);
  folder_.Write("a/1.npy", NpyFloats({1, 2}, Count(2)));
  EXPECT_THAT(OpenError(inputs),
              HasSubstr("has 1 files for input \"b/c\", but there are 2 for \"a\""));
  folder_.Write("b_c/1.bin", std::string(16, '\0'));
  EXPECT_THAT(OpenError({Input({"1", "2"}, "a"), Input({"1"}, "b/c", DataType::kInt64)}),
              HasSubstr("b_c/1.bin: holds 2 samples, but its partner a/1.npy holds 1"));
  std::filesystem::remove(folder_ / "b_c/1.bin");
  folder_.Write("b_c/9.bin", std::string(8, '\0'));
  EXPECT_THAT(OpenError(inputs), HasSubstr("has no partner"));
  EXPECT_THAT(OpenError({Input({"1", "2"}, "a"), Input({"1"}, "b_d")}),
              HasSubstr("no sub-folder for input \"b_d\", did you mean 'b_c'?"));
}

TEST_F(SampleSourceTest, RawFilesTakeTheInputsTypeAndShape) {
  folder_.Write("a.bin", std::string(24, '\0'));
  EXPECT_EQ(Open({Input({"1", "2"})}).size(), 3U);
  EXPECT_THAT(Open({Input({"1", "N", "2"})}).Read(0).inputs[0].dims, ElementsAre(1, 3, 2));
  EXPECT_THAT(OpenError({Input({"1", "5"})}), HasSubstr("has 24 bytes, expected a multiple of 20"));
  EXPECT_THAT(OpenError({Input({"M", "N"})}), HasSubstr("several free dimensions"));
}

TEST_F(SampleSourceTest, ConvertsNumbersThatSurvive) {
  folder_.Write("a.npy", NpyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (1,1), }",
                                  std::string("\0\0\0\0\0\0\xf8\x3f", 8)));
  EXPECT_THAT(Open({Input({"1", "1"})}).Read(0).inputs[0].values<float>(), ElementsAre(1.5F));
  EXPECT_THAT(ToFloats(Open({Input({"1", "1"}, "x", DataType::kFloat16)}).Read(0).inputs[0]),
              ElementsAre(1.5F));
  EXPECT_THAT(OpenError({Input({"1", "1"}, "x", DataType::kInt64)}),
              HasSubstr("holds double, expected int64"));
}

TEST_F(SampleSourceTest, IntegersMustFit) {
  folder_.Write("a.npy", NpyBytes("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }",
                                  std::string("\0\0\0\0\1\0\0\0", 8)));
  EXPECT_THAT(OpenError({Input({"1"}, "x", DataType::kInt32)}, ExitCode::kData, true),
              HasSubstr("holds 4294967296, which does not fit type int32"));
}

TEST_F(SampleSourceTest, NaNAndInfinityAreCountedAndNamed) {
  folder_.Write("a.npy", NpyFloats({1, 3}, std::vector<float>{NAN, 1, INFINITY}));
  EXPECT_THAT(OpenError({Input({"1", "3"})}, ExitCode::kNumeric, true),
              HasSubstr("a.npy: 2 of 3 values are NaN or infinite"));
}

TEST_F(SampleSourceTest, BadFoldersAreNamed) {
  EXPECT_THAT(OpenError({Input({"1"})}), HasSubstr("holds no samples"));
  folder_.Write("readme.txt", "");
  EXPECT_THAT(
      OpenError({Input({"1"})}),
      HasSubstr("readme.txt: is none of .npy, .npz or .bin files, or pictures (.jpg, .png)"));
  EXPECT_THROW(OpenSamples(folder_ / "none", {Input({"1"})}, {}), Error);
}

TEST_F(SampleSourceTest, AScalarMayBeAListOfOne) {
  folder_.Write("a.npy", NpyFloats({1}, Count(1)));
  folder_.Write("b.npy", NpyFloats({1, 1}, Count(1)));
  const SampleSource source = Open({Input({})});
  ASSERT_EQ(source.size(), 2U);
  for (size_t i = 0; i < 2; ++i) EXPECT_THAT(source.Read(i).inputs[0].dims, testing::IsEmpty());
  folder_.Write("d.npy", NpyFloats({2}, Count(2)));
  EXPECT_THAT(OpenError({Input({})}), HasSubstr("d.npy: has shape [2], expected []"));
}

TEST_F(SampleSourceTest, WrongShapesAreNamed) {
  folder_.Write("a.npy", NpyFloats({1, 9}, Count(9)));
  EXPECT_THAT(OpenError({Input({"1", "8"})}),
              HasSubstr("a.npy: has shape [1,9], expected [1,8] for input \"x\""));
  EXPECT_THAT(OpenError({Input({"1", "3", "3", "1"})}), HasSubstr("has shape [1,9]"));
  EXPECT_THAT(OpenError({Input({"2", "9"})}), HasSubstr("has shape [1,9], expected [2,9]"));
}

TEST_F(SampleSourceTest, WithoutInputsThereIsOneEmptySample) {
  const SampleSource source = OpenSamples("", {}, {});
  ASSERT_EQ(source.size(), 1U);
  EXPECT_TRUE(source.Read(0).inputs.empty());
}

TEST_F(SampleSourceTest, TheDigestSeesContentsInNoOrder) {
  const auto write = [&](const char* name, float value) {
    folder_.Write(name, NpyFloats({1, 2}, std::vector<float>{0, value}));
  };
  const auto digest = [&](int workers = 1) { return Open({Input({"1", "2"})}).Digest(workers); };
  for (const char* name : {"a.npy", "b.npy", "c.npy"}) write(name, name[0]);
  const DataDigest before = digest();
  EXPECT_EQ(digest(3).sha256, before.sha256);
  write("a.npy", 'c');
  write("c.npy", 'a');
  EXPECT_EQ(digest().sha256, before.sha256);
  for (size_t k = 0; k < 3; ++k)
    EXPECT_EQ(digest().by_content[k], 2 - before.by_content[k]) << "the same contents in order";
  write("a.npy", 'd');
  EXPECT_NE(digest().sha256, before.sha256);
}

TEST_F(SampleSourceTest, RawPixelsOfAnyNameAreNormalizedPerChannel) {
  folder_.Write("frame.pixels", std::string("\x00\x80\xff\x10\x20\x30", 6));
  InputFormat format{.raw_type = DataType::kUint8, .holds_pixels = true};
  format.scaling.mean = {127.5, 16, 0.25};
  format.scaling.scale = {1 / 127.5, 0.5, 3};
  SampleSourceOptions options{.any_name_is_raw = true, .formats = {{"x", format}}};
  const SampleSource nchw = Open({Input({"1", "3", "1", "2"})}, options);
  EXPECT_THAT(nchw.Read(0).inputs[0].values<float>(),
              testing::Pointwise(testing::FloatEq(),
                                 {-1.0F, 0.5F / 127.5F, 119.5F, 0.0F, 95.25F, 143.25F}));
  EXPECT_TRUE(nchw.integer_data().empty()) << "pixels are meant to be integers";
  options.formats["x"].scaling.channel_axis = 3;
  const SampleSource nhwc = Open({Input({"1", "1", "2", "3"})}, options);
  EXPECT_THAT(nhwc.Read(0).inputs[0].values<float>(),
              testing::Pointwise(testing::FloatEq(),
                                 {-1.0F, 56.0F, 764.25F, -111.5F / 127.5F, 8.0F, 143.25F}));
}

TEST_F(SampleSourceTest, NpyFilesOfPixelsAreNormalizedToo) {
  folder_.Write("a.npy", NpyFloats({1, 1, 2}, std::vector<float>{0, 255}));
  InputFormat format{.holds_pixels = true};
  format.scaling.mean = {127.5};
  format.scaling.scale = {2 / 255.0};
  const SampleSource source = Open({Input({"1", "1", "2"})}, {.formats = {{"x", format}}});
  EXPECT_THAT(source.Read(0).inputs[0].values<float>(), ElementsAre(-1, 1));
}

TEST_F(SampleSourceTest, ChannelsThatMeanAndScaleDoNotFitAreTold) {
  folder_.Write("a.npy", NpyFloats({1, 2, 1}, Count(2)));
  InputFormat format;
  format.scaling.mean = format.scaling.scale = {1, 2, 3};
  const SampleSource source = Open({Input({"1", "2", "1"})}, {.formats = {{"x", format}}});
  try {
    source.Read(0);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kData);
    EXPECT_THAT(e.what(), HasSubstr("expected 3 channels on axis 1 for mean and scale"));
  }
}

TEST_F(SampleSourceTest, AFileOfAnotherNameIsAnErrorWhereItIsNotAsked) {
  folder_.Write("frame.pixels", "1234");
  EXPECT_THAT(OpenError({Input({"1", "1"})}), HasSubstr("is none of"));
}

TEST_F(SampleSourceTest, RandomSamplesAreTheSameEveryTimeAndInTheirRange) {
  InputFormat pixels{.holds_pixels = true};
  const std::vector<Value> inputs = {Input({"1", "64"}, "image"), Input({"N", "64"}, "feature"),
                                     Input({"2"}, "index", DataType::kInt64)};
  const SampleSourceOptions options{.random_samples = 5, .formats = {{"image", pixels}}};
  const SampleSource source = OpenSamples("/nowhere", inputs, options);
  ASSERT_EQ(source.size(), 5U);
  EXPECT_EQ(source.Digest(2).by_content.size(), 5U);
  const Sample sample = source.Select({3}).Read(0);
  EXPECT_EQ(sample.name, "random 3");
  for (const float value : sample.inputs[0].values<float>()) {
    EXPECT_EQ(value, std::floor(value));
    EXPECT_TRUE(value >= 0 && value <= 255) << value;
  }
  for (const float value : sample.inputs[1].values<float>()) EXPECT_LE(std::abs(value), 1);
  EXPECT_THAT(sample.inputs[2].values<int64_t>(), ElementsAre(0, 0));
  EXPECT_EQ(*sample.inputs[0].bytes, *source.Read(3).inputs[0].bytes);
  EXPECT_NE(*sample.inputs[0].bytes, *source.Read(2).inputs[0].bytes);
}

}  // namespace
}  // namespace qconvert
