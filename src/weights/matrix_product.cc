#include "matrix_product.h"

#include "product_kernel.h"

namespace qconvert {

void AddProduct(const ProductOperands& of) {
#ifdef QCONVERT_HAS_AVX2_PRODUCT
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (has_avx2) return AddProductByAvx2(of);
#endif
  AddProductHere(of);
}

}  // namespace qconvert
