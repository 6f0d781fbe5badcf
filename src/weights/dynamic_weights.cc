#include "dynamic_weights.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/targets/weight_slots.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {
namespace {

// Floats of a cache line.
constexpr size_t kStrip = 16;

// [d][rows][columns] -> [d][columns][rows].
Tensor Transposed(const Tensor& tensor) {
  const size_t rank = tensor.dims.size();
  const auto rows = static_cast<size_t>(tensor.dims[rank - 2]);
  const auto columns = static_cast<size_t>(tensor.dims[rank - 1]);
  const auto values = tensor.values<float>();
  std::vector<int64_t> dims = tensor.dims;
  std::swap(dims[rank - 2], dims[rank - 1]);
  return FillFloatTensor("", std::move(dims), [&](std::span<float> out) {
    // In strips of rows: what is written side by side was read near each other.
    for (size_t matrix = 0; matrix < out.size(); matrix += rows * columns) {
      for (size_t first = 0; first < rows; first += kStrip) {
        const size_t last = std::min(first + kStrip, rows);
        for (size_t c = 0; c < columns; ++c)
          for (size_t r = first; r < last; ++r)
            out[matrix + c * rows + r] = values[matrix + r * columns + c];
      }
    }
  });
}

// A matrix [k, n] on the right of a product, without a bias.
FittedWeights FitProduct(const Tensor& matrix, const FitMatrix& fit, size_t w, int64_t d) {
  // The kernel at run time takes the matrix as that of a MatMul, whatever node it is of.
  const Node product = MakeNode("MatMul", {"", ""}, {""});
  return fit(matrix, KernelOrder(product, matrix), w, d);
}

ConstantCodes ProductWeights(const Graph& graph, const Node& node, const FitMatrix& fit) {
  const Tensor& weight = *graph.FindInitializer(node.input(1));
  const bool transposed = node.Is("Gemm") && node.GetInt("transB", 0) != 0;
  FittedWeights made = FitProduct(transposed ? Transposed(weight) : weight, fit, 0, 0);
  return {node.input(1), std::move(made.weight), std::move(made.params), made.format,
          made.pair_limit};
}

// Weight `w` of a recurrent node: W or R, [directions, gates * hidden, k].
ConstantCodes RecurrentWeights(const Graph& graph, const Node& node, size_t w,
                               const FitMatrix& fit) {
  const std::string& name = node.input(w + 1);
  const Tensor matrix = Transposed(*graph.FindInitializer(name));
  const int64_t directions = matrix.dims[0];
  const size_t bytes = matrix.bytes->size() / static_cast<size_t>(directions);
  std::string codes;
  ConstantCodes out{name, {}, {DataType::kInt8, -1, {}, {}}};
  for (int64_t d = 0; d < directions; ++d) {
    Tensor one;
    one.type = DataType::kFloat;
    one.dims = {matrix.dims[1], matrix.dims[2]};
    one.bytes = directions == 1 ? matrix.bytes
                                : std::make_shared<const std::string>(
                                      matrix.bytes->substr(static_cast<size_t>(d) * bytes, bytes));
    const FittedWeights made = FitProduct(one, fit, w, d);
    codes += *made.weight.bytes;
    std::vector<float> mine = made.params.scales;
    mine.resize(static_cast<size_t>(matrix.dims[2]), mine[0]);  // per tensor: the same for all
    out.params.scales.insert(out.params.scales.end(), mine.begin(), mine.end());
    out.format = made.format;
    out.pair_limit = made.pair_limit;
  }
  out.params.zero_points.assign(out.params.scales.size(), 0);
  out.codes.type = DataType::kInt8;
  out.codes.dims = matrix.dims;
  out.codes.bytes = std::make_shared<const std::string>(std::move(codes));
  return out;
}

}  // namespace

DynamicNodePlan MakeDynamicNode(const Graph& graph, const Node& node, const FitMatrix& fit) {
  if (!IsRecurrent(node)) return {{ProductWeights(graph, node, fit)}};
  return {{RecurrentWeights(graph, node, 0, fit), RecurrentWeights(graph, node, 1, fit)}};
}

std::vector<std::string> DynamicWeightsOf(const Node& node) {
  if (!IsRecurrent(node)) return {node.input(1)};
  return {node.input(1), node.input(2)};
}

}  // namespace qconvert
