#include "qconvert/pipeline/prepare_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "check_weights.h"
#include "declare_types.h"
#include "derive_type.h"
#include "infer_folded_types.h"
#include "qconvert/base/activity.h"
#include "qconvert/base/log.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/graph_printer.h"
#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"
#include "qconvert/rewrite/store_float16.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/transform/cancel_transposes.h"
#include "qconvert/transform/collapse_reshapes.h"
#include "qconvert/transform/convert_affine_to_conv.h"
#include "qconvert/transform/convert_opset.h"
#include "qconvert/transform/dpu_forms.h"
#include "qconvert/transform/eliminate_no_ops.h"
#include "qconvert/transform/equalize_layers.h"
#include "qconvert/transform/fold_constants.h"
#include "qconvert/transform/fold_weights.h"
#include "qconvert/transform/fuse_hard_swish.h"
#include "qconvert/transform/fuse_instance_norm.h"
#include "qconvert/transform/fuse_softmax.h"
#include "qconvert/transform/infer_symbolic_shapes.h"
#include "qconvert/transform/inline_functions.h"
#include "qconvert/transform/keep_reduced_axes.h"
#include "qconvert/transform/lower_hard_swish.h"
#include "qconvert/transform/normalize.h"
#include "qconvert/transform/replace_activations.h"
#include "qconvert/transform/replace_einsum.h"
#include "qconvert/transform/slice_codes.h"

namespace qconvert {
namespace {

constexpr int kMostRounds = 8;  // of cleaning up; two or three in practice

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

// What exporters leave behind goes, until nothing changes: each pass may make work for the others.
void CleanUp(Model& model, const std::string& place, PassRunner& runner) {
  Graph& graph = model.graph;
  for (int round = 0; round < kMostRounds; ++round) {
    size_t shapes = runner.Run("fold_shapes", [&] { return FoldShapes(graph); });
    size_t changed = runner.Run("eliminate_identity", [&] { return EliminateIdentity(graph); });
    shapes += runner.Run("fold_constants", [&] { return FoldConstants(model, place); });
    runner.Run("remove_dead_nodes", [&] { return RemoveDeadNodes(graph); });
    changed += runner.Run("eliminate_no_ops", [&] { return EliminateNoOps(graph); });
    changed += runner.Run("collapse_reshapes", [&] { return CollapseReshapes(graph); });
    changed += runner.Run("keep_reduced_axes", [&] { return KeepReducedAxes(graph); });
    changed += runner.Run("cancel_transposes", [&] { return CancelTransposes(graph); });
    changed += runner.Run("replace_einsum", [&] { return ReplaceEinsum(graph); });
    if (changed + shapes == 0) return;
    if (shapes > 0) InferTypes(model, place);  // more shapes are known now
  }
}

// Symbols tell more shapes than the engine does; what these fold makes work for the other passes.
void FoldSymbolicShapes(Model& model, const std::string& place, PassRunner& runner) {
  Graph& graph = model.graph;
  const auto infer = [&] { return InferSymbolicShapes(graph); };
  runner.Run("infer_symbolic_shapes", infer);
  for (int round = 0; round < kMostRounds; ++round) {
    if (runner.Run("fold_symbolic_shapes", [&] { return FoldShapes(graph); }) == 0) return;
    InferTypes(model, place);  // a Reshape with a constant shape may be one that does nothing
    CleanUp(model, place, runner);
    runner.Run("infer_symbolic_shapes", infer);
  }
}

// Last, on weights with all scales in them and with types known. Returns how many layers were
// evened out.
size_t ChangeWeights(const PrepareOptions& options, bool is_widened, Graph& graph,
                     PassRunner& runner) {
  size_t equalized = 0;
  if (options.equalize) {
    equalized =
        runner.Run("equalize_layers", [&] { return EqualizeLayers(graph, *options.equalize); });
  }
  if (is_widened && options.suit_engine)
    runner.Run("round_to_float16", [&] { return RoundToFloat16(graph); });
  return equalized;
}

}  // namespace

size_t FoldConstants(Model& model, const std::string& place) {
  return FoldConstants(model.graph, {.evaluate = [&](const Graph& constants) {
                         return Evaluate(model, constants, place);
                       }});
}

void InferFoldedTypes(Model& model, const std::string& place) {
  const auto& nodes = model.graph.nodes;
  const auto is_shape = [](const Node& node) { return node.Is("Shape"); };
  if (std::none_of(nodes.begin(), nodes.end(), is_shape)) return;
  Model folded = model;  // shares the bytes of tensors
  PassRunner runner(folded, place, {});
  CleanUp(folded, place, runner);
  // Passes may lay out a value otherwise: only what says more, and nothing else.
  for (auto& [name, value] : model.graph.value_info) {
    if (!folded.graph.value_info.contains(name) || !HasFixedShape(folded.graph, name)) continue;
    const auto& known = folded.graph.value_info.at(name).type.shape;
    std::optional<std::vector<Dim>>& shape = value.type.shape;
    if (!shape || IsAsSaid(*shape, *known)) shape = known;
  }
}

size_t PrepareModel(Model& model, const std::string& place, const PrepareOptions& options,
                    const PassOptions& passes) {
  RefuseOldOpset(model, place);  // the engine would name a node that it does not know
  Graph& graph = model.graph;
  PassRunner runner(model, place, passes);
  const auto declared = graph.value_info;
  const auto run = [&](std::string_view name, const std::function<size_t()>& pass) {
    return runner.Run(name, pass);
  };
  run("normalize", [&] { return Normalize(model), size_t{1}; });
  const size_t widened = run("widen_float16", [&] { return size_t{WidenFloat16(model)}; });
  InferTypes(model, place);  // opset adapters look at ranks and types
  const size_t typed = runner.changes();
  run("convert_opset", [&] {
    const int64_t before = model.opset();
    ConvertOpset(model, options.opset, place);
    return static_cast<size_t>(model.opset() - before);
  });
  run("inline_functions", [&] {
    const size_t inlined = InlineFunctions(model);
    if (inlined > 0) Normalize(model);  // for the constants inside
    return inlined;
  });
  // Not for the engine, whose integer kernels may saturate with codes that are not ours.
  if (!options.suit_engine && run("slice_codes", [&] { return SliceCodes(graph); }) > 0)
    InferTypes(model, place);
  CleanUp(model, place, runner);
  if (options.relu6_to_relu)
    run("convert_relu6_to_relu", [&] { return ConvertRelu6ToRelu(graph); });
  if (options.silu_to_hard_swish)
    run("convert_silu_to_hswish", [&] { return ConvertSiluToHardSwish(graph); });
  // Padding first: a BatchNormalization behind Pad and Conv does not mind, an arithmetic node
  // between would.
  run("fold_pad_into_conv", [&] { return FoldPadIntoConv(graph); });
  run("fold_batch_normalization", [&] { return FoldBatchNormalization(graph); });
  run("fold_arithmetic_into_conv", [&] { return FoldArithmeticIntoConv(graph); });
  run("fold_scale_into_matmul", [&] { return FoldScaleIntoMatMul(graph); });
  run("fuse_hard_swish", [&] { return FuseHardSwish(graph); });
  run("lower_hard_swish", [&] { return LowerHardSwish(graph); });
  if (options.dpu_forms != DpuForms{})
    run("use_dpu_forms", [&] { return UseDpuForms(graph, options.dpu_forms); });
  run("fuse_instance_norm", [&] { return FuseInstanceNorm(graph); });
  run("fuse_softmax", [&] { return FuseSoftmax(graph); });
  const size_t flattened =
      options.suit_engine ? run("flatten_softmax", [&] { return FlattenSoftmax(graph); }) : 0;
  if (runner.changes() != typed) InferTypes(model, place);
  if (flattened > 0) run("collapse_reshapes", [&] { return CollapseReshapes(graph); });
  run("convert_affine_to_conv",
      [&] { return ConvertAffineToConv(graph, options.suit_engine ? kLeastChannelsOfEngine : 1); });
  run("fuse_matmul_add", [&] { return FuseMatMulAdd(graph); });
  const size_t equalized = ChangeWeights(options, widened > 0, graph, runner);
  FoldSymbolicShapes(model, place, runner);
  runner.CheckStopped();
  AddKnownTypes(declared, graph);  // only after the passes: what a file declares may be wrong
  InferBodyTypes(model, place);
  CheckBiasLengths(graph, place);
  CheckWeightsFinite(graph, place);
  if (GetLogLevel() == LogLevel::kVerbose) LogDebug("prepared graph:\n" + PrintGraph(graph));
  return equalized;
}

}  // namespace qconvert
