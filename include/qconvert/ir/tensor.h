// Typed data with a shape.
#ifndef QCONVERT_IR_TENSOR_H_
#define QCONVERT_IR_TENSOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "qconvert/base/check.h"
#include "qconvert/ir/data_type.h"

namespace qconvert {

// Elements lie row-major, little endian, packed as ONNX raw_data packs them (two int4 a byte, low
// half first). The bytes are shared and never changed in place: copying a tensor is cheap, changing
// one means making a new one. Invariant (kept by the makers below and by onnx_proto): bytes->size()
// == PackedBytes(type, element count), or for strings strings.size() == element count and `bytes`
// is null.
struct Tensor {
  std::string name;
  DataType type = DataType::kUndefined;
  std::vector<int64_t> dims;
  std::shared_ptr<const std::string> bytes;
  std::vector<std::string> strings;
  std::string doc;

  int64_t element_count() const;
  int64_t byte_size() const { return bytes ? static_cast<int64_t>(bytes->size()) : 0; }

  // View of the elements; T must have the size of `type`. The storage is aligned for every T used
  // here.
  template <typename T>
  std::span<const T> values() const {
    QCONVERT_CHECK(static_cast<size_t>(BitsOf(type)) == 8 * sizeof(T));
    return {reinterpret_cast<const T*>(bytes->data()), bytes->size() / sizeof(T)};
  }
};

// COO sparse tensor, ONNX SparseTensorProto: `dims` of the dense tensor, values [NNZ], indices
// [NNZ] or [NNZ, rank].
struct SparseTensor {
  Tensor values;
  Tensor indices;
  std::vector<int64_t> dims;
};

// Makes a tensor from elements; the element count must match `dims`.
template <typename T>
Tensor MakeTensor(std::string name, DataType type, std::vector<int64_t> dims,
                  std::span<const T> values) {
  Tensor tensor;
  tensor.name = std::move(name);
  tensor.type = type;
  tensor.dims = std::move(dims);
  QCONVERT_CHECK(static_cast<size_t>(BitsOf(type)) == 8 * sizeof(T));
  QCONVERT_CHECK(tensor.element_count() == static_cast<int64_t>(values.size()));
  tensor.bytes = std::make_shared<const std::string>(reinterpret_cast<const char*>(values.data()),
                                                     values.size_bytes());
  return tensor;
}

Tensor MakeFloatTensor(std::string name, std::vector<int64_t> dims, std::span<const float> values);
Tensor MakeInt64Tensor(std::string name, std::vector<int64_t> dims,
                       std::span<const int64_t> values);
// One dimension, no name: what operators read shapes, axes and pads from.
Tensor MakeInt64List(std::span<const int64_t> values);
// The same as MakeFloatTensor with `fill` writing the elements where they stay: weights may take
// half of the memory there is.
Tensor FillFloatTensor(std::string name, std::vector<int64_t> dims,
                       const std::function<void(std::span<float>)>& fill);

// Of one type and shape, with the same elements bit by bit; names do not count.
bool HaveSameElements(const Tensor& a, const Tensor& b);

// Elements of a float, float16, bfloat16 or double tensor as float32 (double is rounded).
std::vector<float> ToFloats(const Tensor& tensor);
// Elements of an int32 or int64 tensor.
std::vector<int64_t> ToInt64s(const Tensor& tensor);
bool IsFloatingPoint(DataType type);

// IEEE 754 half precision to single, exact for every input.
float HalfToFloat(uint16_t half);
// Back, round half to even; from 65520 on infinite.
uint16_t FloatToHalf(float value);
// The upper half of a float, round half to even; from 0x1.FFp127 on infinite.
uint16_t FloatToBfloat16(float value);
// A float tensor as float16 or bfloat16.
Tensor Narrowed(const Tensor& tensor, DataType type);

}  // namespace qconvert

#endif  // QCONVERT_IR_TENSOR_H_
