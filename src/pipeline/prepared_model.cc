#include "prepared_model.h"

#include <utility>

#include "apply_settings.h"
#include "qconvert/base/sha256.h"
#include "qconvert/ir/graph_printer.h"

namespace qconvert {

PreparedModel PrepareWithSettings(Model model, const ModelConfig& config, const std::string& place,
                                  const PassOptions& passes) {
  std::vector<std::string> warnings;
  std::vector<size_t> late;
  ModelSettings settings = ApplySettings(config, model, late, warnings);
  PreparedModel prepared{.model = std::move(model),
                         .settings = std::move(settings),
                         .fingerprint = {},
                         .first = {},
                         .moments = {},
                         .equalized = 0,
                         .warnings = std::move(warnings)};
  prepared.first = FindFirstLayers(prepared.model);
  prepared.moments = FindChannelMoments(prepared.model.graph);
  prepared.equalized = PrepareModel(
      prepared.model, place, PassesOf(config, ExportedOpset(config, prepared.model)), passes);
  InheritLayers(prepared.model.graph, prepared.settings);
  MatchLate(late, prepared.model.graph, prepared.settings, prepared.warnings);
  Sha256 hash;
  hash.Update(PrintGraph(prepared.model.graph));
  prepared.fingerprint = hash.HexDigest();
  return prepared;
}

}  // namespace qconvert
