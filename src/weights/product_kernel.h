// One product of matrices by Eigen, for the instruction sets that the file including this is
// compiled for: everything here has a copy of its own in each of them.
#ifndef QCONVERT_SRC_WEIGHTS_PRODUCT_KERNEL_H_
#define QCONVERT_SRC_WEIGHTS_PRODUCT_KERNEL_H_

#include <Eigen/Core>

#include "fixed_blocking.h"
#include "matrix_product.h"

namespace qconvert {
namespace {

void AddProductHere(const ProductOperands& of) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Stride = Eigen::OuterStride<>;
  // Once: threads multiply at the same time.
  [[maybe_unused]] static const bool is_fixed = (FixBlocking(), true);
  const Eigen::Map<const Matrix, 0, Stride> a(of.a.data, of.a.rows, of.a.cols, Stride(of.a.stride));
  const Eigen::Map<const Matrix, 0, Stride> b(of.b.data, of.b.rows, of.b.cols, Stride(of.b.stride));
  Eigen::Map<Matrix, 0, Stride> c(of.c, of.c_rows, of.c_cols, Stride(of.c_stride));
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

}  // namespace
}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_PRODUCT_KERNEL_H_
