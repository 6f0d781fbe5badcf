#include "qconvert/rewrite/quantize_dynamically.h"

#include <map>
#include <memory>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/weights/quantize_weights.h"
#include "qdq_builder.h"

namespace qconvert {
namespace {

const Tensor* FindFloatMatrix(const Graph& graph, const std::string& name, size_t rank) {
  const Tensor* tensor = graph.FindInitializer(name);
  const bool usable = tensor != nullptr && tensor->type == DataType::kFloat &&
                      tensor->dims.size() == rank && tensor->element_count() > 0;
  return usable ? tensor : nullptr;
}

bool IsCandidate(const Graph& graph, const Node& node) {
  if (node.Is("MatMul")) return FindFloatMatrix(graph, node.input(1), 2) != nullptr;
  if (node.Is("Gemm")) {
    return FindFloatMatrix(graph, node.input(1), 2) != nullptr && node.GetInt("transA", 0) == 0 &&
           node.GetFloat("alpha", 1) == 1 && node.GetFloat("beta", 1) == 1;
  }
  if (!node.Is("LSTM")) return false;
  return FindFloatMatrix(graph, node.input(1), 3) != nullptr &&
         FindFloatMatrix(graph, node.input(2), 3) != nullptr && node.GetInt("layout", 0) == 0 &&
         node.GetInt("input_forget", 0) == 0;
}

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
QuantizedWeights QuantizeMatrix(const Tensor& matrix, const TensorSettings& settings) {
  const Node product = MakeNode("MatMul", {"", ""}, {""});
  return QuantizeWeights(matrix, KernelOrder(product, matrix), {}, 1.0F, settings,
                         {.pair_limit = kPairLimit});
}

class Rewriter {
 public:
  Rewriter(Model& model, const ModelSettings& settings)
      : model_(model), graph_(model.graph), settings_(settings), builder_(model.graph, false) {}

  std::vector<std::string> Run(const std::set<std::string>& outputs) {
    const std::vector<Node> nodes = std::exchange(graph_.nodes, {});
    for (const Node& node : nodes) {
      if (node.outputs.empty() || !outputs.contains(node.outputs[0])) {
        graph_.nodes.push_back(node);
      } else if (node.Is("LSTM")) {
        RewriteLstm(node);
      } else {
        RewriteProduct(node);
      }
    }
    graph_.value_info.clear();
    RemoveDeadNodes(graph_);
    return std::move(replaced_);
  }

 private:
  Node& Emit(const std::string& op_type, std::vector<std::string> inputs,
             std::vector<std::string> outputs) {
    return graph_.nodes.emplace_back(MakeNode(op_type, std::move(inputs), std::move(outputs)));
  }

  // Quantized input, its scale and its zero point: one DynamicQuantizeLinear for all readers.
  const std::vector<std::string>& QuantizedInput(const std::string& value) {
    std::vector<std::string>& names = inputs_[value];
    if (names.empty()) {
      names = {builder_.FreshName("q"), builder_.FreshName("s"), builder_.FreshName("z")};
      Emit("DynamicQuantizeLinear", {value}, names);
    }
    return names;
  }

  void RewriteProduct(const Node& node) {
    const Tensor* weight = graph_.FindInitializer(node.input(1));
    Tensor matrix = *weight;
    if (node.Is("Gemm") && node.GetInt("transB", 0) != 0) matrix = Transposed(*weight);
    QuantizedWeights quantized = QuantizeMatrix(matrix, settings_.Of(node).weights);
    replaced_.push_back(node.input(1));
    const std::vector<std::string> input = QuantizedInput(node.input(0));
    const std::string sum = builder_.FreshName("t");
    const std::string product = builder_.FreshName("t");
    const std::string scale = builder_.FreshName("s");
    const bool biased = node.Is("Gemm") && !node.input(2).empty();
    const std::string unbiased = biased ? builder_.FreshName("t") : node.outputs[0];
    Emit("MatMulInteger", {input[0], builder_.Constant(std::move(quantized.weight), "w"), input[2]},
         {sum})
        .name = node.name;
    Emit("Cast", {sum}, {product}).Set("to", int64_t{1});  // TensorProto.FLOAT
    Emit("Mul", {input[1], builder_.ScaleName(quantized.params)}, {scale});
    Emit("Mul", {product, scale}, {unbiased});
    if (biased) Emit("Add", {unbiased, node.input(2)}, {node.outputs[0]});
  }

  // Input `slot` (W or R, [directions, 4 * hidden, k]) as int8 [directions, k, 4 * hidden] with one
  // scale per direction and gate row.
  std::vector<std::string> LstmWeights(const Node& node, size_t slot) {
    const Tensor matrix = Transposed(*graph_.FindInitializer(node.input(slot)));
    const int64_t directions = matrix.dims[0];
    const size_t bytes = matrix.bytes->size() / static_cast<size_t>(directions);
    std::string codes;
    std::vector<float> scales;
    for (int64_t d = 0; d < directions; ++d) {
      Tensor one;
      one.type = DataType::kFloat;
      one.dims = {matrix.dims[1], matrix.dims[2]};
      one.bytes = std::make_shared<const std::string>(
          matrix.bytes->substr(static_cast<size_t>(d) * bytes, bytes));
      const QuantizedWeights quantized = QuantizeMatrix(one, settings_.Of(node).weights);
      codes += *quantized.weight.bytes;
      std::vector<float> mine = quantized.params.scales;
      mine.resize(static_cast<size_t>(matrix.dims[2]), mine[0]);  // per tensor: the same for all
      scales.insert(scales.end(), mine.begin(), mine.end());
    }
    replaced_.push_back(node.input(slot));
    Tensor integers;
    integers.type = DataType::kInt8;
    integers.dims = matrix.dims;
    integers.bytes = std::make_shared<const std::string>(std::move(codes));
    const std::vector<int64_t> scale_dims = {directions, matrix.dims[2]};
    Tensor zeros;
    zeros.type = DataType::kInt8;
    zeros.dims = scale_dims;
    zeros.bytes = std::make_shared<const std::string>(scales.size(), '\0');
    return {builder_.Constant(std::move(integers), "w"),
            builder_.Constant(MakeFloatTensor("", scale_dims, scales), "s"),
            builder_.Constant(std::move(zeros), "z")};
  }

  void RewriteLstm(const Node& node) {
    const std::vector<std::string> w = LstmWeights(node, 1);
    const std::vector<std::string> r = LstmWeights(node, 2);
    Node lstm = node;
    lstm.domain = "com.microsoft";
    lstm.op_type = "DynamicQuantizeLSTM";
    lstm.attributes.erase("layout");
    lstm.inputs.resize(8);
    lstm.inputs[1] = w[0];
    lstm.inputs[2] = r[0];
    lstm.inputs.insert(lstm.inputs.end(), {w[1], w[2], r[1], r[2]});
    graph_.nodes.push_back(std::move(lstm));
    model_.opsets.emplace("com.microsoft", 1);
  }

  Model& model_;
  Graph& graph_;
  const ModelSettings& settings_;
  QdqBuilder builder_;
  std::map<std::string, std::vector<std::string>> inputs_;
  std::vector<std::string> replaced_;
};

}  // namespace

std::vector<std::string> DynamicCandidates(const Graph& graph) {
  std::vector<std::string> out;
  for (const Node& node : graph.nodes) {
    if (IsCandidate(graph, node)) out.push_back(node.outputs[0]);
  }
  return out;
}

std::vector<std::string> QuantizeDynamically(Model& model, const std::set<std::string>& outputs,
                                             const ModelSettings& settings) {
  return Rewriter(model, settings).Run(outputs);
}

}  // namespace qconvert
