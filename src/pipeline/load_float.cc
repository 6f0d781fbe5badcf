#include "load_float.h"

#include "other_passes.h"
#include "qconvert/transform/convert_opset.h"
#include "qconvert/transform/normalize.h"
#include "qconvert/transform/strip_pairs.h"

namespace qconvert {

LoadedModel LoadFloat(const std::filesystem::path& file, bool strip,
                      std::vector<std::string>& warnings, const PassOptions& passes) {
  LoadedModel loaded = LoadOnnx(file);
  if (!strip) return loaded;
  Normalize(loaded.model);
  ConvertOpset(loaded.model, kQuantizedOpset, file.string());  // Clip with its bounds as inputs
  PassRunner runner = RunnerOfOthers("strip", passes, file.string(), loaded.model);
  if (runner.Run("strip_pairs", [&] { return StripPairs(loaded.model.graph); }) == 0)
    warnings.emplace_back("--strip found no pair of QuantizeLinear and DequantizeLinear");
  return loaded;
}

}  // namespace qconvert
