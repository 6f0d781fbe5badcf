#include "qconvert/pipeline/prepare_model.h"

#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <utility>

#include "qconvert/base/activity.h"
#include "qconvert/base/log.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/graph_printer.h"
#include "qconvert/ir/graph_validator.h"
#include "qconvert/ir/topology.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/transform/convert_opset.h"
#include "qconvert/transform/fold_constants.h"
#include "qconvert/transform/fold_weights.h"
#include "qconvert/transform/lower_hard_swish.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

// Shape inference reads small constants (shapes, axes); larger ones matter by their type only.
constexpr int64_t kMaxInferenceConstant = 4096;

// "node X", or "one of the nodes X, Y".
std::string NodesText(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes)
    names.push_back(node.name.empty() ? fmt::format("{} of {}", node.op_type, node.outputs[0])
                                      : node.name);
  return fmt::format("{} {}", names.size() == 1 ? "node" : "one of the nodes",
                     fmt::join(names, ", "));
}

// Runs a constant graph with the model's opsets.
std::vector<Tensor> Evaluate(const Model& model, const Graph& graph, const std::string& place) {
  Model constants;
  constants.ir_version = model.ir_version;
  constants.opsets = model.opsets;
  constants.graph = graph;
  const auto session =
      OpenOrtSession(SerializeModel(constants), place, {.optimization = OptimizationLevel::kNone});
  NoteProgress(NodesText(graph));
  return session->Run({}, nullptr);
}

// Runs one pass, checks what it left and says what it did.
void RunPass(Model& model, const std::string& place, std::string_view name,
             const std::function<size_t()>& pass) {
  const size_t changed = pass();
  ValidateModel(model, place);
  if (changed > 0) LogDebug(fmt::format("{}: {}", name, changed));
}

}  // namespace

void InferTypes(Model& model, const std::string& place) {
  Model probe;
  probe.ir_version = model.ir_version;
  probe.opsets = model.opsets;
  probe.functions = model.functions;
  probe.graph = model.graph;
  probe.graph.value_info.clear();
  for (auto it = probe.graph.initializers.begin(); it != probe.graph.initializers.end();) {
    const Tensor& tensor = it->second;
    if (tensor.byte_size() <= kMaxInferenceConstant || probe.graph.IsOutput(it->first)) {
      ++it;
      continue;
    }
    ValueType type{tensor.type, std::vector<Dim>{}, {}};
    for (const int64_t dim : tensor.dims) type.shape->push_back({dim, {}});
    probe.graph.inputs.push_back({it->first, std::move(type), {}, {}});
    it = probe.graph.initializers.erase(it);
  }
  for (const Node& node : probe.graph.nodes) {
    for (const std::string& output : node.outputs) {
      if (!output.empty() && !probe.graph.IsOutput(output))
        probe.graph.outputs.push_back({output, {}, {}, {}});
    }
  }
  const auto session =
      OpenOrtSession(SerializeModel(probe), place, {.optimization = OptimizationLevel::kNone});
  model.graph.value_info.clear();
  for (const Value& output : session->outputs()) model.graph.value_info[output.name] = output;
}

void PrepareModel(Model& model, const std::string& place, int64_t opset) {
  Graph& graph = model.graph;
  const auto run = [&](std::string_view name, const std::function<size_t()>& pass) {
    RunPass(model, place, name, pass);
  };
  run("normalize", [&] { return Normalize(model), size_t{0}; });
  run("widen_float16", [&] { return WidenFloat16(model) ? size_t{1} : size_t{0}; });
  InferTypes(model, place);  // opset adapters look at ranks and types
  run("convert_opset", [&] { return ConvertOpset(model, opset, place), size_t{0}; });
  run("eliminate_identity", [&] { return EliminateIdentity(graph); });
  run("fold_constants", [&] {
    return FoldConstants(graph, {.evaluate = [&](const Graph& constants) {
                           return Evaluate(model, constants, place);
                         }});
  });
  run("remove_dead_nodes", [&] { return RemoveDeadNodes(graph); });
  // Padding first: a BatchNormalization behind Pad and Conv does not mind, an arithmetic node
  // between would.
  run("fold_pad_into_conv", [&] { return FoldPadIntoConv(graph); });
  run("fold_batch_normalization", [&] { return FoldBatchNormalization(graph); });
  run("fold_arithmetic_into_conv", [&] { return FoldArithmeticIntoConv(graph); });
  run("lower_hard_swish", [&] { return LowerHardSwish(graph); });
  InferTypes(model, place);
  run("fuse_matmul_add", [&] { return FuseMatMulAdd(graph); });
  LogDebug("prepared graph:\n" + PrintGraph(graph));
}

}  // namespace qconvert
