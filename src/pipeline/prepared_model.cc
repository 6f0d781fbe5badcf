#include "prepared_model.h"

#include <set>
#include <utility>

#include "apply_settings.h"
#include "border_names.h"
#include "qconvert/base/error.h"
#include "qconvert/base/sha256.h"
#include "qconvert/ir/graph_printer.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/rewrite/store_float16.h"

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
                         .stores_float16 = false,
                         .warnings = std::move(warnings)};
  // Before the passes, which merge nodes and fold normalizations away.
  const std::set<std::string> names = BorderNamesOf(config.config.deployment, prepared.model.graph);
  prepared.first = FindFirstLayers(prepared.model);
  prepared.moments = FindChannelMoments(prepared.model.graph);
  // What compiles a file for a device may take no Cast in front of its weights.
  prepared.stores_float16 =
      HoldsFloat16(prepared.model.graph) && TargetOf(config.config.target_device).suits_engine;
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
