#include "correct_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "expected_output.h"
#include "kept_results.h"
#include "layerwise_run.h"
#include "learn_layer.h"
#include "parked_weights.h"
#include "placed_layers.h"
#include "qconvert/base/error.h"
#include "qconvert/base/log.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"
#include "qconvert/ir/value_types.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/weights/code_steps.h"
#include "qconvert/weights/learn_weights.h"
#include "qconvert/weights/online_bias.h"
#include "qconvert/weights/round_by_covariance.h"

namespace qconvert {
namespace {

// A node whose weights are codes, in both models.
struct Layer {
  size_t node = 0;
  ChannelAxis axis = ChannelAxis::kSecond;
  bool moves_bias = false;
  std::string in_float;  // its output before its activation
  PlacedLayer placed;    // its input only where that is looked at
  bool rounds = false;   // by covariance
  bool refits = false;   // to what it writes as well
  bool learns = false;
  bool loops = false;  // moves its bias by the vendor's loop
};

class Corrector {
 public:
  Corrector(const Model& model, const QuantizationPlan& plan, const ModelSettings& settings,
            const CorrectionOptions& options)
      : graph_(model.graph),
        opsets_(model.opsets),
        topology_(graph_),
        plan_(plan),
        settings_(settings),
        options_(options),
        coded_(FindCodedLayers(graph_, plan)) {
    // Biases of float nodes stay: without other weights there is nothing to look at.
    if (!options.round_weights && options.learning == nullptr)
      std::erase_if(coded_, [](const auto& layer) { return layer.second.is_stored; });
    if (options.learning != nullptr)
      learner_.emplace(graph_, topology_, coded_, *options.learning, options.workers);
    for (const auto& [n, coded] : coded_) {
      const Node& node = graph_.nodes[n];
      layers_.push_back({.node = n,
                         .axis = AxisOfLayer(node),
                         .moves_bias = options.move_biases && !coded.is_stored &&
                                       CanMoveBias(graph_, node, coded.unit),
                         .in_float = graph_.nodes[EndOfLayer(n, coded.unit)].outputs[0]});
      Layer& layer = layers_.back();
      layer.loops = options.online && layer.moves_bias;
      if (layer.loops) {
        // The vendor's loop corrects the biases that are there and makes none.
        layer.moves_bias = FindUnitBias(graph_, node, coded.unit) != nullptr;
      }
    }
  }

  LayerCorrections Run(const Model& model, const std::vector<Sample>& samples,
                       const std::string& place) {
    const Model rewritten = Rewritten(model);
    const std::string hash = options_.cache == nullptr ? "" : HashOfRun(model, rewritten, samples);
    if (learner_) {
      if (options_.cache != nullptr) learner_->KeepIn(options_.cache, hash);
      Correct(model, rewritten, samples, place);
    } else {
      RecallOrMake<KeptCorrections>(
          options_.cache, kKeptCorrections, hash.empty() ? "" : KeyOf({kKeptCorrections, hash}),
          [&](const KeptCorrections& kept) { return Take(kept); },
          [&] { Correct(model, rewritten, samples, place); }, [&] { return TextOf(KeptOfAll()); });
    }
    return std::move(found_);
  }

 private:
  void Correct(const Model& model, const Model& rewritten, const std::vector<Sample>& samples,
               const std::string& place) {
    std::multiset<std::string> wanted;
    std::multiset<std::string> wanted_floats;
    // As often as it is dropped below: a value goes with the last layer that wants it.
    for (const Layer& layer : layers_) {
      wanted.insert(layer.placed.output);
      if (!layer.placed.input.empty()) wanted.insert(layer.placed.input);
      if (layer.moves_bias && !layer.loops) wanted_floats.insert(layer.in_float);
      if (layer.refits) wanted_floats.insert(layer.in_float);
      if (layer.learns) learner_->WantFloats(layer.node, wanted_floats);
    }
    LayerwiseRun floats(model, samples, std::move(wanted_floats), options_.workers, place);
    // Where it is all that is asked of the float model, it runs first: else the values of both are
    // in memory together.
    std::map<size_t, ExpectedOutput> expected;
    if (WantsMeansAlone()) {
      for (const Layer& layer : layers_)
        if (layer.moves_bias && !layer.loops) expected[layer.node] = SeeFloats(layer, floats);
    }
    const auto correct = [&] {
      LayerwiseRun quantized(rewritten, samples, std::move(wanted), options_.workers, place);
      for (const Layer& layer : layers_) CorrectLayer(layer, expected, floats, quantized);
    };
    MovesBiasesAlone() ? WithOnlyWeightsOf(rewritten.graph, correct) : correct();
  }

  void CorrectLayer(const Layer& layer, const std::map<size_t, ExpectedOutput>& expected,
                    LayerwiseRun& floats, LayerwiseRun& quantized) {
    if (layer.rounds) RoundWeights(layer, floats, quantized);
    const std::vector<float> learned =
        layer.learns ? LearnLayer(layer, floats, quantized) : std::vector<float>{};
    std::vector<Tensor> read;
    if (layer.moves_bias && layer.loops) read = quantized.Reach(layer.placed.input);
    if (!layer.placed.input.empty()) quantized.Drop(layer.placed.input);
    // With the codes of now: what is replaced later no longer counts here.
    quantized.Reach(layer.placed.output);
    if (LearnsBias(layer) && !learned.empty()) ShiftOutput(layer, learned, quantized);
    if (!read.empty()) {
      LoopBias(layer, read, quantized);
    } else if (layer.moves_bias) {
      const auto seen = expected.find(layer.node);
      MoveBias(layer, seen == expected.end() ? SeeFloats(layer, floats) : seen->second, quantized);
    }
    quantized.Drop(layer.placed.output);
  }

  bool Take(const KeptCorrections& kept) {
    LayerCorrections found;
    for (const auto& [n, layer] : kept.layers) {
      if (!layer.shift.empty()) found.bias.emplace(n, layer.shift);
      if (layer.codes.empty()) continue;
      FittedWeights weights = coded_.at(n).weights;
      if (!TakeCodes(layer.codes, weights)) return false;
      found.weights.emplace(n, std::move(weights));
    }
    found_ = std::move(found);
    return true;
  }

  KeptCorrections KeptOfAll() const {
    KeptCorrections kept;
    for (const Layer& layer : layers_) {
      const size_t n = layer.node;
      const auto weights = found_.weights.find(n);
      const auto shift = found_.bias.find(n);
      KeptCorrections::Of one{n, {}};
      if (weights != found_.weights.end()) one.found.codes = CodesOfWeights(weights->second);
      if (shift != found_.bias.end()) one.found.shift = shift->second;
      if (!one.found.codes.empty() || !one.found.shift.empty())
        kept.layers.push_back(std::move(one));
    }
    return kept;
  }

  // Of everything that what is learned of a layer depends on, but for the layer.
  std::string HashOfRun(const Model& model, const Model& rewritten,
                        const std::vector<Sample>& samples) const {
    std::string done;  // what is done to layers in front
    for (const Layer& one : layers_) {
      done += fmt::format("{} {:d}{:d}{:d}{:d}\n", one.node, one.rounds, one.learns, one.moves_bias,
                          one.loops);
    }
    return KeyOf({HashOf(model), HashOf(rewritten), HashOf(graph_, plan_), HashOf(samples),
                  options_.learning == nullptr ? "" : HashOf(*options_.learning), done});
  }

  // The quantized model; the layers learn where they are in it, and come in its order.
  Model Rewritten(const Model& model) {
    PlacedLayers placed = PlaceLayers(model, plan_, coded_);
    std::unordered_map<size_t, size_t> places;
    for (size_t k = 0; k < placed.layers.size(); ++k) places.emplace(placed.layers[k].node, k);
    std::sort(layers_.begin(), layers_.end(), [&](const Layer& a, const Layer& b) {
      return places.at(a.node) < places.at(b.node);
    });
    for (size_t k = 0; k < layers_.size(); ++k) {
      Layer& layer = layers_[k];
      layer.placed = std::move(placed.layers[k]);
      // Codes that others read too are theirs as well: only the bias may move.
      const bool has_codes = !layer.placed.codes.empty();
      const CodedLayer& coded = coded_.at(layer.node);
      layer.rounds = has_codes && options_.round_weights &&
                     CanRound(graph_, settings_, graph_.nodes[layer.node], coded);
      layer.refits = layer.rounds && Refits(coded);
      layer.learns = has_codes && options_.learning != nullptr &&
                     LearnsNode(graph_, layer.node, coded, *options_.learning);
      layer.moves_bias = layer.moves_bias && !LearnsBias(layer);
      layer.loops = layer.loops && layer.moves_bias;
      if (!layer.rounds && !layer.learns && !layer.loops) layer.placed.input.clear();
    }
    return std::move(placed.model);
  }

  // Then nothing looks at the float weights once the float model has run.
  bool MovesBiasesAlone() const {
    return std::none_of(layers_.begin(), layers_.end(), [](const Layer& layer) {
      return layer.learns || layer.rounds || layer.loops;
    });
  }

  bool WantsMeansAlone() const {
    return std::none_of(layers_.begin(), layers_.end(),
                        [&](const Layer& layer) { return layer.learns || layer.refits; });
  }

  void RoundWeights(const Layer& layer, LayerwiseRun& floats, LayerwiseRun& quantized) {
    const Node& node = graph_.nodes[layer.node];
    const Tensor& weight = *graph_.FindInitializer(node.inputs[1]);
    const WeightOrder order = KernelOrder(node, weight);
    const std::vector<Tensor>& inputs = quantized.Reach(layer.placed.input);
    const int64_t positions = layer.refits ? kManyPositions : kSomePositions;
    const InputCovariances found = CollectCovariances(node, weight, inputs, positions);
    Tensor wanted = weight;
    if (layer.refits) {
      wanted = RefitWeights(node, weight, inputs, floats.Reach(layer.in_float), found, positions);
      floats.Drop(layer.in_float);
    }
    FittedWeights rounded = RoundByCovariance(wanted, order, coded_.at(layer.node).weights, found);
    ReplaceWeights(layer.placed, rounded, quantized);
    found_.weights.emplace(layer.node, std::move(rounded));
  }

  // Its values go with the last layer that wants them.
  ExpectedOutput SeeFloats(const Layer& layer, LayerwiseRun& floats) const {
    ExpectedOutput seen =
        SeeOutput(floats.Reach(layer.in_float), layer.axis, ActivationOf(layer), options_.workers);
    floats.Drop(layer.in_float);
    return seen;
  }

  LayerActivation ActivationOf(const Layer& layer) const {
    return FindActivation(graph_, topology_, coded_.at(layer.node).unit);
  }

  // Moves the bias in both the result and the values that the layers behind it get.
  void MoveBias(const Layer& layer, const ExpectedOutput& expected, LayerwiseRun& quantized) {
    const auto shift = FindShift(expected, quantized.Reach(layer.placed.output), layer.axis,
                                 ActivationOf(layer), options_.workers);
    if (shift) ShiftOutput(layer, *shift, quantized);
  }

  // The vendor's loop. `read`: the layer's input in the quantized model.
  void LoopBias(const Layer& layer, const std::vector<Tensor>& read, LayerwiseRun& quantized) {
    const auto exact = OpenFloatLayer(layer);
    std::vector<Tensor> values = quantized.Reach(layer.placed.output);
    std::optional<OnlineBias> bias;
    for (size_t s = 0; s < values.size(); ++s) {
      Tensor input = read[s];
      input.name = "x";
      const Tensor expected = exact->Run({&input, 1}, nullptr).at(0);
      if (expected.dims != values[s].dims || expected.dims.size() < 2) return;
      const size_t axis = layer.axis == ChannelAxis::kSecond ? 1 : expected.dims.size() - 1;
      if (!bias) bias.emplace(static_cast<size_t>(expected.dims[axis]), layer.axis);
      // The loop adds the shift by itself; layers behind read the value with it.
      const Tensor unshifted = values[s];
      values[s] = AddToChannels(values[s], layer.axis, bias->shift());
      bias->Step(expected, unshifted);
    }
    if (!bias) return;
    found_.bias[layer.node] = bias->shift();
    quantized.Replace(layer.placed.output, std::move(values));
  }

  // The layer with its bias, of an input "x".
  std::unique_ptr<Session> OpenFloatLayer(const Layer& layer) const {
    Model model;
    model.opsets = opsets_;
    Node node = graph_.nodes[layer.node];
    Node end = graph_.nodes[EndOfLayer(layer.node, coded_.at(layer.node).unit)];
    for (const Node* one : {&node, &end}) {
      for (const std::string& input : one->inputs) {
        if (const Tensor* constant = graph_.FindInitializer(input))
          model.graph.initializers.emplace(input, *constant);
      }
    }
    const ValueType* type = FindValueType(graph_, node.inputs[0]);
    ValueType row = type == nullptr ? ValueType{} : *type;
    if (row.shape)
      for (Dim& dim : *row.shape) dim = {};  // samples differ
    row.element = DataType::kFloat;
    node.inputs[0] = "x";
    model.graph.inputs.push_back({"x", row, {}, {}});
    model.graph.outputs.push_back({end.outputs[0], {}, {}, {}});
    model.graph.nodes.push_back(node);
    if (end.outputs[0] != node.outputs[0]) model.graph.nodes.push_back(end);
    return OpenOrtSession(SerializeModel(model), LabelOf(end), {});
  }

  void ShiftOutput(const Layer& layer, const std::vector<float>& shift, LayerwiseRun& quantized) {
    ShiftChannels(layer.placed.output, layer.axis, shift, quantized);
    found_.bias[layer.node] = shift;
  }

  bool LearnsBias(const Layer& layer) const {
    return layer.learns && options_.learning->learns_bias && !coded_.at(layer.node).is_stored;
  }

  // Codes for the nodes that have not run; returns what is added to the bias.
  std::vector<float> LearnLayer(const Layer& layer, LayerwiseRun& floats, LayerwiseRun& quantized) {
    LearnedLayer learned =
        learner_->Learn(layer.node, StartOfLayer(coded_.at(layer.node), found_, layer.node), {},
                        layer.placed.input, quantized, floats);
    TellProgress(layer.node);
    // A layer that nothing could be learned of is none that learning corrects.
    if (learned.bias_shift.empty()) return {};
    ReplaceWeights(layer.placed, learned.weights, quantized);
    found_.weights.insert_or_assign(layer.node, std::move(learned.weights));
    return learned.bias_shift;
  }

  void TellProgress(size_t n) {
    const auto cost = options_.costs.find(n);
    if (!options_.progress || cost == options_.costs.end()) return;
    learned_ += cost->second;
    double all = 0;
    for (const auto& [node, of_node] : options_.costs) all += of_node;
    // Rounded: sums in another order need not come to quite all.
    options_.progress(static_cast<size_t>(std::lround(100 * learned_ / std::max(all, learned_))));
  }

  const Graph& graph_;
  const std::map<std::string, int64_t>& opsets_;
  Topology topology_;
  const QuantizationPlan& plan_;
  const ModelSettings& settings_;
  const CorrectionOptions& options_;
  std::map<size_t, CodedLayer> coded_;
  std::optional<LayerLearner> learner_;
  std::vector<Layer> layers_;
  LayerCorrections found_;
  double learned_ = 0;  // CorrectionOptions::costs
};

}  // namespace

bool CanRound(const Graph& graph, const ModelSettings& settings, const Node& node,
              const CodedLayer& layer) {
  const NumericFormat& format = layer.weights.format;
  return settings.Of(node).weights.compat == Compat::kNone && format.symmetric &&
         format.zero == 0 && HasInputCovariance(node, *graph.FindInitializer(node.inputs[1]));
}

LayerCorrections UnlessRefused(const std::function<LayerCorrections()>& correct) {
  try {
    return correct();
  } catch (const Error& e) {
    if (e.code() != ExitCode::kModel) throw;
    LogDebug(e.what());  // a whole plan that does not run is told by those who measure it
    return {};
  }
}

bool Refits(const CodedLayer& layer) {
  // With more a layer's own rounding is so little that chance in the fit outweighs what it makes up
  // for.
  return layer.weights.format.qmax < kByteCodes;
}

LayerCorrections CorrectLayers(const Model& model, const QuantizationPlan& plan,
                               const ModelSettings& settings, const std::vector<Sample>& samples,
                               const CorrectionOptions& options, const std::string& place) {
  return UnlessRefused(
      [&] { return Corrector(model, plan, settings, options).Run(model, samples, place); });
}

LayerCorrections CorrectBiasesByMoments(const Graph& graph, const QuantizationPlan& plan,
                                        const std::map<std::string, ChannelMoments>& moments) {
  LayerCorrections found;
  for (const auto& [n, integer] : plan.integer_nodes) {
    const Node& node = graph.nodes[n];
    const auto read = moments.find(node.input(0));
    const bool moves = integer.weight && CanMoveBias(graph, node, plan.placement.nodes[n].unit);
    if (!moves || read == moments.end()) continue;
    std::vector<float> shift = ExpectedBiasShift(node, *graph.FindInitializer(node.inputs[1]),
                                                 *integer.weight, read->second.mean);
    if (!shift.empty()) found.bias.emplace(n, std::move(shift));
  }
  return found;
}

}  // namespace qconvert
