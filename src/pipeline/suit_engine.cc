#include "suit_engine.h"

#include "other_passes.h"
#include "qconvert/rewrite/type_half_regions.h"
#include "qconvert/transform/expand_layer_norm.h"
#include "qconvert/transform/expand_mish.h"
#include "qconvert/transform/fuse_gelu.h"

namespace qconvert {

void SuitEngine(const std::map<std::string, Value, std::less<>>& types, const PassOptions& passes,
                const std::string& place, Model& model) {
  Graph& graph = model.graph;
  // The passes look at types; what the engine infers by itself goes again below.
  graph.value_info.insert(types.begin(), types.end());
  PassRunner runner = RunnerOfOthers("engine", passes, place, model);
  runner.Run("fuse_gelu", [&] { return FuseGelu(graph, model.opset()); });
  runner.Run("expand_layer_norm", [&] { return ExpandLayerNorm(graph, model.opset()); });
  runner.Run("expand_mish", [&] { return ExpandMish(graph); });
  DropInferredTypes(graph);
}

void SuitTypes(const std::map<std::string, Value, std::less<>>& types, const PassOptions& passes,
               const std::string& place, Model& model) {
  model.graph.value_info.insert(types.begin(), types.end());
  RunnerOfOthers("types", passes, place, model).Run("type_half_regions", [&] {
    return TypeHalfRegions(model.graph);
  });
  DropInferredTypes(model.graph);
}

}  // namespace qconvert
