#include "qconvert/onnx_proto/tensor_proto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "onnx-ml.pb.h"
#include "qconvert/base/error.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using onnx::SparseTensorProto;
using onnx::TensorProto;
using testing::HasSubstr;

Tensor Read(TensorProto proto) { return TensorReader("m.onnx").Read(proto); }

void ExpectRefused(TensorProto proto, const std::string& reason) {
  proto.set_name("t");
  try {
    Read(std::move(proto));
    ADD_FAILURE() << "taken, expected: " << reason;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kModel);
    EXPECT_THAT(e.what(), testing::StartsWith("m.onnx: tensor \"t\""));
    EXPECT_THAT(e.what(), HasSubstr(reason));
  }
}

TensorProto Typed(DataType type, const std::vector<int64_t>& dims) {
  TensorProto proto;
  proto.set_data_type(static_cast<int32_t>(type));
  for (const int64_t dim : dims) proto.add_dims(dim);
  return proto;
}

template <typename T>
std::string BytesOf(std::vector<T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

class EveryTypeTest : public testing::TestWithParam<int32_t> {};

TEST_P(EveryTypeTest, RawBytesComeBackAsTheyWere) {
  const DataType type = *DataTypeFromNumber(GetParam());
  Tensor tensor;
  tensor.name = "t";
  tensor.doc = "said";
  tensor.type = type;
  tensor.dims = {5, 1};
  if (type == DataType::kString) {
    tensor.strings = {"", "a", std::string("\0b", 2), "\xFF", "e"};
  } else {
    std::string bytes(static_cast<size_t>(*PackedBytes(type, 5)), '\0');
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 73 + 1);
    tensor.bytes = std::make_shared<const std::string>(bytes);
  }
  TensorProto proto;
  WriteTensor(tensor, proto);
  const Tensor back = Read(proto);
  EXPECT_EQ(back.name, "t");
  EXPECT_EQ(back.doc, "said");
  EXPECT_EQ(back.type, type);
  EXPECT_EQ(back.dims, tensor.dims);
  EXPECT_EQ(back.strings, tensor.strings);
  if (type != DataType::kString) {
    EXPECT_EQ(*back.bytes, *tensor.bytes);
  }
}

TEST_P(EveryTypeTest, ASizeThatDoesNotFitIsRefused) {
  const DataType type = *DataTypeFromNumber(GetParam());
  TensorProto proto = Typed(type, {5});
  if (type == DataType::kString) {
    for (int i = 0; i < 4; ++i) proto.add_string_data("s");
    ExpectRefused(proto, "with 4 strings, expected 5");
    return;
  }
  const auto expected = static_cast<size_t>(*PackedBytes(type, 5));
  for (const size_t size : {size_t{0}, expected - 1, expected + 1}) {
    proto.set_raw_data(std::string(size, 'x'));
    ExpectRefused(proto, "expected " + std::to_string(expected));
  }
}

INSTANTIATE_TEST_SUITE_P(Numbers, EveryTypeTest, testing::Range(1, kLastDataType + 1));

// The field of each type, as the comments of onnx.proto assign them.
TEST(TypedFieldTest, EachTypeHasItsField) {
  const auto read = [](DataType type, const std::function<void(TensorProto&)>& fill) {
    TensorProto proto = Typed(type, {2});
    fill(proto);
    return *Read(proto).bytes;
  };
  const auto int32s = [](std::vector<int32_t> values) {
    return [values](TensorProto& proto) {
      for (const int32_t v : values) proto.add_int32_data(v);
    };
  };
  EXPECT_EQ(read(DataType::kInt8, int32s({-128, 5})), BytesOf<int8_t>({-128, 5}));
  EXPECT_EQ(read(DataType::kUint8, int32s({0, 255})), BytesOf<uint8_t>({0, 255}));
  EXPECT_EQ(read(DataType::kBool, int32s({1, 0})), BytesOf<uint8_t>({1, 0}));
  EXPECT_EQ(read(DataType::kInt16, int32s({-32768, 2})), BytesOf<int16_t>({-32768, 2}));
  EXPECT_EQ(read(DataType::kUint16, int32s({65535, 2})), BytesOf<uint16_t>({65535, 2}));
  EXPECT_EQ(read(DataType::kFloat16, int32s({0x3C00, 0xC000})),
            BytesOf<uint16_t>({0x3C00, 0xC000}));
  EXPECT_EQ(read(DataType::kBfloat16, int32s({0x3F80, 0})), BytesOf<uint16_t>({0x3F80, 0}));
  EXPECT_EQ(read(DataType::kInt32, int32s({INT32_MIN, 1})), BytesOf<int32_t>({INT32_MIN, 1}));
  EXPECT_EQ(read(DataType::kFloat8E4M3FN, int32s({0x7E, 0x80})), BytesOf<uint8_t>({0x7E, 0x80}));
  EXPECT_EQ(read(DataType::kInt4, int32s({0x2F})), BytesOf<uint8_t>({0x2F})) << "two in a byte";
  EXPECT_EQ(read(DataType::kInt64,
                 [](TensorProto& proto) {
                   proto.add_int64_data(INT64_MIN);
                   proto.add_int64_data(3);
                 }),
            BytesOf<int64_t>({INT64_MIN, 3}));
  const auto uint64s = [](TensorProto& proto) {
    proto.add_uint64_data(7);
    proto.add_uint64_data(UINT32_MAX);
  };
  EXPECT_EQ(read(DataType::kUint64, uint64s), BytesOf<uint64_t>({7, UINT32_MAX}));
  EXPECT_EQ(read(DataType::kUint32, uint64s), BytesOf<uint32_t>({7, UINT32_MAX}));
  EXPECT_EQ(read(DataType::kDouble,
                 [](TensorProto& proto) {
                   proto.add_double_data(0.1);
                   proto.add_double_data(-2);
                 }),
            BytesOf<double>({0.1, -2}));
  EXPECT_EQ(read(DataType::kComplex64,
                 [](TensorProto& proto) {
                   for (const float v : {1.0F, 2.0F, 3.0F, 4.0F}) proto.add_float_data(v);
                 }),
            BytesOf<float>({1, 2, 3, 4}))
      << "a pair of floats an element";
}

TEST(TypedFieldTest, TheFieldOfAnotherTypeIsNoData) {
  TensorProto proto = Typed(DataType::kFloat, {1});
  proto.add_int64_data(1);
  ExpectRefused(proto, "has 0 bytes of data, expected 4");
}

TEST(TensorReaderTest, ScalarsAndEmptyTensors) {
  TensorProto scalar = Typed(DataType::kFloat, {});
  scalar.add_float_data(2.5F);
  EXPECT_THAT(Read(scalar).values<float>(), testing::ElementsAre(2.5F));
  EXPECT_EQ(Read(Typed(DataType::kInt64, {0, 7})).byte_size(), 0);
  EXPECT_EQ(Read(Typed(DataType::kString, {0})).strings.size(), 0U);
}

TEST(TensorReaderTest, HostileTypesAndShapes) {
  for (const int32_t number : {-1, 0, kLastDataType + 1, INT32_MAX}) {
    TensorProto proto;
    proto.set_data_type(number);
    ExpectRefused(proto, "has element type " + std::to_string(number));
  }
  ExpectRefused(Typed(DataType::kFloat, std::vector<int64_t>(65, 1)), "has rank 65");
  ExpectRefused(Typed(DataType::kFloat, {2, -1}), "impossible dimensions [2,-1]");
  ExpectRefused(Typed(DataType::kInt8, {INT64_MAX, 2}), "impossible dimensions");
  ExpectRefused(Typed(DataType::kFloat, {INT64_MAX}), "impossible dimensions");
  ExpectRefused(Typed(DataType::kFloat, {int64_t{1} << 40}), "expected 4398046511104");
  ExpectRefused(Typed(DataType::kString, {int64_t{1} << 40}), "with 0 strings");
}

TEST(TensorReaderTest, DataInTwoPlacesIsRefused) {
  TensorProto proto = Typed(DataType::kFloat, {1});
  proto.add_float_data(1);
  proto.set_raw_data("abcd");
  ExpectRefused(proto, "more than one place");
  proto.clear_float_data();
  proto.set_data_location(TensorProto::EXTERNAL);
  ExpectRefused(proto, "more than one place");
}

TEST(TensorReaderTest, WhatOtherToolsNeverWriteIsRefused) {
  TensorProto segmented = Typed(DataType::kFloat, {1});
  segmented.mutable_segment()->set_begin(0);
  ExpectRefused(segmented, "segments");
  TensorProto raw_text = Typed(DataType::kString, {1});
  raw_text.set_raw_data("text");
  ExpectRefused(raw_text, "string tensor");
}

SparseTensorProto Sparse(std::vector<int64_t> indices, std::vector<int64_t> index_dims,
                         const std::vector<int64_t>& dims) {
  SparseTensorProto proto;
  WriteTensor(MakeFloatTensor("t", {2}, std::vector<float>{1, 2}), *proto.mutable_values());
  WriteTensor(MakeInt64Tensor("", std::move(index_dims), indices), *proto.mutable_indices());
  for (const int64_t dim : dims) proto.add_dims(dim);
  return proto;
}

void ExpectSparseRefused(SparseTensorProto proto, const std::string& reason) {
  try {
    TensorReader("m.onnx").Read(proto);
    ADD_FAILURE() << "taken, expected: " << reason;
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr(reason));
  }
}

TEST(SparseTensorTest, LinearAndCoordinateIndicesComeBack) {
  for (SparseTensorProto proto :
       {Sparse({0, 5}, {2}, {2, 3}), Sparse({0, 0, 1, 2}, {2, 2}, {2, 3})}) {
    const std::string bytes = proto.SerializeAsString();
    SparseTensorProto written;
    WriteSparseTensor(TensorReader("m.onnx").Read(proto), written);
    EXPECT_EQ(written.SerializeAsString(), bytes);
  }
}

TEST(SparseTensorTest, IndicesMustLieInTheDenseShape) {
  ExpectSparseRefused(Sparse({0, 6}, {2}, {2, 3}), "index 6 outside");
  ExpectSparseRefused(Sparse({-1, 5}, {2}, {2, 3}), "index -1 outside");
  ExpectSparseRefused(Sparse({0, 0, 2, 0}, {2, 2}, {2, 3}), "index 2 outside");
  ExpectSparseRefused(Sparse({0, 0}, {2}, {2, 0}), "index 0 outside");
}

TEST(SparseTensorTest, IndicesMustFitTheValues) {
  ExpectSparseRefused(Sparse({0}, {1}, {2, 3}), "do not fit");
  ExpectSparseRefused(Sparse({0, 1, 2, 0, 1, 2}, {2, 3}, {2, 3}), "do not fit");
  ExpectSparseRefused(Sparse({0, 1}, {2, 1, 1}, {2, 3}), "do not fit");
  ExpectSparseRefused(Sparse({}, {2, 0}, {2, 3}), "do not fit");
  ExpectSparseRefused(Sparse({0, 1}, {2}, {2, -3}), "impossible dimensions");
  SparseTensorProto floats = Sparse({0, 1}, {2}, {2, 3});
  floats.clear_indices();
  WriteTensor(MakeFloatTensor("", {2}, std::vector<float>{0, 1}), *floats.mutable_indices());
  ExpectSparseRefused(floats, "do not fit");
}

}  // namespace
}  // namespace qconvert
