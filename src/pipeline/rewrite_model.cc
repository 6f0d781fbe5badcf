#include "rewrite_model.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "apply_settings.h"
#include "declare_types.h"
#include "other_passes.h"
#include "plan_remarks.h"
#include "qconvert/base/sha256.h"
#include "qconvert/exporter/written_bytes.h"
#include "qconvert/ir/graph_printer.h"
#include "qconvert/ir/graph_validator.h"
#include "qconvert/plan/processor.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/rewrite/align_biases.h"
#include "qconvert/rewrite/apply_plan.h"
#include "qconvert/rewrite/store_float16.h"
#include "suit_engine.h"

namespace qconvert {
namespace {

constexpr int64_t kOutputTypeOpset = 21;  // of QuantizeLinear

// What qconvert verify goes by, the seal last: with the hash of quant_info no bit of that can
// change unseen. Empty where there is nothing to say.
Metadata ReceiptOf(const Provenance& provenance, const std::string& quant_info) {
  return {{"qconvert.version", Version()},
          {"qconvert.model_sha256", provenance.model_sha256},
          {"qconvert.config_sha256", provenance.config_sha256},
          {"qconvert.data_sha256", provenance.data_sha256},
          {"qconvert.engine", provenance.engine},
          {"qconvert.processor_kind", provenance.processor_kind},
          {kQuantInfoSeal, Sha256Hex(quant_info)}};
}

// That of an earlier conversion is none of this one.
void DropReceipt(const Metadata& receipt, Metadata& metadata) {
  std::erase_if(metadata, [&](const auto& entry) {
    return std::any_of(receipt.begin(), receipt.end(),
                       [&](const auto& one) { return one.first == entry.first; });
  });
}

// A model must not become a larger file by what quant_info says as well, nor by types that an
// engine infers itself; the seal stays.
void KeepSmall(Metadata own, const Metadata& receipt, int64_t float_bytes, Model& model) {
  const auto fits = [&] { return WrittenBytes(model) <= float_bytes; };
  if (fits()) return;
  own.push_back(receipt.back());
  model.metadata = std::move(own);
  if (!fits()) DropInferredTypes(model.graph);
}

// Rewrites the graph, and says of all values what they are.
void ApplyWithTypes(const QuantizationPlan& plan, const TargetDevice device, bool stores_float16,
                    const PassOptions& passes, const std::string& place, Model& model) {
  const auto types = model.graph.value_info;
  std::set<std::string> constants;
  for (const auto& [name, tensor] : model.graph.initializers) constants.insert(name);
  const std::string before = PrintGraph(model.graph);
  RunnerOfOthers("quantize", passes, place, model).Run("apply_plan", [&] {
    ApplyPlan(model, plan);
    return plan.values.size();
  });
  if (TargetOf(device).suits_engine) SuitEngine(types, passes, place, model);
  if (device == TargetDevice::kGpu) SuitTypes(types, passes, place, model);
  // Where nothing was rewritten all is known: the engine takes long to open what is large.
  if (PrintGraph(model.graph) != before || !TakeTypes(types, model.graph))
    DeclareTypes(types, place, model);
  // Last: passes look at constants.
  if (!stores_float16) return;
  RunnerOfOthers("float16", passes, place, model).Run("store_float16", [&] {
    return StoreFloat16(constants, model);
  });
}

}  // namespace

PlanHistory HistoryOfChosen(const ConvertOptions& options, Provenance provenance, int64_t opset,
                            const ConversionReport& report) {
  PlanHistory history{.provenance = std::move(provenance),
                      .samples = static_cast<int64_t>(report.samples),
                      .scheme = report.scheme,
                      .scheme_reason = report.scheme_reason,
                      .guard = report.guard,
                      .gate = report.gate,
                      .config = options.config};
  const ModelConfig config{options.config, options.effective_config, options.config_file};
  history.config.processor = ResolveProcessor(options.config.processor);
  const PrepareOptions passes = PassesOf(config, opset);
  history.config.equalization = passes.equalize ? Correction::kOn : Correction::kOff;
  history.config.convert_relu6_to_relu = passes.relu6_to_relu;
  history.config.onnx_opset_version = static_cast<int>(opset);
  return history;
}

std::string RewriteModel(Model& model, const QuantizationPlan& plan, const PlanHistory& history,
                         bool stores_float16, const PassOptions& passes, ConversionReport& report) {
  report.stored_weights = plan.stored.size();
  if (report.integer_nodes + report.dynamic_nodes + report.stored_weights == 0 &&
      plan.rounded.types.empty() && !history.config.deployment.load_thresholds)
    report.warnings.push_back(WhyNothingIsQuantized(
        model.graph, report.scheme == SchemeName(Scheme::kStatic), report.guard.float_weights > 0));
  if (std::optional<std::string> remark = RemarkOnLoading(plan))
    report.warnings.push_back(*std::move(remark));
  if (std::optional<std::string> remark = RemarkOnBlocks(history.config, plan))
    report.warnings.push_back(*std::move(remark));
  if (std::optional<std::string> remark =
          RemarkOnOutputs(model.graph, plan, history.config.deployment.model_output_type))
    report.warnings.push_back(*std::move(remark));
  if (std::optional<std::string> remark =
          RemarkOnForced(model.graph, plan, history.config.deployment))
    report.warnings.push_back(*std::move(remark));
  for (std::string& remark : RemarksOnValues(model.graph, history.config, plan, report.warnings))
    report.warnings.push_back(std::move(remark));
  std::string quant_info = QuantInfoJson(model.graph, plan, history);
  ApplyWithTypes(plan, history.config.target_device, stores_float16, passes, report.input, model);
  if (!TargetOf(history.config.target_device).suits_engine && model.opset() >= kOutputTypeOpset)
    RunnerOfOthers("align", passes, report.input, model).Run("align_biases", [&] {
      return AlignBiases(model.graph);
    });
  const Metadata receipt = ReceiptOf(history.provenance, quant_info);
  DropReceipt(receipt, model.metadata);
  Metadata own = model.metadata;
  std::copy_if(receipt.begin(), receipt.end(), std::back_inserter(model.metadata),
               [](const auto& entry) { return !entry.second.empty(); });
  KeepSmall(std::move(own), receipt, report.float_bytes, model);
  ValidateModel(model, report.input);
  return quant_info;
}

}  // namespace qconvert
