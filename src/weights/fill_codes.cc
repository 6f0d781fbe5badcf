#include "qconvert/weights/fill_codes.h"

#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "dynamic_weights.h"
#include "integer_node.h"
#include "qconvert/base/parallel.h"
#include "qconvert/plan/body_plans.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/targets/target.h"
#include "qconvert/weights/code_steps.h"
#include "qconvert/weights/store_weights.h"

namespace qconvert {
namespace {

constexpr int kDefaultBits = 8;
constexpr int kWideBits = 16;
constexpr int64_t kMostOthers = int64_t{64} << 20;  // bytes of codes that no present plan wants

// The bias as its target wants it; the weights' scales are final.
void FillBias(const TensorSettings& settings, BiasForm form, float input_scale,
              std::vector<float> bias, IntegerNodePlan& out) {
  if (bias.empty()) return;
  const bool own = form == BiasForm::kOwnScale && settings.is_int();
  const BiasGrid grid =
      own ? FindOwnGrid(settings, bias, out.limits.bias) : FindBiasGrid(settings, bias);
  if (!own) RoundBias(grid, bias);
  SetBias(bias, form, own, grid, input_scale, out);
}

// What corrections add to the bias; a layer without one gets it.
void ShiftBias(const LayerCorrections* corrections, size_t n, std::vector<float>& bias,
               IntegerNodePlan& out) {
  if (corrections == nullptr || !corrections->bias.contains(n)) return;
  out.bias_shift = corrections->bias.at(n);
  AddShift(out.bias_shift, bias);
}

// Gives weights the scales that corrections found for them, unless their bias would not fit.
void CorrectScales(const LayerCorrections& corrections, size_t n, const Tensor& weight,
                   const WeightOrder& order, std::span<const float> bias, float input_scale,
                   int workers, FittedWeights& fitted) {
  const auto& [instead_of, scales] = corrections.scales.at(n);
  if (instead_of != fitted.params || !BiasFits(bias, input_scale, scales)) return;
  QuantParams params = fitted.params;
  params.scales = scales;
  const int32_t pair_limit = fitted.pair_limit;
  fitted = RoundWeights(weight, order, std::move(params), fitted.format,
                        {.pair_limit = pair_limit, .workers = workers});
}

// Codes in place of the nearest ones, as long as the scales are those that they were found for.
void CorrectCodes(const LayerCorrections* corrections, size_t n, ConstantCodes& weight) {
  if (corrections == nullptr || !corrections->weights.contains(n)) return;
  const FittedWeights& corrected = corrections->weights.at(n);
  if (corrected.params != weight.params) return;
  weight.steps = StepsBetween(weight.codes, corrected.weight);
  weight.codes = corrected.weight;
}

// `key`: what its weights are called in the whole model.
void FillIntegerNode(const Graph& graph, const ModelSettings& settings, const CodeOptions& options,
                     size_t n, const std::string& key, CodeCache& cache, QuantizationPlan& plan) {
  const Node& node = graph.nodes[n];
  const FusedUnit& unit = plan.placement.nodes[n].unit;
  const Target& target = TargetOf(settings.config.target_device);
  const NodeSettings& of = settings.Of(node);
  TensorSettings of_weights = of.weights;
  if (target.products_per_tensor && !node.Is("Conv")) of_weights.per_channel = false;
  const float input_scale = FirstInputParams(plan, n, node).scales[0];
  const Tensor& weight = *graph.FindInitializer(node.inputs[1]);
  const WeightOrder order = KernelOrder(node, weight);
  // The vendor's numbers know of no kernel.
  const int32_t pair_limit = of_weights.compat == Compat::kVitis ? 0 : options.pair_limit;
  const WeightOptions fit{.pair_limit = pair_limit, .workers = cache.workers()};
  const Tensor* addend = FindUnitBias(graph, node, unit);
  std::vector<float> bias = addend == nullptr ? std::vector<float>{} : ToFloats(*addend);
  const BiasForm form = target.bias;
  IntegerNodePlan& out = plan.integer_nodes[n];
  ShiftBias(options.corrections, n, bias, out);
  const FittedWeights* fitted = &cache.Integer(
      key, order, of_weights, [&] { return FitWeights(weight, order, of_weights, fit); });
  FittedWeights refitted;
  if (const auto most = out.limits.weights) {
    const auto least = [&](size_t, size_t) { return std::ldexp(1.0, -*most); };
    refitted = FitWeights(weight, order, of_weights, fit, least);
    fitted = &refitted;
  } else if (form == BiasForm::kProductScale &&
             !BiasFits(bias, input_scale, fitted->params.scales)) {
    RoundBias(FindBiasGrid(of.bias, bias), bias);
    refitted = QuantizeWeights(weight, order, bias, input_scale, of_weights, fit).fitted;
    fitted = &refitted;
  }
  if (form == BiasForm::kProductScale && options.corrections != nullptr &&
      options.corrections->scales.contains(n)) {
    refitted = *fitted;
    CorrectScales(*options.corrections, n, weight, order, bias, input_scale, cache.workers(),
                  refitted);
    fitted = &refitted;
  }
  SetWeights(node, *fitted, !bias.empty(), out);
  CorrectCodes(options.corrections, n, *out.weight);
  FillBias(of.bias, form, input_scale, std::move(bias), out);
}

// What corrections found for the one node that reads stored weights, as long as they have the grid
// that it was found for.
void CorrectStored(const LayerCorrections& corrections, size_t n, const WeightUse& use,
                   StoredWeight& stored) {
  const auto scales = corrections.scales.find(n);
  if (scales != corrections.scales.end() && scales->second.instead_of == FittedOf(stored).params)
    stored = StoreOnGrid(use, stored.format, stored.block_size, scales->second.scales);
  const auto weights = corrections.weights.find(n);
  if (weights != corrections.weights.end() && weights->second.params == FittedOf(stored).params &&
      weights->second.block_size == stored.block_size)
    TakeFitted(weights->second, stored);
}

// Float nodes with corrections, by the weights that they read.
std::map<std::string, size_t> FindCorrected(const Graph& graph, const QuantizationPlan& plan,
                                            const LayerCorrections* corrections) {
  std::map<std::string, size_t> nodes;
  if (corrections == nullptr) return nodes;
  for (const auto& [n, weights] : corrections->weights) nodes[graph.nodes[n].inputs[1]] = n;
  for (const auto& [n, scales] : corrections->scales) nodes[graph.nodes[n].inputs[1]] = n;
  std::erase_if(nodes, [&](const auto& entry) {
    return plan.placement.nodes[entry.second].domain == NodeDomain::kInteger;
  });
  return nodes;
}

StoredForm FormFor(const TensorSettings& weights) {
  if (!weights.is_int()) return {.bits = kDefaultBits};
  return {.bits = weights.bit_width, .block_size = weights.block_size};
}

// Of the weights that nodes with settings of their own read; all others have the root's.
std::map<std::string, StoredForm> FindOwnForms(const Graph& graph, const ModelSettings& settings) {
  std::map<std::string, StoredForm> out;
  for (const Node& node : graph.nodes) {
    if (!settings.layer_of.contains(node.name) && !settings.widened.contains(node.name)) continue;
    for (const std::string& weight : WeightsOf(node))
      out[weight] = FormFor(settings.Of(node).weights);
  }
  return out;
}

// Stored codes of all weights that nodes without codes of their own read.
void FillStored(const Graph& graph, const ModelSettings& settings, const CodeOptions& options,
                const MarkedNodes& has_own_codes, CodeCache& cache, QuantizationPlan& plan) {
  const QuantConfig& config = settings.config;
  const bool asked = config.scheme == Scheme::kWeightOnly;
  if (!asked && !TargetOf(config.target_device).stores_weights) return;
  const std::map<std::string, StoredForm> own = FindOwnForms(graph, settings);
  std::vector<std::pair<WeightUse, StoredForm>> wanted;
  for (WeightUse& use : FindWeightUses(graph, has_own_codes)) {
    const auto found = own.find(use.way);
    StoredForm form = found != own.end() ? found->second : FormFor(config.tensors.weights);
    if (options.wide.contains(use.way)) form = {.bits = kWideBits};
    if (use.owner != &graph && !config.tensors.weights.is_int()) continue;
    form = FormOf(use, form);
    if (!options.keep.contains(use.way)) wanted.emplace_back(std::move(use), form);
  }
  cache.MakeStored(wanted);
  const std::map<std::string, size_t> corrected = FindCorrected(graph, plan, options.corrections);
  for (const auto& [use, form] : wanted) {
    const StoredWeight* found = cache.FindStored(use.way, form);
    if (found == nullptr) continue;
    StoredWeight& stored = plan.stored.emplace(use.way, *found).first->second;
    const auto node = corrected.find(use.way);
    if (node != corrected.end()) CorrectStored(*options.corrections, node->second, use, stored);
  }
}

// Weights and biases in a floating type of 16 bits.
void FillRounded(const Graph& graph, const ModelSettings& settings, QuantizationPlan& plan) {
  RoundedFloats found = FindRoundedWeights(graph, plan.placement, settings);
  for (const auto& [name, type] : found.types) {
    StoredWeight& stored = plan.stored[name];
    stored = {name, Narrowed(*graph.FindInitializer(name), type), {}, {}, {}};
  }
  plan.rounded.too_large.merge(found.too_large);
}

// Of bodies: each as a graph of its own. Marks the nodes that have codes.
void FillBodies(const Graph& graph, const ModelSettings& settings, const CodeOptions& options,
                CodeCache& cache, QuantizationPlan& plan, MarkedNodes& has_own_codes) {
  const CodeOptions plain{.pair_limit = options.pair_limit};  // no corrections
  ForEachBodyIn(plan.bodies, graph, [&](const BodyGraph& body, QuantizationPlan& inside) {
    const ModelSettings own = SettingsOfBody(settings, body);
    std::vector<bool>& marks = has_own_codes[body.way];
    for (size_t n = 0; n < body.graph.nodes.size(); ++n) {
      marks.push_back(inside.placement.nodes[n].domain == NodeDomain::kInteger);
      if (!HasIntegerWeights(body.graph, inside.placement, n)) continue;
      const std::string key = body.FullName(body.graph.nodes[n].inputs[1]);
      FillIntegerNode(body.graph, own, plain, n, key, cache, inside);
    }
  });
}

// What other plans store may be as much as half of the model: above a limit it goes, and is made
// again where it is wanted again.
void DropOthers(const std::vector<std::pair<WeightUse, StoredForm>>& wanted,
                std::map<std::pair<std::string, StoredForm>, std::optional<StoredWeight>>& stored) {
  std::set<std::pair<std::string, StoredForm>> keys;
  for (const auto& [use, form] : wanted) keys.emplace(use.way, form);
  int64_t others = 0;
  for (const auto& [key, weight] : stored)
    if (weight && !keys.contains(key)) others += weight->codes.byte_size();
  if (others <= kMostOthers) return;
  std::erase_if(stored, [&](const auto& entry) { return !keys.contains(entry.first); });
}

// What was made with these settings, or is made now, for the plan of this number.
template <typename Map, typename Make>
const auto& Recall(Map& kept, const typename Map::key_type& key, size_t plan,
                   const TensorSettings& settings, const Make& make) {
  auto it = kept.find(key);
  if (it == kept.end() || !(it->second.settings == settings)) {
    if (it != kept.end()) kept.erase(it);  // before others are made
    it = kept.emplace(key, typename Map::mapped_type{settings, make(), plan}).first;
  }
  it->second.plan = plan;
  return it->second.codes;
}

}  // namespace

const FittedWeights& CodeCache::Integer(const std::string& weight, const WeightOrder& order,
                                        const TensorSettings& settings,
                                        const std::function<FittedWeights()>& make) {
  const auto& o = order;
  const std::pair key(weight, Walk({o.axis, o.batches, o.batch_stride, o.channels, o.channel_stride,
                                    o.count, o.inner_count, o.inner_stride, o.outer_stride},
                                   o.pairs_in_16_bits));
  return Recall(integer_, key, plan_, settings, make);
}

const DynamicNodePlan& CodeCache::Dynamic(size_t node, const TensorSettings& settings,
                                          const std::function<DynamicNodePlan()>& make) {
  return Recall(dynamic_, node, plan_, settings, make);
}

void CodeCache::EndPlan() {
  const auto is_other = [&](const auto& entry) { return entry.second.plan != plan_; };
  int64_t others = 0;
  for (const auto& entry : integer_)
    if (is_other(entry)) others += entry.second.codes.weight.byte_size();
  for (const auto& entry : dynamic_) {
    for (const ConstantCodes& weight : entry.second.codes.weights)
      if (is_other(entry)) others += weight.codes.byte_size();
  }
  ++plan_;
  if (others <= kMostOthers) return;
  // Counted already.
  const auto is_old = [&](const auto& entry) { return entry.second.plan + 1 != plan_; };
  std::erase_if(integer_, is_old);
  std::erase_if(dynamic_, is_old);
}

void CodeCache::MakeStored(const std::vector<std::pair<WeightUse, StoredForm>>& wanted) {
  DropOthers(wanted, stored_);
  std::vector<const std::pair<WeightUse, StoredForm>*> missing;
  for (const auto& one : wanted)
    if (!stored_.contains({one.first.way, one.second})) missing.push_back(&one);
  std::vector<std::optional<StoredWeight>> made(missing.size());
  ParallelFor(missing.size(), workers_, [&](size_t i, size_t /*worker*/) {
    const auto& [use, form] = *missing[i];
    if (CanStore(use, form)) made[i] = StoreWeight(use, form);
  });
  for (size_t i = 0; i < missing.size(); ++i)
    stored_.emplace(std::pair(missing[i]->first.way, missing[i]->second), std::move(made[i]));
}

const StoredWeight* CodeCache::FindStored(const std::string& way, const StoredForm& form) const {
  const auto it = stored_.find({way, form});
  return it == stored_.end() || !it->second ? nullptr : &*it->second;
}

void FillCodes(const Graph& graph, const ModelSettings& settings, const CodeOptions& options,
               CodeCache& cache, QuantizationPlan& plan) {
  MarkedNodes marks;
  std::vector<bool>& has_own_codes = marks[""];
  has_own_codes.resize(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (HasIntegerWeights(graph, plan.placement, n)) {
      FillIntegerNode(graph, settings, options, n, graph.nodes[n].inputs[1], cache, plan);
    } else if (options.dynamic.contains(n)) {
      const TensorSettings& of = settings.Of(graph.nodes[n]).weights;
      const auto fit = [&](const Tensor& matrix, const WeightOrder& order, size_t /*w*/,
                           int64_t /*d*/) {
        return FitWeights(matrix, order, of,
                          {.pair_limit = options.pair_limit, .workers = cache.workers()});
      };
      plan.dynamic_nodes[n] =
          cache.Dynamic(n, of, [&] { return MakeDynamicNode(graph, graph.nodes[n], fit); });
      plan.placement.nodes[n].reason = kAtRunTime;
    }
    has_own_codes[n] =
        plan.placement.nodes[n].domain == NodeDomain::kInteger || options.dynamic.contains(n);
  }
  FillBodies(graph, settings, options, cache, plan, marks);
  cache.EndPlan();
  FillStored(graph, settings, options, marks, cache, plan);
  FillRounded(graph, settings, plan);
}

}  // namespace qconvert
