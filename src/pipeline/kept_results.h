// What a ResultCache (base/result_cache.h) keeps of a conversion: the keys and the texts.
#ifndef QCONVERT_SRC_PIPELINE_KEPT_RESULTS_H_
#define QCONVERT_SRC_PIPELINE_KEPT_RESULTS_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/base/result_cache.h"
#include "qconvert/config/learning_settings.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/plan.h"
#include "qconvert/report/comparison.h"
#include "qconvert/weights/layer_corrections.h"

namespace qconvert {

// Kinds of results.
inline constexpr const char* kKeptMeasurement = "measurement";
inline constexpr const char* kKeptLayer = "layer";
inline constexpr const char* kKeptBlock = "block";

// A key of these parts, of the engine and of the kind of processor: float kernels of another one
// round otherwise.
std::string KeyOf(std::initializer_list<std::string_view> parts);

// Hashes of everything in them that decides a result; names of samples decide none.
std::string HashOf(const Model& model);
std::string HashOf(const std::vector<Sample>& samples);
std::string HashOf(const Graph& graph, const QuantizationPlan& plan);
std::string HashOf(const LayerCorrections& corrections);
std::string HashOf(const LearningSettings& settings);

// What was learned of a layer; its scales stay.
struct KeptLayer {
  std::vector<int32_t> codes;
  std::vector<float> shift;  // of its bias; may be empty
};

struct KeptBlock {
  std::vector<KeptLayer> layers;
  double error_before = 0;
  double error_after = 0;
};

// Numbers as text, each the shortest that reads back as itself. What the comparisons are of is left
// out.
std::string TextOf(std::vector<OutputComparison> outputs);
std::string TextOf(KeptLayer layer);
std::string TextOf(KeptBlock block);

// The opposite; false where the text is none of these.
bool ReadText(const std::string& text, std::vector<OutputComparison>& outputs);
bool ReadText(const std::string& text, KeptLayer& layer);
bool ReadText(const std::string& text, KeptBlock& block);

KeptLayer KeptOf(const FittedWeights& weights, const std::vector<float>& shift);

// What is kept under the key; nothing where there is no cache, or no such result in it.
template <typename Result>
std::optional<Result> Recall(ResultCache* cache, const char* kind, const std::string& key) {
  if (cache == nullptr) return std::nullopt;
  const std::optional<std::string> text = cache->Read(kind, key);
  Result result;
  if (!text || !ReadText(*text, result)) return std::nullopt;
  return result;
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_KEPT_RESULTS_H_
