// Any model that loads is either refused, or goes through the float passes, a plan and the rewriter
// to one that loads again. Types are those that the file declares: there is no engine here.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../../src/pipeline/check_weights.h"
#include "model_file.h"
#include "qconvert/base/check.h"
#include "qconvert/base/error.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/graph_printer.h"
#include "qconvert/ir/graph_validator.h"
#include "qconvert/plan/choose_scheme.h"
#include "qconvert/plan/expected_noise.h"
#include "qconvert/rewrite/apply_plan.h"
#include "qconvert/transform/cancel_transposes.h"
#include "qconvert/transform/collapse_reshapes.h"
#include "qconvert/transform/convert_opset.h"
#include "qconvert/transform/eliminate_no_ops.h"
#include "qconvert/transform/equalize_layers.h"
#include "qconvert/transform/fold_weights.h"
#include "qconvert/transform/fuse_hard_swish.h"
#include "qconvert/transform/inline_functions.h"
#include "qconvert/transform/lower_hard_swish.h"
#include "qconvert/transform/normalize.h"
#include "qconvert/transform/replace_activations.h"
#include "qconvert/weights/fill_codes.h"

namespace {

using qconvert::Graph;
using qconvert::Model;
using qconvert::PlaceBy;

[[noreturn]] void Fail(const char* what, const char* why, const Model& model) {
  std::fprintf(stderr, "%s: %s\n%s\n", what, why, qconvert::PrintGraph(model.graph).c_str());
  std::abort();
}

// What our own passes leave must be valid.
void CheckValid(const char* after, const Model& model) {
  try {
    qconvert::ValidateModel(model, after);
  } catch (const qconvert::Error& e) {
    Fail(after, e.what(), model);
  }
}

void Prepare(Model& model) {
  Graph& graph = model.graph;
  qconvert::Normalize(model);
  qconvert::WidenFloat16(model);
  CheckValid("normalize", model);
  qconvert::ConvertOpset(model, qconvert::kNewestConvertedOpset, "fuzz");
  CheckValid("convert_opset", model);
  if (qconvert::InlineFunctions(model) > 0) qconvert::Normalize(model);
  qconvert::ValidateModel(model, "a call without an input that the body needs is the file's fault");
  for (const auto pass :
       {qconvert::FoldShapes, qconvert::EliminateIdentity, qconvert::RemoveDeadNodes,
        qconvert::EliminateNoOps, qconvert::CollapseReshapes, qconvert::CancelTransposes,
        qconvert::ConvertSiluToHardSwish, qconvert::FoldPadIntoConv,
        qconvert::FoldBatchNormalization, qconvert::FoldArithmeticIntoConv, qconvert::FuseHardSwish,
        qconvert::LowerHardSwish, qconvert::FuseMatMulAdd}) {
    pass(graph);
    CheckValid("a pass", model);
  }
  qconvert::EqualizeLayers(graph, {.bounds_by_channel = true});
  CheckValid("equalize_layers", model);
  qconvert::CheckWeightsFinite(graph, "fuzz");
}

// As if a sample had been seen in which every value lies between -2 and 3.
qconvert::CalibrationTable MadeUpTable(const qconvert::Placement& placement) {
  constexpr std::array<float, 4> kValues = {-2, 0, 0.5, 3};
  qconvert::CalibrationTable table;
  qconvert::Histogram::BinScratch scratch;
  for (const std::string& value : placement.Observed())
    table.values[value].Observe(kValues, qconvert::TensorStatistics::Detail::kHistogram, scratch);
  table.samples = 1;
  return table;
}

void Convert(Model model, const qconvert::ModelSettings& settings, PlaceBy place_by) {
  const Graph& graph = model.graph;
  qconvert::SchemeChoice choice = qconvert::ChooseScheme(graph, {}, settings);
  choice.place.place_by = place_by;
  qconvert::Placement placement = qconvert::PlaceNodes(graph, choice.place);
  const qconvert::CalibrationTable table = MadeUpTable(placement);
  qconvert::QuantizationPlan plan =
      qconvert::MakePlan(graph, std::move(placement), table, settings);
  qconvert::CodeOptions codes;
  for (const auto& [node, output] : choice.dynamic) codes.dynamic.insert(node);
  qconvert::CodeCache cache;
  qconvert::FillCodes(graph, settings, codes, cache, plan);
  qconvert::ExpectedNodeNoise(graph, plan, table);
  qconvert::ApplyPlan(model, plan);
  CheckValid("quantized", model);
  qconvert::LoadModelBytes(qconvert::SerializeModel(model));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    Model model = qconvert::LoadModelBytes({reinterpret_cast<const char*>(data), size});
    Prepare(model);
    qconvert::ModelSettings settings;
    Convert(model, settings, PlaceBy::kKernels);
    settings.config.scheme = qconvert::Scheme::kDynamic;
    Convert(model, settings, PlaceBy::kTime);
  } catch (const qconvert::Error&) {
  } catch (const qconvert::InternalError&) {
    // Declared types that contradict each other: the engine infers consistent ones, or refuses.
  }
  return 0;
}
