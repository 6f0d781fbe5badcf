#include "qconvert/dataset/npy_writer.h"

#include <gtest/gtest.h>

#include <array>

#include "qconvert/base/error.h"
#include "qconvert/dataset/npy_reader.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

Tensor ReadBack(const Tensor& tensor) {
  const TempDir dir;
  const InputFile file(dir.Write("x.npy", NpyBytes(tensor)));
  const ByteSource source(file);
  return ReadNpy(source, ReadNpyHeader(source));
}

TEST(NpyWriterTest, ReadsBackTheSame) {
  const std::array<float, 6> floats = {0, -1.5F, 3e38F, 1e-40F, 7, 8};
  for (const auto& dims : std::vector<std::vector<int64_t>>{{6}, {2, 3}, {1, 6, 1}}) {
    const Tensor back = ReadBack(MakeFloatTensor("x", dims, floats));
    EXPECT_EQ(back.type, DataType::kFloat);
    EXPECT_EQ(back.dims, dims);
    EXPECT_EQ(std::vector<float>(back.values<float>().begin(), back.values<float>().end()),
              std::vector<float>(floats.begin(), floats.end()));
  }
  const std::array<int64_t, 1> number = {-5};
  const Tensor scalar = ReadBack(MakeInt64Tensor("x", {}, number));
  EXPECT_TRUE(scalar.dims.empty());
  EXPECT_EQ(scalar.values<int64_t>()[0], -5);
  const std::array<uint8_t, 3> bytes = {0, 128, 255};
  EXPECT_EQ(ReadBack(MakeTensor<uint8_t>("x", DataType::kUint8, {3}, bytes)).values<uint8_t>()[2],
            255);
}

TEST(NpyWriterTest, DataIsAligned) {
  const std::array<float, 1> one = {1};
  EXPECT_EQ((NpyBytes(MakeFloatTensor("x", {1}, one)).size() - sizeof(float)) % 64, 0U);
}

TEST(NpyWriterTest, TypesThatNumPyHasNotAreErrors) {
  Tensor strings;
  strings.type = DataType::kString;
  EXPECT_THROW(NpyBytes(strings), Error);
}

}  // namespace
}  // namespace qconvert
