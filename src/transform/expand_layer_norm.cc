#include "qconvert/transform/expand_layer_norm.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "matcher.h"
#include "spelled_units.h"

namespace qconvert {
namespace {

constexpr int64_t kAxesAreInput = 18;  // of ReduceMean
constexpr int64_t kFewElements = 2048;

class LayerNormExpander {
 public:
  LayerNormExpander(Graph& graph, int64_t opset)
      : graph_(graph), opset_(opset), matcher_(graph), writer_(graph) {}

  size_t Run() {
    size_t expanded = 0;
    for (Node& node : graph_.nodes) {
      if (node.Is("LayerNormalization") ? ExpandOperator(node) : Respell(node)) ++expanded;
    }
    if (expanded > 0) writer_.Finish();
    return expanded;
  }

 private:
  bool IsLastAxis(const std::string& value, int64_t axis) const {
    const auto shape = matcher_.Shape(value);
    return axis == -1 || (shape && axis == static_cast<int64_t>(shape->size()) - 1);
  }

  // The engine computes a sum [N, S, C], of a constant too, and its normalization in one step.
  bool IsSkip(const std::string& x, size_t readings) const {
    const Node* sum = matcher_.Writer(x, "Add");
    // The operator reads it once, the steps read it twice.
    if (sum == nullptr || matcher_.Uses(x) != readings) return false;
    const auto left = matcher_.Shape(sum->inputs[0]);
    return left && left->size() == 3 && left == matcher_.Shape(sum->inputs[1]);
  }

  // The engine moves a Transpose into the steps, where they reduce over channels far apart.
  bool IsTransposed(const std::string& x) const {
    const Node* dequantize = matcher_.Writer(x, "DequantizeLinear");
    return matcher_.Writer(dequantize == nullptr ? x : dequantize->inputs[0], "Transpose") !=
           nullptr;
  }

  // The steps take as long to begin as the operator takes for few, and a free length may be one.
  bool IsLarge(const std::string& value) const {
    const auto shape = matcher_.Shape(value);
    if (!shape) return false;
    int64_t elements = 1;
    for (const Dim& dim : *shape) {
      if (!dim.known()) return false;
      elements *= dim.value;
    }
    return elements >= kFewElements;
  }

  bool ExpandOperator(Node& node) {
    // The mean and the deviation are outputs of the operator alone.
    const bool has_more = std::any_of(node.outputs.begin() + 1, node.outputs.end(),
                                      [](const std::string& output) { return !output.empty(); });
    if (has_more || node.GetInt("stash_type", 1) != 1 || !matcher_.IsFloat(node.outputs[0]) ||
        !IsLastAxis(node.outputs[0], node.GetInt("axis", -1)) || IsSkip(node.inputs[0], 1) ||
        IsTransposed(node.inputs[0]) || !IsLarge(node.outputs[0]))
      return false;
    const std::string x = node.inputs[0];
    const std::string y = node.outputs[0];
    const std::string difference = writer_.Add(node, y, "Sub", {x, Mean(node, x)});
    const std::string square = writer_.Add(node, y, "Mul", {difference, difference});
    const std::string variance = Mean(node, square);
    const std::string epsilon = writer_.Scalar(node.GetFloat("epsilon", 1e-5F));
    const std::string sum = writer_.Add(node, variance, "Add", {variance, epsilon});
    const std::string root = writer_.Add(node, variance, "Sqrt", {sum});
    const std::string factor = writer_.Add(node, variance, "Reciprocal", {root});
    const std::string normal = writer_.Add(node, y, "Mul", {difference, factor});
    const std::string weight = node.inputs[1];
    const std::string bias = node.input(2);
    if (bias.empty()) {
      writer_.Become(node, "Mul", {normal, weight});
    } else {
      writer_.Become(node, "Add", {writer_.Add(node, y, "Mul", {normal, weight}), bias});
    }
    return true;
  }

  std::string Mean(const Node& node, const std::string& of) {
    std::vector<std::string> inputs = {of};
    const std::vector<int64_t> last = {-1};
    if (opset_ >= kAxesAreInput) {
      if (axes_.empty()) axes_ = writer_.Constant(MakeInt64Tensor("", {1}, last));
      inputs.push_back(axes_);
    }
    const std::string mean = writer_.Add(node, node.outputs[0], "ReduceMean", std::move(inputs));
    if (opset_ < kAxesAreInput) writer_.Last().Set("axes", last);
    if (auto shape = matcher_.Shape(node.outputs[0]); shape && !shape->empty()) {
      shape->back() = Dim{1, {}};
      writer_.SetType(mean, {DataType::kFloat, std::move(shape), {}});
    }
    return mean;
  }

  // Pow and Div, by which the engine knows the operator, as products.
  bool Respell(Node& node) {
    if (!node.Is("Div")) return false;
    const auto norm = FindSpelledNorm(matcher_, node);
    if (!norm || !norm->is_centered || norm->axes.size() != 1 ||
        !IsLastAxis(norm->x, norm->axes[0]) || IsSkip(norm->x, 2) || !IsLarge(norm->x))
      return false;
    writer_.Become(graph_.nodes[matcher_.IndexOf(*norm->square)], "Mul",
                   {norm->difference, norm->difference});
    const std::string factor = writer_.Add(node, norm->deviation, "Reciprocal", {norm->deviation});
    writer_.Become(node, "Mul", {norm->difference, factor});
    return true;
  }

  Graph& graph_;
  const int64_t opset_;
  const Matcher matcher_;
  UnitWriter writer_;
  std::string axes_;
};

}  // namespace

size_t ExpandLayerNorm(Graph& graph, int64_t opset) {
  return LayerNormExpander(graph, opset).Run();
}

}  // namespace qconvert
