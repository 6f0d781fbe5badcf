#include "matrix_product.h"

#include "product_kernel.h"

namespace qconvert {
namespace {

bool HasAvx2() {
#ifdef QCONVERT_HAS_AVX2_PRODUCT
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
#else
  return false;
#endif
}

}  // namespace

#ifndef QCONVERT_HAS_AVX2_PRODUCT
void AddProductByAvx2(const ProductOperands<float>& of) { AddProductHere(of); }
void AddProductByAvx2(const ProductOperands<double>& of) { AddProductHere(of); }
void AddSquareByAvx2(const ProductOperand<double>& a, double* c) { AddSquareHere(a, c); }
#endif

void AddProduct(const ProductOperands<float>& of) {
  HasAvx2() ? AddProductByAvx2(of) : AddProductHere(of);
}

void AddProduct(const ProductOperands<double>& of) {
  HasAvx2() ? AddProductByAvx2(of) : AddProductHere(of);
}

void AddSquare(const ProductOperand<double>& a, double* c) {
  HasAvx2() ? AddSquareByAvx2(a, c) : AddSquareHere(a, c);
}

}  // namespace qconvert
