#include "qconvert/transform/convert_affine_to_conv.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "channel_affine.h"
#include "matcher.h"
#include "qconvert/transform/find_units.h"

namespace qconvert {
namespace {

// Nodes one behind the other that make x * scale + shift by channel.
struct AffineChain {
  std::string x;
  size_t rank = 0;
  size_t axis = 1;
  std::vector<double> scale;
  std::vector<double> shift;
  bool scales = false;
  bool shifts = false;
  bool is_by_channel = false;
  std::vector<size_t> nodes;
};

// Nodes that the engine moves a Transpose behind.
constexpr size_t kMostBehindTranspose = 16;

class AffineConverter {
 public:
  AffineConverter(size_t least_channels, Graph& graph)
      : least_channels_(least_channels),
        graph_(graph),
        matcher_(graph),
        units_(FindUnits(graph)),
        writer_(graph) {}

  size_t Run() {
    std::vector<AffineChain> chains;
    std::vector<bool> is_seen(graph_.nodes.size(), false);
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (is_seen[n]) continue;
      for (const bool is_last_axis : {false, true}) {
        AffineChain chain = Collect(n, is_last_axis);
        for (const size_t k : chain.nodes) is_seen[k] = true;
        const bool is_wanted = is_last_axis ? IsWantedBehind(chain) : IsWanted(chain);
        if (!is_wanted || !IsSound(chain)) continue;
        chains.push_back(std::move(chain));
        break;
      }
    }
    for (const AffineChain& chain : chains) Write(chain);
    if (!chains.empty()) writer_.Finish();
    return chains.size();
  }

 private:
  // All from node n on that scale and shift channels; of none it has no nodes.
  AffineChain Collect(size_t n, bool is_last_axis) const {
    const Node* node = &graph_.nodes[n];
    AffineChain chain;
    chain.x = DataInput(*node);
    const auto shape = matcher_.Shape(chain.x);
    if (!shape || shape->size() < 3 || shape->size() > 5 || !matcher_.IsFloat(chain.x))
      return chain;
    chain.rank = shape->size();
    chain.axis = is_last_axis ? chain.rank - 1 : 1;
    const int64_t channels = (*shape)[chain.axis].value;
    if (channels < 1) return chain;
    chain.scale.assign(static_cast<size_t>(channels), 1);
    chain.shift.assign(chain.scale.size(), 0);
    for (std::string value = chain.x; node != nullptr; node = matcher_.Reader(value)) {
      const auto affine = Affine(*node, value, chain);
      if (!affine) break;
      const bool is_norm = node->Is("BatchNormalization");
      const bool is_product = node->Is("Mul") || node->Is("Div");
      chain.scales = chain.scales || is_norm || is_product;
      chain.shifts = chain.shifts || is_norm || !is_product;
      chain.is_by_channel = chain.is_by_channel || is_norm || DiffersByChannel(*affine);
      for (size_t c = 0; c < chain.scale.size(); ++c) {
        chain.scale[c] *= affine->scale[c];
        chain.shift[c] = chain.shift[c] * affine->scale[c] + affine->shift[c];
      }
      chain.nodes.push_back(matcher_.IndexOf(*node));
      value = node->outputs[0];
    }
    return chain;
  }

  std::string DataInput(const Node& node) const {
    return node.input(graph_.FindInitializer(node.input(0)) == nullptr ? 0 : 1);
  }

  bool IsFew(const AffineChain& chain) const { return chain.scale.size() < least_channels_; }

  bool IsWanted(const AffineChain& chain) const {
    if (!IsFew(chain)) return chain.scales && chain.shifts;
    return chain.nodes.size() > 1 ||
           (chain.nodes.size() == 1 && !graph_.nodes[chain.nodes[0]].Is("BatchNormalization") &&
            IsBehindTranspose(chain.x));
  }

  // Whether the chain, along the last axis, has nothing behind it but a Transpose of that to the
  // place of channels.
  bool IsWantedBehind(const AffineChain& chain) const {
    return IsFew(chain) && !chain.nodes.empty() && TransposeBehind(chain) != nullptr;
  }

  const Node* TransposeBehind(const AffineChain& chain) const {
    const Node* node = matcher_.Reader(graph_.nodes[chain.nodes.back()].outputs[0]);
    if (node == nullptr || !node->Is("Transpose")) return nullptr;
    std::vector<int64_t> perm = {0, static_cast<int64_t>(chain.rank) - 1};
    while (perm.size() < chain.rank) perm.push_back(static_cast<int64_t>(perm.size()) - 1);
    const auto* order = node->FindInts("perm");
    return order != nullptr && *order == perm ? node : nullptr;
  }

  bool IsSound(const AffineChain& chain) const {
    const auto is_float = [](double number) { return std::isfinite(static_cast<float>(number)); };
    return chain.is_by_channel && !IsBehindNormalization(chain.x) &&
           std::all_of(chain.scale.begin(), chain.scale.end(), is_float) &&
           std::all_of(chain.shift.begin(), chain.shift.end(), is_float);
  }

  std::optional<ChannelAffine> Affine(const Node& node, const std::string& value,
                                      const AffineChain& chain) const {
    if (IsStep(node)) return std::nullopt;
    const auto channels = static_cast<int64_t>(chain.scale.size());
    if (chain.axis == 1 && node.Is("BatchNormalization"))
      return BatchNormalizationAffine(graph_, node, channels);
    return ArithmeticAffine(graph_, node, channels, chain.rank, value, chain.axis);
  }

  // Of a unit that is more than scales and shifts.
  bool IsStep(const Node& node) const {
    const auto unit = units_.find(matcher_.IndexOf(node));
    return unit != units_.end() && unit->second != "BatchNormalization";
  }

  static bool DiffersByChannel(const ChannelAffine& affine) {
    const auto differs = [](const std::vector<double>& numbers) {
      return std::any_of(numbers.begin(), numbers.end(),
                         [&](double number) { return number != numbers[0]; });
    };
    return differs(affine.scale) || differs(affine.shift);
  }

  // Whether the chain is the scale and the shift of a normalization, which groups write in another
  // shape than they give.
  bool IsBehindNormalization(const std::string& x) const {
    const Node* node = matcher_.Writer(x);
    while (node != nullptr && OnlyReshapes(*node)) node = matcher_.Writer(node->inputs[0]);
    if (node == nullptr || node->Is("BatchNormalization")) return false;
    return node->op_type.ends_with("Normalization") || IsStep(*node);
  }

  // Whether a Transpose can come down to the reader of x.
  bool IsBehindTranspose(const std::string& x) const {
    const Node* node = matcher_.Writer(x);
    for (size_t k = 0; k < kMostBehindTranspose && node != nullptr; ++k) {
      if (node->Is("Transpose")) return true;
      node =
          matcher_.Writer(node->input(graph_.FindInitializer(node->input(0)) == nullptr ? 0 : 1));
    }
    return false;
  }

  // What a BatchNormalization reads in the place of the chain, and the node that becomes it: the
  // Transpose behind comes to stand in front.
  std::pair<std::string, size_t> InFrontOfTranspose(const AffineChain& chain) {
    if (chain.axis == 1) return {chain.x, chain.nodes.back()};
    const Node& transpose = *TransposeBehind(chain);
    std::string x = writer_.Add(transpose, transpose.outputs[0], "Transpose", {chain.x});
    writer_.Last().Set("perm", *transpose.FindInts("perm"));
    return {std::move(x), matcher_.IndexOf(transpose)};
  }

  void Write(const AffineChain& chain) {
    const auto channels = static_cast<int64_t>(chain.scale.size());
    const auto constant = [&](std::vector<int64_t> shape, const std::vector<double>& numbers) {
      const std::vector<float> floats(numbers.begin(), numbers.end());
      return writer_.Constant(MakeFloatTensor("", std::move(shape), floats));
    };
    const std::string shift = constant({channels}, chain.shift);
    if (IsFew(chain)) {
      const auto all = [&](double number) {
        return constant({channels}, std::vector<double>(chain.scale.size(), number));
      };
      const auto [x, at] = InFrontOfTranspose(chain);
      Node& norm = graph_.nodes[at];
      writer_.Become(norm, "BatchNormalization",
                     {x, constant({channels}, chain.scale), shift, all(0), all(1)});
      norm.Set("epsilon", 0.0F);
      return;
    }
    Node& last = graph_.nodes[chain.nodes.back()];
    std::vector<int64_t> dims(chain.rank, 1);
    dims[0] = channels;
    writer_.Become(last, "Conv", {chain.x, constant(dims, chain.scale), shift});
    last.Set("group", channels);
    last.Set("kernel_shape", std::vector<int64_t>(chain.rank - 2, 1));
  }

  const size_t least_channels_;
  Graph& graph_;
  const Matcher matcher_;
  const std::map<size_t, std::string> units_;
  UnitWriter writer_;
};

}  // namespace

size_t ConvertAffineToConv(Graph& graph, size_t least_channels) {
  // Chains have a product, single steps a Transpose in front: most long models have neither.
  const auto may_be = [](const Node& node) {
    return node.Is("BatchNormalization") || node.Is("Mul") || node.Is("Div") ||
           node.Is("Transpose");
  };
  if (std::none_of(graph.nodes.begin(), graph.nodes.end(), may_be)) return 0;
  return AffineConverter(least_channels, graph).Run();
}

}  // namespace qconvert
