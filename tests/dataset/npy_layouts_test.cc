// Arrays of every type, order of bytes and order of axes, whole and by rows, against an index by
// index walk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "qconvert/base/error.h"
#include "qconvert/dataset/npy_reader.h"
#include "support/errors.h"
#include "support/npy.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Dims = std::vector<int64_t>;

ByteSource SourceOf(const std::string& bytes) {
  return {"a.npy", static_cast<int64_t>(bytes.size()),
          [bytes](int64_t offset, int64_t count, char* out) {
            ASSERT_LE(offset + count, static_cast<int64_t>(bytes.size())) << "beyond the end";
            std::memcpy(out, bytes.data() + offset, static_cast<size_t>(count));
          }};
}

struct Type {
  const char* code;
  size_t width;
  DataType type;
};

const std::vector<Type> kTypes = {
    {"f2", 2, DataType::kFloat16}, {"f4", 4, DataType::kFloat},  {"f8", 8, DataType::kDouble},
    {"i1", 1, DataType::kInt8},    {"i2", 2, DataType::kInt16},  {"i4", 4, DataType::kInt32},
    {"i8", 8, DataType::kInt64},   {"u1", 1, DataType::kUint8},  {"u2", 2, DataType::kUint16},
    {"u4", 4, DataType::kUint32},  {"u8", 8, DataType::kUint64}, {"b1", 1, DataType::kBool},
};

// The bytes of element k, little endian; no two elements of a small array are alike.
std::string ElementOf(size_t k, size_t width) {
  std::string bytes;
  for (size_t b = 0; b < width; ++b) bytes += static_cast<char>(k * 7 + b * 31 + 1);
  return bytes;
}

size_t CountOf(const Dims& shape) {
  size_t count = 1;
  for (const int64_t dim : shape) count *= static_cast<size_t>(dim);
  return count;
}

// Row-major elements [first, last).
std::string RowMajor(size_t first, size_t last, size_t width) {
  std::string bytes;
  for (size_t k = first; k < last; ++k) bytes += ElementOf(k, width);
  return bytes;
}

// Element k, in row-major count, of a file in this order and with these bytes.
std::string DataOf(const Dims& shape, size_t width, bool is_fortran, bool is_big) {
  const size_t count = CountOf(shape);
  std::vector<std::string> in_order(count);
  for (size_t k = 0; k < count; ++k) {
    size_t rest = k;
    Dims index(shape.size());
    for (size_t d = shape.size(); d-- > 0;) {
      index[d] = static_cast<int64_t>(rest % static_cast<size_t>(shape[d]));
      rest /= static_cast<size_t>(shape[d]);
    }
    size_t place = 0;  // of the index with the first axis the fastest
    for (size_t d = shape.size(); d-- > 0;)
      place = place * static_cast<size_t>(shape[d]) + static_cast<size_t>(index[d]);
    std::string element = ElementOf(k, width);
    if (is_big) std::reverse(element.begin(), element.end());
    in_order[is_fortran ? place : k] = element;
  }
  std::string data;
  for (const std::string& element : in_order) data += element;
  return data;
}

std::string FileOf(const Dims& shape, const Type& type, bool is_fortran, bool is_big) {
  const char order = type.width == 1 ? '|' : is_big ? '>' : '<';
  return NpyBytes(fmt::format("{{'descr': '{}{}', 'fortran_order': {}, 'shape': ({}{}), }}", order,
                              type.code, is_fortran ? "True" : "False", fmt::join(shape, ", "),
                              shape.size() == 1 ? "," : ""),
                  DataOf(shape, type.width, is_fortran, is_big));
}

const std::vector<Dims> kShapes = {{},        {1},          {5},       {2, 3},
                                   {1, 4, 1}, {3, 2, 2, 2}, {2, 1, 3}, {4, 0, 2}};

TEST(NpyLayoutsTest, EveryTypeAndOrderWhole) {
  for (const Type& type : kTypes) {
    for (const Dims& shape : kShapes) {
      for (const bool is_fortran : {false, true}) {
        for (const bool is_big : {false, true}) {
          SCOPED_TRACE(std::string(type.code) + testing::PrintToString(shape));
          const std::string file = FileOf(shape, type, is_fortran, is_big);
          const ByteSource source = SourceOf(file);
          const NpyHeader header = ReadNpyHeader(source);
          EXPECT_EQ(header.type, type.type);
          EXPECT_EQ(header.shape, shape);
          const Tensor tensor = ReadNpy(source, header);
          EXPECT_EQ(tensor.type, type.type);
          EXPECT_EQ(tensor.dims, shape);
          EXPECT_EQ(*tensor.bytes, RowMajor(0, CountOf(shape), type.width));
        }
      }
    }
  }
}

TEST(NpyLayoutsTest, AnyRowsOfAnyOrder) {
  const Type& type = kTypes[4];
  for (const Dims& shape : kShapes) {
    if (shape.empty()) continue;
    const size_t row = CountOf(shape) / static_cast<size_t>(shape[0]);
    for (const bool is_fortran : {false, true}) {
      const ByteSource source = SourceOf(FileOf(shape, type, is_fortran, is_fortran));
      const NpyHeader header = ReadNpyHeader(source);
      for (int64_t first = 0; first <= shape[0]; ++first) {
        for (int64_t count = 0; first + count <= shape[0]; ++count) {
          SCOPED_TRACE(testing::PrintToString(shape) + std::to_string(first) + "+" +
                       std::to_string(count));
          const Tensor rows = ReadNpy(source, header, first, count);
          Dims dims = shape;
          dims[0] = count;
          EXPECT_EQ(rows.dims, dims);
          EXPECT_EQ(*rows.bytes, RowMajor(static_cast<size_t>(first) * row,
                                          static_cast<size_t>(first + count) * row, type.width));
        }
      }
    }
  }
}

TEST(NpyLayoutsTest, RowsOfNothing) {
  const ByteSource source =
      SourceOf(NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", ""));
  const NpyHeader header = ReadNpyHeader(source);
  EXPECT_THAT(ReadNpy(source, header).dims, ElementsAre(0, 3));
  EXPECT_THAT(ReadNpy(source, header, 0, 0).dims, ElementsAre(0, 3));
  EXPECT_EQ(ReadNpy(source, header).element_count(), 0);
}

TEST(NpyLayoutsTest, OnlyTheBytesOfTheRowsAreRead) {
  const std::string file = FileOf({4, 3}, kTypes[1], false, false);
  std::vector<std::pair<int64_t, int64_t>> asked;
  const ByteSource source("a.npy", static_cast<int64_t>(file.size()),
                          [&](int64_t offset, int64_t count, char* out) {
                            asked.emplace_back(offset, count);
                            std::memcpy(out, file.data() + offset, static_cast<size_t>(count));
                          });
  const NpyHeader header = ReadNpyHeader(source);
  asked.clear();
  ReadNpy(source, header, 2, 1);
  EXPECT_THAT(asked, ElementsAre(std::pair(header.data_offset + 24, int64_t{12})));
}

TEST(NpyDictionaryTest, WhateverOrderSpacesAndQuotes) {
  for (const char* text :
       {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        "{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}\n",
        "  {  \"descr\"  :  \"<f4\"  ,\n\"fortran_order\":False,'shape':(2,3,)}  \n",
        "{'descr':'=f4','fortran_order':False,'shape':(2L, 3L)}"}) {
    const NpyHeader header = ParseNpyDictionary(text, "a.npy");
    EXPECT_EQ(header.type, DataType::kFloat) << text;
    EXPECT_FALSE(header.big_endian);
    EXPECT_FALSE(header.fortran_order);
    EXPECT_THAT(header.shape, ElementsAre(2, 3));
  }
  const NpyHeader bytes =
      ParseNpyDictionary("{'descr': '>i1', 'fortran_order': True, 'shape': ()}", "a.npy");
  EXPECT_FALSE(bytes.big_endian) << "one byte has no order";
  EXPECT_TRUE(bytes.fortran_order);
  EXPECT_THAT(bytes.shape, IsEmpty());
}

TEST(NpyDictionaryTest, EveryTextThatIsCutOffIsRefused) {
  const std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_THAT([&] { ParseNpyDictionary(std::string_view(text).substr(0, length), "a.npy"); },
                ThrowsError(ExitCode::kData, "a.npy: npy file "))
        << length;
  }
  EXPECT_THAT([&] { ParseNpyDictionary(text + "{", "a.npy"); },
              ThrowsError(ExitCode::kData, "text after the header dictionary"));
}

TEST(NpyDictionaryTest, DimensionsHaveALimit) {
  const auto with = [](size_t rank) {
    std::string shape;
    for (size_t d = 0; d < rank; ++d) shape += "1,";
    return "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + ")}";
  };
  EXPECT_EQ(ParseNpyDictionary(with(32), "a.npy").shape.size(), 32U);
  EXPECT_THAT([&] { ParseNpyDictionary(with(33), "a.npy"); },
              ThrowsError(ExitCode::kData, "more than 32 dimensions"));
}

}  // namespace
}  // namespace qconvert
