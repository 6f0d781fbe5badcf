// Compiled for AVX2 and FMA, with Eigen under another name: functions of the same name that are
// compiled for every processor would else be replaced by those of here, or these by them.
#include "product_kernel.h"

namespace qconvert {

void AddProductByAvx2(const ProductOperands& of) { AddProductHere(of); }

}  // namespace qconvert
