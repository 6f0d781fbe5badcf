// Compiled for AVX2 and FMA, with Eigen under another name: functions of the same name that are
// compiled for every processor would else be replaced by those of here, or these by them.
#include "product_kernel.h"

namespace qconvert {

void AddProductByAvx2(const ProductOperands<float>& of) { AddProductHere(of); }
void AddProductByAvx2(const ProductOperands<double>& of) { AddProductHere(of); }
void AddSquareByAvx2(const ProductOperand<double>& a, double* c) { AddSquareHere(a, c); }

}  // namespace qconvert
