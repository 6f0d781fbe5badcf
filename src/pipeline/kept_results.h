// What a ResultCache (base/result_cache.h) keeps of a conversion: the keys and the texts.
#ifndef QCONVERT_SRC_PIPELINE_KEPT_RESULTS_H_
#define QCONVERT_SRC_PIPELINE_KEPT_RESULTS_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/base/result_cache.h"
#include "qconvert/calibration/calibration_table.h"
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
inline constexpr const char* kKeptCorrections = "correction";
inline constexpr const char* kKeptScales = "scaling";
inline constexpr const char* kKeptTable = "table";

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
  std::vector<Range> ranges;  // of the roots that could learn, in their order
  double error_before = 0;
  double error_after = 0;
};

// What was found of all layers in one pass, by node.
template <typename Found>
struct KeptByNode {
  struct Of {
    size_t node = 0;
    Found found;
  };
  std::vector<Of> layers;
};

using KeptCorrections = KeptByNode<KeptLayer>;      // no codes: the nearest
using KeptScales = KeptByNode<std::vector<float>>;  // of the weights

// Numbers as text, each the shortest that reads back as itself. What the comparisons are of is left
// out.
std::string TextOf(std::vector<OutputComparison> outputs);
std::string TextOf(KeptLayer layer);
std::string TextOf(KeptBlock block);
std::string TextOf(KeptCorrections corrections);
std::string TextOf(KeptScales scales);
// A table as in its file; empty where that would not read back as the same table.
std::string TextOf(const CalibrationTable& table);

// The opposite; false where the text is none of these.
bool ReadText(const std::string& text, std::vector<OutputComparison>& outputs);
bool ReadText(const std::string& text, KeptLayer& layer);
bool ReadText(const std::string& text, KeptBlock& block);
bool ReadText(const std::string& text, KeptCorrections& corrections);
bool ReadText(const std::string& text, KeptScales& scales);
bool ReadText(const std::string& text, CalibrationTable& table);

KeptLayer KeptOf(const FittedWeights& weights, const std::vector<float>& shift);

// Takes what is kept under the key, where `take` returns true for it, or makes it anew and keeps
// what `text` says of it; an empty text, and everything without a cache or a key, is not kept.
template <typename Result>
void RecallOrMake(ResultCache* cache, const char* kind, const std::string& key,
                  const std::function<bool(Result)>& take, const std::function<void()>& make,
                  const std::function<std::string()>& text) {
  const bool is_kept = cache != nullptr && !key.empty();
  if (is_kept) {
    const std::optional<std::string> found = cache->Read(kind, key);
    Result result;
    if (found && ReadText(*found, result) && take(std::move(result))) return;
  }
  make();
  if (!is_kept) return;
  const std::string made = text();
  if (!made.empty()) cache->Write(kind, key, made);
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_KEPT_RESULTS_H_
