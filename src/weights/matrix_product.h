// Products of matrices of floats with the widest instructions that the processor has.
#ifndef QCONVERT_SRC_WEIGHTS_MATRIX_PRODUCT_H_
#define QCONVERT_SRC_WEIGHTS_MATRIX_PRODUCT_H_

#include <cstddef>
#include <type_traits>

namespace qconvert {

enum class Transposed { kNone, kFirst, kSecond };

// Row after row, `stride` floats apart.
struct ProductOperand {
  const float* data = nullptr;
  std::ptrdiff_t rows = 0;
  std::ptrdiff_t cols = 0;
  std::ptrdiff_t stride = 0;
};

struct ProductOperands {
  ProductOperand a;
  ProductOperand b;
  Transposed transposed = Transposed::kNone;
  float* c = nullptr;
  std::ptrdiff_t c_rows = 0;
  std::ptrdiff_t c_cols = 0;
  std::ptrdiff_t c_stride = 0;
};

// c += a b, a^T b or a b^T. The order of the sums follows from the shapes and from whether the
// processor has AVX2 and FMA, and from nothing else. No Eigen here: it has another name where it is
// compiled for these.
void AddProduct(const ProductOperands& of);

// Where the processor has AVX2 and FMA.
void AddProductByAvx2(const ProductOperands& of);

// Of Eigen's row-major matrices, blocks and maps.
template <typename A, typename B, typename C>
void AddProduct(const A& a, const B& b, Transposed transposed, C&& c) {
  static_assert(A::IsRowMajor && B::IsRowMajor && std::remove_reference_t<C>::IsRowMajor);
  AddProduct({.a = {a.data(), a.rows(), a.cols(), a.outerStride()},
              .b = {b.data(), b.rows(), b.cols(), b.outerStride()},
              .transposed = transposed,
              .c = c.data(),
              .c_rows = c.rows(),
              .c_cols = c.cols(),
              .c_stride = c.outerStride()});
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_MATRIX_PRODUCT_H_
