#include "correct_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "correct_layers.h"
#include "kept_results.h"
#include "layerwise_run.h"
#include "learn_layer.h"
#include "learnable_ranges.h"
#include "placed_layers.h"
#include "qconvert/base/counted.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/weights/code_steps.h"
#include "qconvert/weights/learn_block.h"

namespace qconvert {
namespace {

class BlockCorrector {
 public:
  BlockCorrector(const Model& model, const QuantizationPlan& plan, const LayerCorrections& start,
                 const BlockOptions& options)
      : graph_(model.graph),
        plan_(plan),
        options_(options),
        layers_(FindCodedLayers(graph_, plan)),
        placed_(PlaceLayers(model, plan, layers_)),
        blocks_(LearnableBlocks(graph_, layers_, options.learning)),
        topology_(graph_),
        learner_(graph_, topology_, layers_, options.learning, options.workers),
        found_(start),
        learns_(FindRanges()),
        constants_(MakeConstants()) {
    for (size_t b = 0; b < blocks_.size(); ++b)
      for (const size_t n : blocks_[b].layers) block_of_.emplace(n, b);
    for (const PlacedLayer& layer : placed_.layers) {
      const auto block = block_of_.find(layer.node);
      if (block == block_of_.end()) continue;
      // It is learned when its first layer comes, which has to be the one that its values enter.
      if (!layer.codes.empty() &&
          graph_.nodes[layer.node].inputs[0] == blocks_[block->second].entry)
        inputs_.emplace(block->second, layer.input);
      else if (!inputs_.contains(block->second) || layer.codes.empty())
        unusable_.insert(block->second);
    }
    out_.blocks = blocks_.size();
    if (!unusable_.empty())
      out_.obstacles["codes that others read, or an entry in the middle"] = unusable_.size();
  }

  CorrectedBlocks Run(const Model& model, const std::vector<Sample>& samples,
                      const std::string& place) {
    std::multiset<std::string> wanted;
    std::multiset<std::string> wanted_floats;
    for (const PlacedLayer& layer : placed_.layers) {
      wanted.insert(layer.output);
      if (!CanLearnAlone(layer)) continue;
      wanted.insert(layer.input);
      learner_.WantFloats(layer.node, wanted_floats);
    }
    for (const auto& [b, input] : inputs_) {
      if (unusable_.contains(b)) continue;
      wanted.insert(input);
      wanted_floats.insert(blocks_[b].exit);
      if (mixes()) wanted_floats.insert(blocks_[b].entry);
    }
    if (options_.cache != nullptr) {
      run_hash_ = KeyOf({HashOf(model), HashOf(placed_.model), HashOf(graph_, plan_),
                         HashOf(found_), HashOf(samples), HashOf(options_.learning)});
      learner_.KeepIn(options_.cache, run_hash_);
    }
    LayerwiseRun quantized(std::move(placed_.model), samples, std::move(wanted), options_.workers,
                           place);
    LayerwiseRun floats(model, samples, std::move(wanted_floats), options_.workers, place);
    for (const PlacedLayer& layer : placed_.layers) {
      const auto block = block_of_.find(layer.node);
      if (block != block_of_.end() && !unusable_.contains(block->second) &&
          seen_.insert(block->second).second)
        Learn(block->second, floats, quantized);
      if (CanLearnAlone(layer)) LearnAlone(layer, floats, quantized);
      const auto weights = found_.weights.find(layer.node);
      if (weights != found_.weights.end() && !layer.codes.empty())
        ReplaceWeights(layer, weights->second, quantized);
      quantized.Reach(layer.output);
      const auto shift = found_.bias.find(layer.node);
      if (shift != found_.bias.end())
        ShiftChannels(layer.output, AxisOfLayer(graph_.nodes[layer.node]), shift->second,
                      quantized);
      quantized.Drop(layer.output);
    }
    LogDebug(out_.What());
    if (out_.learned > 0) out_.corrections = std::move(found_);
    return std::move(out_);
  }

 private:
  bool mixes() const { return options_.learning.quantized_part < 1; }

  // By block.
  std::vector<WhatLearns> FindRanges() const {
    const LearnableRanges ranges(graph_, topology_, plan_);
    std::vector<WhatLearns> learns;
    for (const Block& block : blocks_) learns.push_back({options_.variables, ranges.Of(block)});
    return learns;
  }

  RangeConstants MakeConstants() {
    std::set<std::string> roots;
    for (const WhatLearns& of : learns_) roots.insert(of.roots.begin(), of.roots.end());
    RangeConstants constants(plan_, roots, placed_.model);
    for (WhatLearns& of : learns_)
      std::erase_if(of.roots, [&](const std::string& root) { return !roots.contains(root); });
    return constants;
  }

  bool CanLearnAlone(const PlacedLayer& layer) const {
    return options_.variables == BlockVariables::kCodes && !layer.codes.empty() &&
           LearnsNode(graph_, layer.node, layers_.at(layer.node), options_.learning);
  }

  // Behind a block that has learned a layer reads other values than it learned from; one that has
  // learned in a block is done.
  void LearnAlone(const PlacedLayer& layer, LayerwiseRun& floats, LayerwiseRun& quantized) {
    const size_t n = layer.node;
    if (out_.learned > 0 && !learned_layers_.contains(n)) {
      const auto before = found_.bias.find(n);
      std::vector<float> shift =
          before == found_.bias.end() ? std::vector<float>{} : before->second;
      LearnedLayer learned = learner_.Learn(n, StartOfLayer(layers_.at(n), found_, n), shift,
                                            layer.input, quantized, floats);
      if (options_.learning.learns_bias && !layers_.at(n).is_stored) {
        AddShift(learned.bias_shift, shift);
        found_.bias.insert_or_assign(n, std::move(shift));
      }
      found_.weights.insert_or_assign(n, std::move(learned.weights));
    } else {
      learner_.DropFloats(n, floats);
    }
    quantized.Drop(layer.input);
  }

  BlockStart StartOf(size_t n) const {
    const CodedLayer& layer = layers_.at(n);
    BlockStart start{StartOfLayer(layer, found_, n), {}, layer.is_stored};
    if (const auto shift = found_.bias.find(n); shift != found_.bias.end())
      start.shift = shift->second;
    return start;
  }

  void Learn(size_t b, LayerwiseRun& floats, LayerwiseRun& quantized) {
    const Block& block = blocks_[b];
    LearnedBlock learned = LearnOrRecall(b, floats, quantized);
    floats.Drop(block.exit);
    if (mixes()) floats.Drop(block.entry);
    quantized.Drop(inputs_.at(b));
    if (options_.progress) options_.progress(100 * seen_.size() / blocks_.size());
    if (!learned.obstacle.empty()) {
      ++out_.obstacles[learned.obstacle];
      LogInfo(fmt::format("block from {} to {}: its layers learn one by one: {}", block.entry,
                          block.exit, learned.obstacle));
      return;
    }
    LogDebug(
        fmt::format("block from {} to {}: {} layers and {} of {} ranges, held-out error "
                    "{:.4g} -> {:.4g}",
                    block.entry, block.exit, block.layers.size(), learned.ranges.size(),
                    learns_[b].roots.size(), learned.error_before, learned.error_after));
    if (!(learned.error_after < learned.error_before)) return;
    ++out_.learned;
    out_.layers += block.layers.size();
    out_.ranges += learned.ranges.size();
    for (const auto& [root, range] : learned.ranges) {
      constants_.Replace(root, range, quantized);
      found_.ranges.insert_or_assign(root, range);
    }
    for (size_t k = 0; k < block.layers.size(); ++k) {
      BlockStart& layer = learned.layers[k];
      learned_layers_.insert(block.layers[k]);
      if (options_.variables == BlockVariables::kCodes)
        found_.weights.insert_or_assign(block.layers[k], std::move(layer.weights));
      if (!layer.shift.empty())
        found_.bias.insert_or_assign(block.layers[k], std::move(layer.shift));
    }
  }

  LearnedBlock LearnOrRecall(size_t b, LayerwiseRun& floats, LayerwiseRun& quantized) const {
    const Block& block = blocks_[b];
    std::vector<BlockStart> starts;
    for (const size_t n : block.layers) starts.push_back(StartOf(n));
    // Also of a block that was kept, as LayerLearner does.
    BlockSamples samples{
        .inputs = quantized.Reach(inputs_.at(b)), .float_inputs = {}, .outputs = {}};
    if (mixes()) samples.float_inputs = floats.Reach(block.entry);
    samples.outputs = floats.Reach(block.exit);
    const std::string key =
        options_.cache == nullptr
            ? ""
            : KeyOf({kKeptBlock, run_hash_,
                     fmt::format("{} {}", b, static_cast<int>(learns_[b].variables))});
    LearnedBlock learned{.layers = starts, .ranges = {}, .obstacle = {}};
    RecallOrMake<KeptBlock>(
        options_.cache, kKeptBlock, key,
        [&](const KeptBlock& kept) { return TakeBlock(kept, learns_[b].roots, learned); },
        [&] {
          learned = LearnBlock(graph_, block, std::move(starts), plan_.values, samples,
                               options_.learning, options_.workers, learns_[b]);
        },
        [&] {
          return learned.obstacle.empty() ? TextOf(KeptOfBlock(learned, learns_[b].roots))
                                          : std::string();
        });
    return learned;
  }

  static bool TakeBlock(const KeptBlock& kept, const std::set<std::string>& roots,
                        LearnedBlock& learned) {
    if (kept.layers.size() != learned.layers.size() || kept.ranges.size() != roots.size())
      return false;
    learned.error_before = kept.error_before;
    learned.error_after = kept.error_after;
    for (size_t k = 0; k < learned.layers.size(); ++k) {
      if (!TakeCodes(kept.layers[k].codes, learned.layers[k].weights)) return false;
      learned.layers[k].shift = kept.layers[k].shift;
    }
    auto range = kept.ranges.begin();
    for (const std::string& root : roots) {
      if (range->min < range->max) learned.ranges.emplace(root, *range);
      ++range;
    }
    return true;
  }

  // Roots whose range stayed have an empty one.
  static KeptBlock KeptOfBlock(const LearnedBlock& learned, const std::set<std::string>& roots) {
    KeptBlock kept{{}, {}, learned.error_before, learned.error_after};
    for (const BlockStart& layer : learned.layers)
      kept.layers.push_back(KeptOf(layer.weights, layer.shift));
    for (const std::string& root : roots) {
      const auto range = learned.ranges.find(root);
      kept.ranges.push_back(range == learned.ranges.end() ? Range{} : range->second);
    }
    return kept;
  }

  const Graph& graph_;
  const QuantizationPlan& plan_;
  const BlockOptions& options_;
  std::map<size_t, CodedLayer> layers_;
  PlacedLayers placed_;
  std::vector<Block> blocks_;
  Topology topology_;
  LayerLearner learner_;
  std::map<size_t, size_t> block_of_;     // by layer
  std::map<size_t, std::string> inputs_;  // of a block, in the quantized model
  std::set<size_t> unusable_;             // blocks
  std::set<size_t> seen_;
  std::set<size_t> learned_layers_;  // in blocks
  std::string run_hash_;             // where there is a cache
  LayerCorrections found_;
  CorrectedBlocks out_;             // but for its corrections
  std::vector<WhatLearns> learns_;  // by block
  RangeConstants constants_;
};

}  // namespace

std::vector<Block> LearnableBlocks(const Graph& graph, const std::map<size_t, CodedLayer>& layers,
                                   const LearningSettings& settings) {
  std::set<size_t> learning;
  for (const auto& [n, layer] : layers)
    if (LearnsNode(graph, n, layer, settings)) learning.insert(n);
  BlockLimits limits;
  limits.may_follow = IsBlockOperator;
  return FindBlocks(graph, learning, limits);
}

std::string CorrectedBlocks::What() const {
  std::string text = fmt::format("{} of {} learned together", learned,
                                 Counted(static_cast<int64_t>(blocks), "block"));
  size_t cannot = 0;
  for (const auto& [why, count] : obstacles) cannot += count;
  if (cannot == 0) return text;
  const auto most =
      std::max_element(obstacles.begin(), obstacles.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  text += fmt::format(", {} cannot: {}", cannot, most->first);
  if (most->second < cannot) text += fmt::format(" ({} of them)", most->second);
  return text;
}

CorrectionReport CorrectedBlocks::Report(BlockVariables variables) const {
  const bool are_codes = variables != BlockVariables::kRanges;
  const bool are_ranges = !are_codes && ranges > 0;
  return {.name = are_codes    ? "blocks"
                  : are_ranges ? "clipping in blocks"
                               : "biases in blocks",
          .of = are_ranges ? "values" : "layers",
          .layers = are_codes    ? corrections.weights.size()
                    : are_ranges ? ranges
                                 : layers,
          .remark = What()};
}

CorrectedBlocks CorrectBlocks(const Model& model, const QuantizationPlan& plan,
                              const LayerCorrections& start, const std::vector<Sample>& samples,
                              const BlockOptions& options, const std::string& place) {
  CorrectedBlocks found;
  found.corrections = UnlessRefused([&] {
    found = BlockCorrector(model, plan, start, options).Run(model, samples, place);
    return std::move(found.corrections);
  });
  return found;
}

}  // namespace qconvert
