#include "qconvert/rewrite/quantize_dynamically.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "integer_product.h"
#include "qconvert/ir/topology.h"
#include "qdq_builder.h"
#include "quantize_gru.h"

namespace qconvert {
namespace {

class Rewriter {
 public:
  explicit Rewriter(Model& model)
      : model_(model), graph_(model.graph), builder_(model.graph, false) {}

  void Run(const std::map<std::string, DynamicNodePlan>& plans) {
    const std::vector<Node> nodes = std::exchange(graph_.nodes, {});
    for (const Node& node : nodes) {
      const auto plan = node.outputs.empty() ? plans.end() : plans.find(node.outputs[0]);
      if (plan == plans.end()) {
        graph_.nodes.push_back(node);
      } else if (node.Is("LSTM")) {
        RewriteLstm(node, plan->second);
      } else if (node.Is("GRU")) {
        QuantizeGru(graph_, builder_, node, plan->second, QuantizedInput(node.input(0)));
      } else {
        RewriteProduct(node, plan->second.weights[0]);
      }
    }
    RemoveDeadNodes(graph_);
  }

 private:
  // Quantized input: one DynamicQuantizeLinear for all readers.
  const RunTimeCodes& QuantizedInput(const std::string& value) {
    const auto known = inputs_.find(value);
    if (known != inputs_.end()) return known->second;
    return inputs_.emplace(value, EmitRunTimeCodes(graph_.nodes, builder_, value)).first->second;
  }

  void RewriteProduct(const Node& node, const ConstantCodes& weight) {
    const RunTimeCodes& input = QuantizedInput(node.input(0));
    const bool biased = node.Is("Gemm") && !node.input(2).empty();
    const std::string unbiased = biased ? builder_.FreshName("t") : node.outputs[0];
    EmitProduct(graph_.nodes, builder_, input, builder_.Constant(weight.codes, "w"),
                builder_.ScaleName(weight.params), unbiased, node.name);
    if (biased) Emit(graph_.nodes, "Add", {unbiased, node.input(2)}, {node.outputs[0]});
  }

  // W or R with scales and zero points per direction and gate row.
  std::vector<std::string> LstmWeights(const ConstantCodes& weight) {
    const std::vector<int64_t> dims = {weight.codes.dims[0], weight.codes.dims[2]};
    // The kernel wants zero points, also of symmetric weights.
    Tensor zeros;
    zeros.type = DataType::kInt8;
    zeros.dims = dims;
    zeros.bytes = std::make_shared<const std::string>(weight.params.scales.size(), '\0');
    return {builder_.Constant(weight.codes, "w"),
            builder_.Constant(MakeFloatTensor("", dims, weight.params.scales), "s"),
            builder_.Constant(std::move(zeros), "z")};
  }

  void RewriteLstm(const Node& node, const DynamicNodePlan& plan) {
    const std::vector<std::string> w = LstmWeights(plan.weights[0]);
    const std::vector<std::string> r = LstmWeights(plan.weights[1]);
    Node lstm = node;
    lstm.domain = "com.microsoft";
    lstm.op_type = "DynamicQuantizeLSTM";
    // The operator has no layout; what gets here has 0, the default (CanBeDynamic).
    lstm.attributes.erase("layout");
    // X, W, R, B, sequence_lens, initial_h, initial_c and P; scales and zero points follow.
    lstm.inputs.resize(8);
    lstm.inputs[1] = w[0];
    lstm.inputs[2] = r[0];
    lstm.inputs.insert(lstm.inputs.end(), {w[1], w[2], r[1], r[2]});
    graph_.nodes.push_back(std::move(lstm));
    model_.opsets.emplace("com.microsoft", 1);
  }

  Model& model_;
  Graph& graph_;
  QdqBuilder builder_;
  std::map<std::string, RunTimeCodes> inputs_;
};

}  // namespace

void QuantizeDynamically(Model& model, const std::map<std::string, DynamicNodePlan>& plans) {
  if (!plans.empty()) Rewriter(model).Run(plans);
}

}  // namespace qconvert
