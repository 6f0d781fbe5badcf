#include "quantize_rounding.h"

#include <array>
#include <utility>

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

class Builder {
 public:
  explicit Builder(QdqBuilder& names) : names_(names) {}

  std::string Add(std::string op_type, std::vector<std::string> inputs) {
    const std::string output = names_.FreshName("r");
    nodes.push_back(MakeNode(std::move(op_type), std::move(inputs), {output}));
    return output;
  }

  std::string Number(float value) {
    return names_.Constant(MakeFloatTensor("", {}, std::array{value}), "c");
  }

  // 1 where t - r is `half` and t on the side that `side` (Greater, Less) tells, else 0.
  std::string Steps(const std::string& t, const std::string& d, float half,
                    const std::string& side) {
    std::string is_half = Add("Equal", {d, Number(half)});
    if (!side.empty()) is_half = Add("And", {is_half, Add(side, {t, Number(0)})});
    // A boolean cannot be added: 1 or 0 can.
    std::string step = Add("Cast", {is_half});
    nodes.back().Set("to", int64_t{1});  // TensorProto.FLOAT
    return step;
  }

  std::vector<Node> nodes;

 private:
  QdqBuilder& names_;
};

}  // namespace

std::vector<Node> QuantizeRounding(const std::string& from, const std::string& to,
                                   const QuantParams& params, RoundMode mode, QdqBuilder& builder) {
  QCONVERT_CHECK(params.per_tensor() && mode != RoundMode::kHalfEven);
  Builder out(builder);
  const std::string t = out.Add("Div", {from, out.Number(params.scales[0])});
  std::string r = out.Add("Round", {t});
  // Both are whole multiples of t's last bit, and near each other: nothing is lost.
  const std::string d = out.Add("Sub", {t, r});
  // Where d is -0.5 the half has gone up already.
  if (mode == RoundMode::kHalfUp) {
    r = out.Add("Add", {r, out.Steps(t, d, 0.5F, "")});
  } else {
    const bool away = mode == RoundMode::kStdRound;
    r = out.Add("Add", {r, out.Steps(t, d, 0.5F, away ? "Greater" : "Less")});
    r = out.Add("Sub", {r, out.Steps(t, d, -0.5F, away ? "Less" : "Greater")});
  }
  // In whole steps already: the zero point and the saturation are left to do.
  QuantParams whole = params;
  whole.scales = {1.0F};
  out.nodes.push_back(builder.Quantize(r, to, whole));
  return std::move(out.nodes);
}

}  // namespace qconvert
