// Tensors as NumPy array files.
#ifndef QCONVERT_DATASET_NPY_WRITER_H_
#define QCONVERT_DATASET_NPY_WRITER_H_

#include <string>

#include "qconvert/ir/tensor.h"

namespace qconvert {

// The bytes of a file of format 1.0, row-major, little endian; ReadNpy gives the same tensor back.
// Throws Error(kData) for element types that NumPy has not: strings, bfloat16, those below 8 bits.
std::string NpyBytes(const Tensor& tensor);

}  // namespace qconvert

#endif  // QCONVERT_DATASET_NPY_WRITER_H_
