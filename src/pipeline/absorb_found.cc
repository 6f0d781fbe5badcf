#include "absorb_found.h"

#include <utility>

#include "find_absorbed_biases.h"
#include "other_passes.h"

namespace qconvert {
namespace {

AbsorbedBiases FindAsked(const ConvertOptions& options, const InputFeeder& feeder,
                         std::span<const size_t> by_content, bool has_table, const Model& model,
                         std::vector<std::string>& warnings) {
  // A table's ranges are those of the model as it is now.
  if (has_table || feeder.size() == 0 || feeder.has_feedback()) {
    warnings.push_back(
        "high biases are not absorbed: that takes samples that do not depend on each other");
    return {};
  }
  FoundBiases found = FindAbsorbedBiases(model, feeder, by_content, options.model.string());
  if (found.absorbed.empty()) {
    warnings.push_back(
        "high biases are not absorbed: the largest channels in front of no Relu stay above zero "
        "with readers that could make up for it");
  }
  return std::move(found.absorbed);
}

}  // namespace

AbsorbedBiases AbsorbFound(const ConvertOptions& options, const InputFeeder& feeder,
                           std::span<const size_t> by_content, bool has_table,
                           PreparedModel& prepared, std::vector<std::string>& warnings) {
  const std::string model = options.model.string();
  AbsorbedBiases absorbed;
  if (options.plan != nullptr) {
    absorbed = options.plan->absorbed;
  } else if (options.config.bias_absorption == Correction::kOn) {
    absorbed = FindAsked(options, feeder, by_content, has_table, prepared.model, warnings);
  }
  if (absorbed.empty()) return absorbed;
  RunnerOfOthers("values", options.passes, model, prepared.model).Run("absorb_biases", [&] {
    return AbsorbBiases(prepared.model.graph, absorbed,
                        options.plan != nullptr ? options.plan->file.string() : model);
  });
  return absorbed;
}

}  // namespace qconvert
