#include "dynamic_weights.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/weights/quantize_weights.h"

namespace qconvert {
namespace {

// [d][rows][columns] -> [d][columns][rows].
Tensor Transposed(const Tensor& tensor) {
  const size_t rank = tensor.dims.size();
  const int64_t rows = tensor.dims[rank - 2];
  const int64_t columns = tensor.dims[rank - 1];
  const auto values = tensor.values<float>();
  std::vector<float> out(values.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const auto place = static_cast<int64_t>(i);
    const int64_t matrix = place / (rows * columns) * rows * columns;
    const int64_t inside = place - matrix;
    out[static_cast<size_t>(matrix + inside % columns * rows + inside / columns)] = values[i];
  }
  std::vector<int64_t> dims = tensor.dims;
  std::swap(dims[rank - 2], dims[rank - 1]);
  return MakeFloatTensor("", std::move(dims), out);
}

// Integers of a matrix [k, n] on the right of a product, without a bias.
FittedWeights QuantizeMatrix(const Tensor& matrix, const TensorSettings& settings,
                             int32_t pair_limit) {
  const Node product = MakeNode("MatMul", {"", ""}, {""});
  return FitWeights(matrix, KernelOrder(product, matrix), settings, {.pair_limit = pair_limit});
}

ConstantCodes ProductWeights(const Graph& graph, const Node& node, const TensorSettings& settings,
                             int32_t pair_limit) {
  const Tensor& weight = *graph.FindInitializer(node.input(1));
  const bool transposed = node.Is("Gemm") && node.GetInt("transB", 0) != 0;
  FittedWeights made =
      QuantizeMatrix(transposed ? Transposed(weight) : weight, settings, pair_limit);
  return {node.input(1), std::move(made.weight), std::move(made.params)};
}

// Input `slot` of an LSTM: W or R, [directions, 4 * hidden, k].
ConstantCodes LstmWeights(const Graph& graph, const Node& node, size_t slot,
                          const TensorSettings& settings, int32_t pair_limit) {
  const Tensor matrix = Transposed(*graph.FindInitializer(node.input(slot)));
  const int64_t directions = matrix.dims[0];
  const size_t bytes = matrix.bytes->size() / static_cast<size_t>(directions);
  std::string codes;
  ConstantCodes out{node.input(slot), {}, {DataType::kInt8, -1, {}, {}}};
  for (int64_t d = 0; d < directions; ++d) {
    Tensor one;
    one.type = DataType::kFloat;
    one.dims = {matrix.dims[1], matrix.dims[2]};
    one.bytes = std::make_shared<const std::string>(
        matrix.bytes->substr(static_cast<size_t>(d) * bytes, bytes));
    const FittedWeights made = QuantizeMatrix(one, settings, pair_limit);
    codes += *made.weight.bytes;
    std::vector<float> mine = made.params.scales;
    mine.resize(static_cast<size_t>(matrix.dims[2]), mine[0]);  // per tensor: the same for all
    out.params.scales.insert(out.params.scales.end(), mine.begin(), mine.end());
  }
  out.params.zero_points.assign(out.params.scales.size(), 0);
  out.codes.type = DataType::kInt8;
  out.codes.dims = matrix.dims;
  out.codes.bytes = std::make_shared<const std::string>(std::move(codes));
  return out;
}

}  // namespace

DynamicNodePlan MakeDynamicNode(const Graph& graph, const Node& node,
                                const TensorSettings& settings, int32_t pair_limit) {
  if (!node.Is("LSTM")) return {{ProductWeights(graph, node, settings, pair_limit)}};
  return {{LstmWeights(graph, node, 1, settings, pair_limit),
           LstmWeights(graph, node, 2, settings, pair_limit)}};
}

}  // namespace qconvert
