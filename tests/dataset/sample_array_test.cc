// How arrays of files are cut into samples and take the shape of their input.
#include "sample_array.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "support/errors.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Dims = std::vector<int64_t>;

Value Input(const std::vector<std::string>& dims, DataType type = DataType::kFloat) {
  return {"x", TypeOf(type, dims), {}, {}};
}

// An array of floats 0, 1, ... as if it stood in a file.
SampleArray Array(const Dims& shape) {
  int64_t count = 1;
  for (const int64_t dim : shape) count *= dim;
  std::string bytes;
  for (int64_t k = 0; k < count; ++k) {
    const auto value = static_cast<float>(k);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  SampleArray out{ByteSource("a.npy", static_cast<int64_t>(bytes.size()),
                             [bytes](int64_t offset, int64_t n, char* to) {
                               bytes.copy(to, static_cast<size_t>(n), static_cast<size_t>(offset));
                             }),
                  {}};
  out.header.type = DataType::kFloat;
  out.header.shape = shape;
  out.header.data_bytes = static_cast<int64_t>(bytes.size());
  return out;
}

struct Case {
  std::vector<std::string> input;
  Dims array;
  bool stacked;
  std::optional<int64_t> rows;  // nothing: refused
};

TEST(RowsPerSampleTest, ByTheShapeOfTheInput) {
  const std::vector<Case> cases = {
      // As declared, and without the axis of the batch.
      {{"1", "3"}, {1, 3}, false, -1},
      {{"1", "3"}, {3}, false, -1},
      {{"N", "3"}, {3}, false, -1},
      {{"2", "3"}, {3}, false, {}},
      {{"1", "3"}, {4}, false, {}},
      // Cut along axis 0 where that has a number.
      {{"1", "3"}, {5, 3}, false, 1},
      {{"2", "3"}, {6, 3}, false, 2},
      {{"2", "3"}, {5, 3}, false, {}},
      {{"2", "3"}, {0, 3}, false, {}},
      {{"0", "3"}, {2, 3}, false, {}},
      {{"0", "3"}, {0, 3}, false, -1},
      // A free axis 0 is cut where it is asked for.
      {{"N", "3"}, {5, 3}, false, -1},
      {{"N", "3"}, {5, 3}, true, 1},
      {{"N", "3"}, {1, 3}, true, -1},
      // Stacks of whole samples have an axis more.
      {{"1", "3"}, {5, 1, 3}, true, 1},
      {{"1", "3"}, {5, 1, 3}, false, {}},
      {{"N", "3"}, {5, 7, 3}, true, 1},
      {{"3"}, {4, 3}, true, 1},
      {{"3"}, {0, 3}, true, {}},
      {{}, {4}, true, 1},
      // Scalars.
      {{}, {}, false, -1},
      {{}, {1}, false, -1},
      {{}, {1, 1}, false, -1},
      {{}, {2}, false, {}},
      // Inner axes have to fit, unless they are free.
      {{"1", "H", "3"}, {1, 9, 3}, false, -1},
      {{"1", "H", "3"}, {4, 9, 3}, false, 1},
      {{"1", "H", "3"}, {9, 3}, false, -1},
      {{"1", "H", "3"}, {9, 4}, false, {}},
      {{"1", "3", "4"}, {1, 4, 3}, false, {}},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(testing::PrintToString(test.array) + " for " + testing::PrintToString(test.input));
    const auto rows = [&] {
      return RowsPerSample(Array(test.array), Input(test.input), test.stacked);
    };
    if (test.rows) {
      EXPECT_EQ(rows(), *test.rows);
    } else {
      EXPECT_THAT(rows, ThrowsError(ExitCode::kData, "a.npy: has shape ["));
    }
  }
  Value any = Input({});
  any.type.shape.reset();
  EXPECT_EQ(RowsPerSample(Array({3, 4}), any, true), -1) << "of any shape: one sample";
}

TEST(RowsPerSampleTest, PackedArchivesHaveNoRows) {
  SampleArray array = Array({4, 3});
  array.has_rows = false;
  EXPECT_THAT(
      [&] {
        RowsPerSample(array, Input({"1", "3"}), false);
      },
      ThrowsError(ExitCode::kData, "stacks 4 samples in a packed archive"));
  EXPECT_EQ(RowsPerSample(array, Input({"4", "3"}), false), -1) << "one sample may be packed";
}

TEST(RowsPerSampleTest, TextsAreNoNumbers) {
  SampleArray array = Array({3});
  EXPECT_THAT([&] { RowsPerSample(array, Input({"3"}, DataType::kString), false); },
              ThrowsError(ExitCode::kData, "holds float"));
}

// Nothing is read for it: 3 GB that are claimed.
TEST(RowsPerSampleTest, OneSampleHasALimit) {
  SampleArray array = Array({1});
  array.header.shape = {3, 1 << 28};
  array.header.data_bytes = int64_t{3} << 30;
  EXPECT_EQ(RowsPerSample(array, Input({"1", "268435456"}), false), 1) << "1 GB each";
  EXPECT_THAT(
      [&] {
        RowsPerSample(array, Input({"N", "268435456"}), false);
      },
      ThrowsError(ExitCode::kResource, "is one sample of 3072 MB"));
  array.header.fortran_order = true;
  EXPECT_THAT(
      [&] {
        RowsPerSample(array, Input({"1", "268435456"}), false);
      },
      ThrowsError(ExitCode::kResource, "--stacked"))
      << "rows that lie apart are read with all others";
}

TEST(ReadSampleArrayTest, RowsTakeTheRankOfTheInput) {
  struct Read {
    std::vector<std::string> input;
    Dims array;
    int64_t first;
    int64_t rows;
    Dims dims;
    float begin;
  };
  const std::vector<Read> reads = {
      {{"1", "3"}, {3}, 0, -1, {1, 3}, 0},       // a batch axis is added
      {{"1", "3"}, {4, 3}, 2, 1, {1, 3}, 6},     // a row
      {{"2", "3"}, {4, 3}, 2, 2, {2, 3}, 6},     // several
      {{"N", "3"}, {4, 3}, 0, -1, {4, 3}, 0},    // all of it
      {{"1", "3"}, {4, 1, 3}, 3, 1, {1, 3}, 9},  // one of a stack
      {{"3"}, {4, 3}, 1, 1, {3}, 3},
      {{}, {1, 1}, 0, -1, {}, 0},
      {{}, {5}, 4, 1, {}, 4},
  };
  for (const Read& read : reads) {
    SCOPED_TRACE(testing::PrintToString(read.array) + " for " + testing::PrintToString(read.input));
    const Tensor tensor =
        ReadSampleArray(Array(read.array), Input(read.input), read.first, read.rows);
    EXPECT_EQ(tensor.name, "x");
    EXPECT_EQ(tensor.dims, read.dims);
    EXPECT_EQ(tensor.values<float>()[0], read.begin);
    EXPECT_EQ(tensor.element_count(), static_cast<int64_t>(tensor.values<float>().size()));
  }
}

TEST(ReadSampleArrayTest, NumbersTakeTheTypeOfTheInput) {
  const Tensor whole = ReadSampleArray(Array({3}), Input({"3"}, DataType::kDouble), 0, -1);
  EXPECT_EQ(whole.type, DataType::kDouble);
  EXPECT_THAT(whole.values<double>(), ElementsAre(0, 1, 2));
}

TEST(RequireShapeTest, FreeAxesFitAnything) {
  EXPECT_NO_THROW(RequireShape({7, 3}, Input({"N", "3"}), "p"));
  EXPECT_NO_THROW(RequireShape({}, Input({}), "p"));
  EXPECT_THAT(
      [] {
        RequireShape({7, 4}, Input({"N", "3"}), "p");
      },
      ThrowsError(ExitCode::kData, "p: has shape [7,4], expected [N,3] for input \"x\""));
  EXPECT_THAT(
      [] {
        RequireShape({3}, Input({"N", "3"}), "p");
      },
      ThrowsError(ExitCode::kData, "[3]"));
}

class RawArrayTest : public testing::Test {
 protected:
  Dims ShapeOf(size_t bytes, const Value& input, DataType type = DataType::kUndefined) {
    return OpenSampleArray(folder_.Write("a.bin", std::string(bytes, '\1')), input, type)
        .header.shape;
  }
  TempDir folder_;
};

TEST_F(RawArrayTest, TheSizeFindsOneFreeAxisOrTheNumberOfSamples) {
  EXPECT_THAT(ShapeOf(24, Input({"2", "3"})), ElementsAre(2, 3));
  EXPECT_THAT(ShapeOf(72, Input({"2", "3"})), ElementsAre(6, 3)) << "three samples";
  EXPECT_THAT(ShapeOf(24, Input({"N", "3"})), ElementsAre(2, 3));
  EXPECT_THAT(ShapeOf(24, Input({"2", "H"})), ElementsAre(2, 3));
  EXPECT_THAT(ShapeOf(4, Input({})), IsEmpty());
  EXPECT_THAT(ShapeOf(6, Input({"2", "3"}), DataType::kUint8), ElementsAre(2, 3))
      << "of another type than the input's";
}

TEST_F(RawArrayTest, WhatDoesNotDivideOrIsUnknownIsRefused) {
  const auto refused = [&](size_t bytes, const Value& input, const std::string& why) {
    EXPECT_THAT([&] { ShapeOf(bytes, input); }, ThrowsError(ExitCode::kData, why));
  };
  refused(25, Input({"2", "3"}), "has 25 bytes, expected a multiple of 24");
  refused(0, Input({"2", "3"}), "has 0 bytes");
  refused(8, Input({}), "has 8 bytes, expected 4");
  refused(24, Input({"N", "H"}), "several free dimensions");
  refused(24, Input({"0", "3"}), "has 24 bytes");
  refused(24, Input({"4611686018427387904", "4"}), "has 24 bytes");
  refused(24, Input({"2"}, DataType::kString), "has 24 bytes");
  Value any = Input({});
  any.type.shape.reset();
  refused(24, any, "has no shape");
}

}  // namespace
}  // namespace qconvert
