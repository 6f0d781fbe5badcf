// One product of matrices by Eigen, for the instruction sets that the file including this is
// compiled for: everything here has a copy of its own in each of them.
#ifndef QCONVERT_SRC_WEIGHTS_PRODUCT_KERNEL_H_
#define QCONVERT_SRC_WEIGHTS_PRODUCT_KERNEL_H_

#include <Eigen/Core>

#include "fixed_blocking.h"
#include "matrix_product.h"

namespace qconvert {
namespace {

template <typename T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <typename T>
auto View(const ProductOperand<T>& of) {
  using Stride = Eigen::OuterStride<>;
  return Eigen::Map<const RowMajor<T>, 0, Stride>(of.data, of.rows, of.cols, Stride(of.stride));
}

// Once: threads multiply at the same time.
void FixBlockingHere() { [[maybe_unused]] static const bool is_fixed = (FixBlocking(), true); }

template <typename T>
void AddProductHere(const ProductOperands<T>& of) {
  using Stride = Eigen::OuterStride<>;
  FixBlockingHere();
  const auto a = View(of.a);
  const auto b = View(of.b);
  Eigen::Map<RowMajor<T>, 0, Stride> c(of.c, of.c_rows, of.c_cols, Stride(of.c_stride));
  switch (of.transposed) {
    case Transposed::kNone:
      c.noalias() += a * b;
      break;
    case Transposed::kFirst:
      c.noalias() += a.transpose() * b;
      break;
    case Transposed::kSecond:
      c.noalias() += a * b.transpose();
      break;
  }
}

void AddSquareHere(const ProductOperand<double>& a, double* c) {
  FixBlockingHere();
  Eigen::Map<RowMajor<double>>(c, a.cols, a.cols)
      .selfadjointView<Eigen::Lower>()
      .rankUpdate(View(a).transpose());
}

}  // namespace
}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_PRODUCT_KERNEL_H_
