#include "qconvert/transform/fold_normalization.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "conv_weights.h"
#include "input_nodes.h"
#include "qconvert/config/config_node.h"
#include "qconvert/ir/topology.h"
#include "qconvert/transform/normalize.h"

namespace qconvert {
namespace {

class Folder {
 public:
  Folder(const InputSettings& settings, const std::string& place, Graph& graph)
      : settings_(settings), place_(place), graph_(graph) {
    const auto found = std::find_if(graph.inputs.begin(), graph.inputs.end(), [&](const auto& one) {
      // Without a name the settings are those of the first input.
      return settings.name.empty() || one.name == settings.name;
    });
    if (found == graph.inputs.end()) Fail("is no input of the model");
    input_ = found->name;
  }

  FoldedNormalization Fold() {
    Node& conv = graph_.nodes[FindConv()];
    const Tensor& weight = *graph_.FindInitializer(conv.inputs[1]);
    const auto out = static_cast<size_t>(weight.dims[0]);
    const auto per_group = static_cast<size_t>(weight.dims[1]);
    const auto groups = static_cast<size_t>(conv.GetInt("group", 1));
    const bool pads = Pads(conv);
    for (const std::vector<double>& numbers : {settings_.mean, settings_.scale}) {
      if (numbers.size() > 1 && numbers.size() != per_group * groups)
        Fail(fmt::format("has {} means or scales, its Conv \"{}\" takes {} channels",
                         numbers.size(), conv.name, per_group * groups));
    }
    FoldedNormalization folded{input_, {}, {}};
    for (size_t c = 0; c < per_group * groups; ++c) {
      folded.mean.push_back(pads ? 0 : settings_.MeanOf(c));
      folded.scale.push_back(settings_.ScaleOf(c));
      if (folded.scale.back() == 0) Fail("has a scale of 0, which nothing can undo");
    }
    std::vector<float> weights(weight.values<float>().begin(), weight.values<float>().end());
    const size_t taps = weights.size() / out / per_group;
    std::vector<double> shift(out, 0);  // of the bias
    for (size_t k = 0; k < weights.size(); ++k) {
      const size_t o = k / taps / per_group;
      // Output channel o reads the inputs of its group only.
      const size_t c = o / (out / groups) * per_group + k / taps % per_group;
      const double product = static_cast<double>(weights[k]) * folded.scale[c];
      weights[k] = static_cast<float>(product);
      shift[o] -= product * folded.mean[c];
    }
    const std::vector<int64_t> dims = weight.dims;
    SetBias(shift, conv);
    SetConstant(conv, 1, MakeFloatTensor("", dims, weights));
    return folded;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    throw ConfigError({fmt::format(
        "{}: {}", place_,
        EscapeForTerminal(fmt::format("fold_normalization: input \"{}\" {}",
                                      input_.empty() ? settings_.name : input_, what)))});
  }

  // The one reader, behind Identity and Transpose too.
  size_t FindConv() const {
    const Topology topology(graph_);
    std::string value = input_;
    size_t axis = settings_.layout_train == InputLayout::kNhwc ? 3 : 1;
    for (;;) {
      if (topology.Uses(value).empty() && !topology.IsGraphOutput(value))
        Fail(fmt::format("is read by no node (as \"{}\"), expected one Conv", value));
      if (!topology.HasSingleUse(value) || topology.IsGraphOutput(value))
        Fail(fmt::format("is read by more than one node (as \"{}\"), expected one Conv", value));
      const Use use = topology.Uses(value)[0];
      const Node& node = graph_.nodes[use.node];
      if (node.Is("Identity")) {
        value = node.outputs[0];
        continue;
      }
      if (node.Is("Transpose")) {
        const std::vector<int64_t>* order = node.FindInts("perm");
        if (order == nullptr) Fail("is turned around by a Transpose without perm");
        // Dimension d of what it writes is dimension order[d] of what it reads.
        const auto to = std::find(order->begin(), order->end(), static_cast<int64_t>(axis));
        axis = static_cast<size_t>(to - order->begin());
        value = node.outputs[0];
        continue;
      }
      if (!IsFoldable(node, use.slot, axis)) {
        Fail(fmt::format(
            "is read by \"{}\" ({}), expected a Conv with constant float weights, into which mean "
            "and scale fold exactly",
            node.name, node.op_type));
      }
      return use.node;
    }
  }

  bool IsFoldable(const Node& node, size_t slot, size_t axis) const {
    if (!node.Is("Conv") || slot != 0 || axis != 1) return false;
    const int64_t groups = node.GetInt("group", 1);
    const std::optional<ChannelWeights> weights = FindChannelWeights(graph_, node);
    return weights && groups > 0 && weights->channels % groups == 0;
  }

  // Zeros around the picture stand for its mean.
  static bool Pads(const Node& conv) {
    const std::string automatic = conv.GetString("auto_pad", "NOTSET");
    const std::vector<int64_t>* pads = conv.FindInts("pads");
    return automatic.starts_with("SAME") ||
           (pads != nullptr &&
            std::any_of(pads->begin(), pads->end(), [](int64_t pad) { return pad != 0; }));
  }

  void SetBias(const std::vector<double>& shift, Node& conv) {
    if (std::all_of(shift.begin(), shift.end(), [](double one) { return one == 0; })) return;
    std::vector<float> biases(shift.size(), 0);
    if (const Tensor* bias = graph_.FindInitializer(conv.input(2)))
      biases.assign(bias->values<float>().begin(), bias->values<float>().end());
    for (size_t o = 0; o < biases.size(); ++o)
      biases[o] = static_cast<float>(static_cast<double>(biases[o]) + shift[o]);
    if (conv.inputs.size() < 3) conv.inputs.resize(3);
    SetConstant(conv, 2, MakeFloatTensor("", {static_cast<int64_t>(biases.size())}, biases));
  }

  // Under a name of its own: other nodes may read the old one.
  void SetConstant(Node& conv, size_t slot, Tensor tensor) {
    tensor.name = NameMaker(graph_).Make(input_ + (slot == 1 ? "/folded_weight" : "/folded_bias"));
    conv.inputs[slot] = tensor.name;
    graph_.initializers.emplace(tensor.name, std::move(tensor));
  }

  const InputSettings& settings_;
  const std::string& place_;
  Graph& graph_;
  std::string input_;
};

}  // namespace

FoldedNormalization FoldNormalization(const InputSettings& settings, const std::string& place,
                                      Graph& graph) {
  FoldedNormalization folded = Folder(settings, place, graph).Fold();
  RemoveDeadNodes(graph);
  return folded;
}

void TakeNormalized(const FoldedNormalization& folded, size_t axis, Graph& graph) {
  constexpr size_t kRank = 4;  // of images
  const Value image = *std::find_if(graph.inputs.begin(), graph.inputs.end(),
                                    [&](const Value& one) { return one.name == folded.input; });
  InputNodes nodes(image.name + "/levels/", graph);
  const std::string levels = nodes.NewName("value");
  RenameUses(graph, {{image.name, levels}});
  std::vector<float> gains;
  for (const double scale : folded.scale) gains.push_back(static_cast<float>(1 / scale));
  const std::vector<float> means(folded.mean.begin(), folded.mean.end());
  std::vector<int64_t> dims(kRank - axis, 1);
  dims[0] = static_cast<int64_t>(gains.size());
  const std::string gain = nodes.Constant("gain", MakeFloatTensor("", dims, gains));
  const std::string scaled = nodes.Apply("Mul", image.name, gain);
  nodes.Apply("Add", scaled, nodes.Constant("mean", MakeFloatTensor("", dims, means)));
  // The readers were moved to `levels` before: the last step writes it.
  nodes.nodes().back().outputs[0] = levels;
  graph.value_info.insert_or_assign(levels, Value{levels, image.type, {}, {}});
  graph.nodes.insert(graph.nodes.begin(), std::make_move_iterator(nodes.nodes().begin()),
                     std::make_move_iterator(nodes.nodes().end()));
}

}  // namespace qconvert
