#include "qconvert/transform/fuse_gelu.h"

#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "matcher.h"
#include "spelled_units.h"

namespace qconvert {
namespace {

constexpr int64_t kGeluOpset = 20;

class GeluFuser {
 public:
  GeluFuser(Graph& graph, int64_t opset)
      : graph_(graph), opset_(opset), matcher_(graph), writer_(graph) {}

  size_t Run() {
    size_t fused = 0;
    for (const Node& node : graph_.nodes) {
      const auto gelu = FindSpelledGelu(matcher_, node);
      if (!gelu) continue;
      Write(*gelu, node.Is("Erf"));
      ++fused;
    }
    if (fused > 0) writer_.Finish();
    return fused;
  }

 private:
  void Write(const SpelledGelu& gelu, bool is_erf) {
    Node& last = graph_.nodes[matcher_.IndexOf(*gelu.last)];
    if (opset_ >= kGeluOpset) {
      writer_.Become(last, "Gelu", {gelu.x});
      if (!is_erf) last.Set("approximate", std::string("tanh"));
      return;
    }
    const bool is_copied = matcher_.Writer(gelu.x, "DequantizeLinear") != nullptr;
    const std::string x = is_copied ? Step(last, "Sum", {gelu.x}) : gelu.x;
    if (is_erf) {
      WriteErf(x, last);
    } else {
      WriteTanh(x, last);
    }
  }

  // In the order of steps that the engine looks for: of another one it makes no Gelu.
  void WriteErf(const std::string& x, Node& last) {
    const std::string argument = Step(last, "Div", {x, writer_.Scalar(std::numbers::sqrt2)});
    const std::string erf = Step(last, "Erf", {argument});
    const std::string gate = Step(last, "Add", {erf, writer_.Scalar(1)});
    writer_.Become(last, "Mul", {Step(last, "Mul", {x, gate}), writer_.Scalar(0.5)});
  }

  void WriteTanh(const std::string& x, Node& last) {
    const std::string power = Step(last, "Pow", {x, writer_.Scalar(3)});
    const std::string cubic = Step(last, "Mul", {power, writer_.Scalar(SpelledGelu::kCubic)});
    const std::string sum = Step(last, "Add", {x, cubic});
    const std::string factor = writer_.Scalar(std::sqrt(2 * std::numbers::inv_pi));
    const std::string tanh = Step(last, "Tanh", {Step(last, "Mul", {sum, factor})});
    const std::string gate = Step(last, "Add", {writer_.Scalar(1), tanh});
    const std::string half = Step(last, "Mul", {writer_.Scalar(0.5), x});
    writer_.Become(last, "Mul", {half, gate});
  }

  std::string Step(const Node& last, std::string op_type, std::vector<std::string> inputs) {
    return writer_.Add(last, last.outputs[0], std::move(op_type), std::move(inputs));
  }

  Graph& graph_;
  const int64_t opset_;
  const Matcher matcher_;
  UnitWriter writer_;
};

}  // namespace

size_t FuseGelu(Graph& graph, int64_t opset) { return GeluFuser(graph, opset).Run(); }

}  // namespace qconvert
