// Which elements of a tensor have which scale.
#ifndef QCONVERT_WEIGHTS_SCALE_ROWS_H_
#define QCONVERT_WEIGHTS_SCALE_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qconvert {

// Calls visit(first element, count, first scale, step) for all elements of a tensor of shape `dims`
// in their order, in rows whose scales stand side by side (a step of 1) or are one (0). Scales have
// the shape `scale_dims`, of as many dimensions at most, broadcast: each is 1 or that of the
// tensor.
template <typename Visit>
void VisitScaleRows(const std::vector<int64_t>& dims, const std::vector<int64_t>& scale_dims,
                    const Visit& visit) {
  const size_t rank = dims.size();
  const size_t missing = rank - scale_dims.size();  // in front
  std::vector<size_t> strides(rank, 0);             // among the scales; 0 where they are broadcast
  size_t scales = 1;
  size_t count = 1;
  for (size_t d = rank; d-- > 0;) {
    count *= static_cast<size_t>(dims[d]);
    if (d < missing || scale_dims[d - missing] == 1) continue;
    strides[d] = scales;
    scales *= static_cast<size_t>(dims[d]);
  }
  const size_t step = rank > 0 && strides[rank - 1] == 1 ? 1 : 0;
  size_t row = 1;
  size_t outer = rank;  // dimensions in front of a row
  while (outer > 0 && strides[outer - 1] == step * row) row *= static_cast<size_t>(dims[--outer]);
  std::vector<int64_t> index(outer, 0);
  for (size_t i = 0, scale = 0; i < count; i += row) {
    visit(i, row, scale, step);
    for (size_t d = outer; d-- > 0;) {
      scale += strides[d];
      if (++index[d] < dims[d]) break;
      scale -= strides[d] * static_cast<size_t>(dims[d]);
      index[d] = 0;
    }
  }
}

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_SCALE_ROWS_H_
