#include "prepared_model.h"

#include <set>
#include <utility>

#include "apply_settings.h"
#include "border_names.h"
#include "qconvert/base/error.h"
#include "qconvert/base/sha256.h"
#include "qconvert/ir/graph_printer.h"

namespace qconvert {

PreparedModel PrepareWithSettings(Model model, const ModelConfig& config, const std::string& place,
                                  const PassOptions& passes, SettingProblems problems) {
  std::vector<std::string> warnings;
  std::vector<size_t> late;
  ModelSettings settings = ApplySettings(config, model, late, warnings, problems);
  PreparedModel prepared{.model = std::move(model),
                         .settings = std::move(settings),
                         .fingerprint = {},
                         .first = {},
                         .moments = {},
                         .equalized = 0,
                         .warnings = std::move(warnings)};
  // Before the passes, which merge nodes and fold normalizations away.
  const std::set<std::string> names = BorderNamesOf(config.config.deployment, prepared.model.graph);
  prepared.first = FindFirstLayers(prepared.model);
  prepared.moments = FindChannelMoments(prepared.model.graph);
  try {
    prepared.equalized = PrepareModel(
        prepared.model, place, PassesOf(config, ExportedOpset(config, prepared.model)), passes);
  } catch (const Error&) {
    problems.ThrowIfAny();  // they are why
    throw;
  }
  InheritLayers(prepared.model.graph, prepared.settings);
  problems.Collect(
      [&] { MatchLate(late, prepared.model.graph, prepared.settings, prepared.warnings); });
  problems.Collect([&] { CheckBorderNames(config, names, prepared.model.graph); });
  problems.ThrowIfAny();
  Sha256 hash;
  hash.Update(PrintGraph(prepared.model.graph));
  prepared.fingerprint = hash.HexDigest();
  return prepared;
}

}  // namespace qconvert
