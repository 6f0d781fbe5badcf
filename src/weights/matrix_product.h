// Products of matrices with the widest instructions that the processor has.
#ifndef QCONVERT_SRC_WEIGHTS_MATRIX_PRODUCT_H_
#define QCONVERT_SRC_WEIGHTS_MATRIX_PRODUCT_H_

#include <cstddef>
#include <type_traits>

namespace qconvert {

enum class Transposed { kNone, kFirst, kSecond };

// Row after row, `stride` numbers apart.
template <typename T>
struct ProductOperand {
  const T* data = nullptr;
  std::ptrdiff_t rows = 0;
  std::ptrdiff_t cols = 0;
  std::ptrdiff_t stride = 0;
};

template <typename T>
struct ProductOperands {
  ProductOperand<T> a;
  ProductOperand<T> b;
  Transposed transposed = Transposed::kNone;
  T* c = nullptr;
  std::ptrdiff_t c_rows = 0;
  std::ptrdiff_t c_cols = 0;
  std::ptrdiff_t c_stride = 0;
};

// c += a b, a^T b or a b^T. The order of the sums follows from the shapes and from whether the
// processor has AVX2 and FMA, and from nothing else. No Eigen here: it has another name where it is
// compiled for these.
void AddProduct(const ProductOperands<float>& of);
void AddProduct(const ProductOperands<double>& of);
// The lower half, with the diagonal, of c += a^T a; c: [a.cols, a.cols], its rows without gaps.
void AddSquare(const ProductOperand<double>& a, double* c);

// The same where the processor has AVX2 and FMA.
void AddProductByAvx2(const ProductOperands<float>& of);
void AddProductByAvx2(const ProductOperands<double>& of);
void AddSquareByAvx2(const ProductOperand<double>& a, double* c);

// Of Eigen's row-major matrices, blocks and maps.
template <typename A, typename B, typename C>
void AddProduct(const A& a, const B& b, Transposed transposed, C&& c) {
  using Sums = std::remove_reference_t<C>;
  static_assert(A::IsRowMajor && B::IsRowMajor && Sums::IsRowMajor);
  AddProduct(
      ProductOperands<typename Sums::Scalar>{.a = {a.data(), a.rows(), a.cols(), a.outerStride()},
                                             .b = {b.data(), b.rows(), b.cols(), b.outerStride()},
                                             .transposed = transposed,
                                             .c = c.data(),
                                             .c_rows = c.rows(),
                                             .c_cols = c.cols(),
                                             .c_stride = c.outerStride()});
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_MATRIX_PRODUCT_H_
