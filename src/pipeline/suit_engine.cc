#include "suit_engine.h"

#include <fmt/format.h>

#include "qconvert/base/log.h"
#include "qconvert/rewrite/type_half_regions.h"
#include "qconvert/transform/expand_layer_norm.h"
#include "qconvert/transform/expand_mish.h"
#include "qconvert/transform/fuse_gelu.h"

namespace qconvert {

void SuitEngine(const std::map<std::string, Value, std::less<>>& types, Model& model) {
  model.graph.value_info.insert(types.begin(), types.end());
  const size_t gelus = FuseGelu(model.graph, model.opset());
  const size_t norms = ExpandLayerNorm(model.graph, model.opset());
  const size_t mishes = ExpandMish(model.graph);
  LogDebug(fmt::format("written for the engine: {} GELU, {} LayerNormalization, {} Mish", gelus,
                       norms, mishes));
  DropInferredTypes(model.graph);
}

void SuitTypes(const std::map<std::string, Value, std::less<>>& types, Model& model) {
  model.graph.value_info.insert(types.begin(), types.end());
  LogDebug(fmt::format("written in float16: {} nodes", TypeHalfRegions(model.graph)));
  DropInferredTypes(model.graph);
}

}  // namespace qconvert
