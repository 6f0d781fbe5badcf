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

// Nodes one behind the other that make x * scale + shift.
struct AffineChain {
  std::string x;
  size_t rank = 0;
  std::vector<double> scale;
  std::vector<double> shift;
  std::vector<size_t> nodes;
};

class AffineConverter {
 public:
  explicit AffineConverter(Graph& graph)
      : graph_(graph), matcher_(graph), units_(FindUnits(graph)), writer_(graph) {}

  size_t Run() {
    std::vector<AffineChain> chains;
    std::vector<bool> is_taken(graph_.nodes.size(), false);
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (is_taken[n]) continue;
      auto chain = Find(n);
      if (!chain) continue;
      for (const size_t k : chain->nodes) is_taken[k] = true;
      chains.push_back(std::move(*chain));
    }
    for (const AffineChain& chain : chains) Write(chain);
    if (!chains.empty()) writer_.Finish();
    return chains.size();
  }

 private:
  std::optional<AffineChain> Find(size_t n) const {
    const Node* node = &graph_.nodes[n];
    AffineChain chain;
    chain.x = node->input(graph_.FindInitializer(node->input(0)) == nullptr ? 0 : 1);
    const auto shape = matcher_.Shape(chain.x);
    if (!shape || shape->size() < 3 || shape->size() > 5 || (*shape)[1].value < 1 ||
        !matcher_.IsFloat(chain.x))
      return std::nullopt;
    chain.rank = shape->size();
    chain.scale.assign(static_cast<size_t>((*shape)[1].value), 1);
    chain.shift.assign(chain.scale.size(), 0);
    bool scales = false;
    bool shifts = false;
    bool is_by_channel = false;
    for (std::string value = chain.x; node != nullptr; node = matcher_.Reader(value)) {
      const auto affine = Affine(*node, value, chain);
      if (!affine) break;
      const bool is_norm = node->Is("BatchNormalization");
      const bool is_product = node->Is("Mul") || node->Is("Div");
      scales = scales || is_norm || is_product;
      shifts = shifts || is_norm || !is_product;
      is_by_channel = is_by_channel || is_norm || DiffersByChannel(*affine);
      for (size_t c = 0; c < chain.scale.size(); ++c) {
        chain.scale[c] *= affine->scale[c];
        chain.shift[c] = chain.shift[c] * affine->scale[c] + affine->shift[c];
      }
      chain.nodes.push_back(matcher_.IndexOf(*node));
      value = node->outputs[0];
    }
    const auto is_float = [](double number) { return std::isfinite(static_cast<float>(number)); };
    if (!scales || !shifts || !is_by_channel || IsBehindNormalization(chain.x) ||
        !std::all_of(chain.scale.begin(), chain.scale.end(), is_float) ||
        !std::all_of(chain.shift.begin(), chain.shift.end(), is_float))
      return std::nullopt;
    return chain;
  }

  std::optional<ChannelAffine> Affine(const Node& node, const std::string& value,
                                      const AffineChain& chain) const {
    if (IsStep(node)) return std::nullopt;
    const auto channels = static_cast<int64_t>(chain.scale.size());
    if (node.Is("BatchNormalization")) return BatchNormalizationAffine(graph_, node, channels);
    return ArithmeticAffine(graph_, node, channels, chain.rank, value);
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

  void Write(const AffineChain& chain) {
    const auto channels = static_cast<int64_t>(chain.scale.size());
    std::vector<int64_t> dims(chain.rank, 1);
    dims[0] = channels;
    const auto constant = [&](std::vector<int64_t> shape, const std::vector<double>& numbers) {
      const std::vector<float> floats(numbers.begin(), numbers.end());
      return writer_.Constant(MakeFloatTensor("", std::move(shape), floats));
    };
    Node& last = graph_.nodes[chain.nodes.back()];
    writer_.Become(last, "Conv",
                   {chain.x, constant(dims, chain.scale), constant({channels}, chain.shift)});
    last.Set("group", channels);
    last.Set("kernel_shape", std::vector<int64_t>(chain.rank - 2, 1));
  }

  Graph& graph_;
  const Matcher matcher_;
  const std::map<size_t, std::string> units_;
  UnitWriter writer_;
};

}  // namespace

size_t ConvertAffineToConv(Graph& graph) { return AffineConverter(graph).Run(); }

}  // namespace qconvert
