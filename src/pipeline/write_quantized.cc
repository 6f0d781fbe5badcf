#include "write_quantized.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "compared_models.h"
#include "deploy_model.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/report/report_page.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

// What the report says of the outputs, from a session of the quantized model.
void CompareOutputs(const Session& quantized, ModelComparer& comparer, ConversionReport& report) {
  report.compared_samples = comparer.count();
  // A file draws other random numbers than the float model: what was measured with seeds stays.
  if (comparer.count() == 0 || comparer.is_in_step()) return;
  std::vector<OutputComparison> outputs = comparer.Compare(quantized);
  for (size_t o = outputs.size(); o < report.outputs.size(); ++o)  // the file does not show these
    outputs.push_back(std::move(report.outputs[o]));
  report.outputs = std::move(outputs);
  report.sample_names = comparer.sample_names();
}

}  // namespace

void WriteQuantized(const ConvertOptions& options, Model& model, const Companions& told,
                    ModelComparer& comparer, ConversionReport& report) {
  const std::filesystem::path output = OutputPath(options);
  const DeploymentConfig& deployment = options.config.deployment;
  const bool is_deployed = ChangesInterface(deployment);
  if (is_deployed) {
    const auto session = OpenForComparison(model, report.input);
    CompareOutputs(*session, comparer, report);
    for (const std::string& name : DeployModel(deployment, report.input, model))
      report.warnings.push_back(fmt::format(
          "remove_node_name: \"{}\" is no node that an input or output can do without", name));
  }
  AtomicFile info(QuantInfoPath(output));
  info.Write(told.quant_info);
  info.Sync();
  std::vector<AtomicFile*> companions = {&info};
  std::optional<AtomicFile> page;
  if (told.layers != nullptr) companions.push_back(&page.emplace(options.page));
  const auto verify = [&](const std::filesystem::path& temporary, int64_t bytes) {
    const auto session =
        OpenOrtSessionFile(temporary, output.string(), ComparisonOptions(report.float_bytes));
    if (!is_deployed) CompareOutputs(*session, comparer, report);
    report.quantized_bytes = bytes;
    if (!page) return;
    const std::string success(ExitCodeName(ExitCode::kSuccess));
    page->Write(ReportPage(LayersJson(report, success, *told.layers)));
    page->Sync();
  };
  ExportOnnx(model, output,
             {.external_data = options.external_data,
              .verify = verify,
              .companions = std::move(companions),
              .inputs = told.inputs});
}

}  // namespace qconvert
