#include "block_net.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "qconvert/ir/topology.h"
#include "qconvert/targets/fusions.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/weights/output_positions.h"

namespace qconvert {
namespace {

constexpr float kHardSigmoidAlpha = 0.2F;  // ONNX HardSigmoid-6
constexpr float kHardSigmoidBeta = 0.5F;

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

Dims SpatialOf(const Dims& dims) { return {dims.begin() + 2, dims.end()}; }

}  // namespace

BlockNet::BlockNet(const Graph& graph, const Block& block, Dims entry, const RoundingGrids& grids,
                   ExitRounding exit)
    : given_(grids) {
  dims_.push_back(std::move(entry));
  grids_.push_back(nullptr);  // comes rounded
  values_.push_back(block.entry);
  places_.emplace(block.entry, 0);
  for (const size_t n : block.nodes) {
    const Node& node = graph.nodes[n];
    if (!AddStep(graph, node, n)) {
      obstacle_ = "operator " + node.op_type;
      return;
    }
  }
  if (exit == ExitRounding::kFloat) grids_.back() = nullptr;
}

bool BlockNet::AddStep(const Graph& graph, const Node& node, size_t index) {
  Step step;
  for (const std::string& input : node.inputs) {
    const auto place = places_.find(input);
    if (place != places_.end()) step.inputs.push_back(place->second);
  }
  if (step.inputs.empty() || node.outputs.size() != 1) return false;
  const Dims& in = dims_[step.inputs[0]];
  Dims out = in;
  const bool is_layer =
      node.Is("Conv") || node.Is("ConvTranspose") || node.Is("Gemm") || node.Is("MatMul");
  const bool done = is_layer                           ? AddLayer(graph, node, index, step, out)
                    : node.Is("Add") || node.Is("Mul") ? AddPair(graph, node, step, out)
                    : node.Is("Concat")
                        ? AddJoin(node, step, out)
                        : AddPool(node, in, step, out) || AddElement(graph, node, step);
  if (!done || out.empty() || out[0] != 1) return false;
  places_.emplace(node.outputs[0], dims_.size());
  values_.push_back(node.outputs[0]);
  const auto grid = given_.find(node.outputs[0]);
  grids_.push_back(grid == given_.end() ? nullptr : &grid->second);
  dims_.push_back(std::move(out));
  steps_.push_back(std::move(step));
  return true;
}

bool BlockNet::AddLayer(const Graph& graph, const Node& node, size_t index, Step& step, Dims& out) {
  const Tensor* weight = graph.FindInitializer(node.input(1));
  if (weight == nullptr || weight->type != DataType::kFloat || step.inputs.size() != 1 ||
      !HasOutputPositions(node, *weight) || node.GetFloat("alpha", 1) != 1 ||
      node.GetFloat("beta", 1) != 1)
    return false;
  const WeightOrder order = KernelOrder(node, *weight);
  const Dims& in = dims_[step.inputs[0]];
  Layer layer{.index = layers_.size(), .conv = {}};
  if (node.Is("Conv") || node.Is("ConvTranspose")) {
    if (in.size() < 3) return false;
    std::optional<Window> window = (node.Is("Conv") ? MakeWindow : MakeTransposedWindow)(
        node, SpatialOf(in), SpatialOf(weight->dims));
    if (!window) return false;
    out = {1, order.channels};
    out.insert(out.end(), window->outputs.begin(), window->outputs.end());
    products_ += order.channels * order.count * window->pixels;
    layer.conv =
        std::make_unique<ConvKernel>(ConvKernel{std::move(*window), GroupsOf(node), in[1], {}});
    for (int64_t k = 0; k < order.count; ++k) {
      layer.conv->order.push_back(k % order.inner_count * layer.conv->window.taps +
                                  k / order.inner_count);
    }
  } else {
    if (in.size() < 2 || in.back() != order.count) return false;
    products_ += CountOf(in) * order.channels;
    out.back() = order.channels;
  }
  layers_.push_back(index);
  layer_values_.push_back(dims_.size());
  step.kernel = std::move(layer);
  return true;
}

bool BlockNet::AddElement(const Graph& graph, const Node& node, Step& step) {
  using Kind = ElementKernel::Kind;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  ElementKernel kernel;
  if (node.Is("Relu") || node.Is("Clip")) {
    for (size_t slot = 1; slot < node.inputs.size(); ++slot)
      if (!node.inputs[slot].empty() && !ClampBound(graph, node, slot)) return false;
    kernel.low = ClampBound(graph, node, 1).value_or(-kInfinity);
    kernel.high = ClampBound(graph, node, 2).value_or(kInfinity);
  } else if (node.Is("HardSwish")) {
    kernel.kind = Kind::kHardSwish;
  } else if (node.Is("HardSigmoid")) {
    kernel.kind = Kind::kHardSigmoid;
    kernel.alpha = node.GetFloat("alpha", kHardSigmoidAlpha);
    kernel.beta = node.GetFloat("beta", kHardSigmoidBeta);
  } else if (node.Is("Sigmoid")) {
    kernel.kind = Kind::kSigmoid;
  } else {
    return false;
  }
  step.kernel = kernel;
  return true;
}

bool BlockNet::AddPool(const Node& node, const Dims& in, Step& step, Dims& out) {
  const bool is_global = node.Is("GlobalAveragePool") || node.Is("GlobalMaxPool");
  if (!is_global && !node.Is("AveragePool") && !node.Is("MaxPool")) return false;
  const std::vector<int64_t>* kernel = node.FindInts("kernel_shape");
  if (in.size() < 3 || (!is_global && kernel == nullptr)) return false;
  const Dims spatial = SpatialOf(in);
  std::optional<Window> window =
      MakeWindow(is_global ? Node{} : node, spatial, is_global ? spatial : *kernel);
  if (!window) return false;
  out = {1, in[1]};
  out.insert(out.end(), window->outputs.begin(), window->outputs.end());
  step.kernel = PoolKernel{std::move(*window), node.Is("MaxPool") || node.Is("GlobalMaxPool"),
                           node.GetInt("count_include_pad", 0) != 0};
  return true;
}

bool BlockNet::AddPair(const Graph& graph, const Node& node, Step& step, Dims& out) {
  Pair pair;
  pair.kernel.multiplies = node.Is("Mul");
  Dims of[2];
  size_t value = 0;
  for (int at = 0; at < 2; ++at) {
    const std::string& input = node.inputs[static_cast<size_t>(at)];
    if (const Tensor* constant = graph.FindInitializer(input)) {
      if (constant->type != DataType::kFloat) return false;
      pair.constant = ToFloats(*constant);
      pair.constant_at = at;
      of[at] = constant->dims;
    } else {
      of[at] = dims_[step.inputs.at(value++)];
    }
  }
  const std::optional<Dims> both = BroadcastDims(of[0], of[1]);
  if (!both) return false;
  out = *both;
  pair.kernel.first = BroadcastIndices(of[0], out);
  pair.kernel.second = BroadcastIndices(of[1], out);
  step.kernel = std::move(pair);
  return true;
}

bool BlockNet::AddJoin(const Node& node, Step& step, Dims& out) {
  if (step.inputs.size() != node.inputs.size()) return false;
  const auto rank = static_cast<int64_t>(out.size());
  const int64_t axis = node.GetInt("axis", 0);
  const int64_t at = axis < 0 ? axis + rank : axis;
  if (at < 1 || at >= rank) return false;
  const auto place = static_cast<size_t>(at);
  Join join;
  for (size_t d = 0; d < place; ++d) join.outer *= out[d];
  out[place] = 0;
  for (const size_t input : step.inputs) {
    if (dims_[input].size() != out.size()) return false;
    join.inner.push_back(CountOf(dims_[input]) / join.outer);
    out[place] += dims_[input][place];
  }
  step.kernel = std::move(join);
  return true;
}

const Floats& BlockNet::Forward(const Floats& entry, std::span<const BlockWeights> weights,
                                const IsRounded& rounded, BlockPass& pass) const {
  pass.values.resize(dims_.size());
  pass.passes.resize(dims_.size());
  pass.added.resize(dims_.size());
  pass.columns.resize(layers_.size());
  pass.values[0] = entry;
  for (size_t s = 0; s < steps_.size(); ++s) {
    const size_t v = s + 1;
    Floats& out = pass.values[v];
    out.resize(static_cast<size_t>(CountOf(dims_[v])));
    RunStep(steps_[s], weights, pass, out);
    pass.passes[v].clear();
    pass.added[v].clear();
    if (grids_[v] != nullptr) RoundValue(v, rounded, pass);
  }
  return pass.values.back();
}

void BlockNet::RoundValue(size_t v, const IsRounded& rounded, BlockPass& pass) const {
  const RoundingGrid grid = *grids_[v];
  Floats& out = pass.values[v];
  std::vector<char>& passes = pass.passes[v];
  passes.assign(out.size(), 1);
  if (pass.looks_at_grids) pass.added[v].assign(out.size(), 0.0F);
  for (size_t i = 0; i < out.size(); ++i) {
    if (rounded && !rounded(v, i)) continue;
    passes[i] = out[i] >= grid.low && out[i] <= grid.high ? 1 : 0;
    const float x = std::exchange(out[i], grid.Rounded(out[i]));
    if (pass.looks_at_grids) pass.added[v][i] = out[i] - x;
  }
}

void BlockNet::RunStep(const Step& step, std::span<const BlockWeights> weights, BlockPass& pass,
                       Floats& out) const {
  const Floats& in = pass.values[step.inputs[0]];
  std::visit(
      Overloaded{[&](const Layer& layer) {
                   const BlockWeights& of = weights[layer.index];
                   if (layer.conv) {
                     layer.conv->Forward(in, of.weights, of.bias, pass.columns[layer.index], out);
                   } else {
                     ForwardRows(in, of.weights, of.bias, out);
                   }
                 },
                 [&](const ElementKernel& kernel) { kernel.Forward(in, out); },
                 [&](const PoolKernel& kernel) { kernel.Forward(in, out); },
                 [&](const Pair& pair) {
                   const Floats& last = pass.values[step.inputs.back()];
                   pair.kernel.Forward(pair.constant_at == 0 ? pair.constant : in,
                                       pair.constant_at == 1 ? pair.constant : last, out);
                 },
                 [&](const Join& join) {
                   auto to = out.begin();
                   for (int64_t o = 0; o < join.outer; ++o) {
                     for (size_t k = 0; k < step.inputs.size(); ++k) {
                       const auto from = pass.values[step.inputs[k]].begin() + o * join.inner[k];
                       to = std::copy(from, from + join.inner[k], to);
                     }
                   }
                 }},
      step.kernel);
}

void BlockNet::Backward(const Floats& by_exit, std::span<const BlockWeights> weights,
                        BlockPass& pass, std::span<BlockWeights> by_weights,
                        EntryGradient entry) const {
  pass.gradients.resize(dims_.size());
  const size_t first = entry == EntryGradient::kWanted ? 0 : 1;
  if (first == 1) pass.gradients[0].clear();
  for (size_t v = first; v < dims_.size(); ++v)
    pass.gradients[v].assign(pass.values[v].size(), 0.0F);
  pass.gradients.back() = by_exit;
  pass.by_grids.assign(pass.looks_at_grids ? dims_.size() : 0, {});
  for (size_t s = steps_.size(); s-- > 0;) {
    Floats& by_out = pass.gradients[s + 1];
    const std::vector<char>& passes = pass.passes[s + 1];
    if (!pass.added[s + 1].empty())
      pass.by_grids[s + 1] = GradientOfGrid(*grids_[s + 1], by_out, pass.added[s + 1], passes);
    for (size_t i = 0; i < passes.size(); ++i)
      if (passes[i] == 0) by_out[i] = 0;
    Return(steps_[s], by_out, weights, pass, by_weights);
  }
}

void BlockNet::Return(const Step& step, const Floats& by_out, std::span<const BlockWeights> weights,
                      BlockPass& pass, std::span<BlockWeights> by_weights) const {
  const Floats& in = pass.values[step.inputs[0]];
  // Null for the entry where its gradient is not wanted, which is empty then.
  const auto gradient = [&](size_t value) {
    Floats& of = pass.gradients[value];
    return of.empty() ? nullptr : &of;
  };
  Floats* by_in = gradient(step.inputs[0]);
  std::visit(Overloaded{[&](const Layer& layer) {
                          const BlockWeights& of = weights[layer.index];
                          BlockWeights& by = by_weights[layer.index];
                          if (layer.conv) {
                            layer.conv->Backward(pass.columns[layer.index], of.weights, by_out,
                                                 by_in, by.weights, by.bias);
                          } else {
                            BackwardRows(in, of.weights, by_out, by_in, by.weights, by.bias);
                          }
                        },
                        [&](const ElementKernel& kernel) {
                          if (by_in != nullptr) kernel.Backward(in, by_out, *by_in);
                        },
                        [&](const PoolKernel& kernel) {
                          if (by_in != nullptr) kernel.Backward(in, by_out, *by_in);
                        },
                        [&](const Pair& pair) {
                          const Floats& last = pass.values[step.inputs.back()];
                          Floats* by_last = gradient(step.inputs.back());
                          pair.kernel.Backward(pair.constant_at == 0 ? pair.constant : in,
                                               pair.constant_at == 1 ? pair.constant : last, by_out,
                                               pair.constant_at == 0 ? nullptr : by_in,
                                               pair.constant_at == 1 ? nullptr : by_last);
                        },
                        [&](const Join& join) {
                          auto from = by_out.begin();
                          for (int64_t o = 0; o < join.outer; ++o) {
                            for (size_t k = 0; k < step.inputs.size(); ++k) {
                              Floats* to = gradient(step.inputs[k]);
                              for (int64_t i = 0; i < join.inner[k]; ++i, ++from) {
                                if (to != nullptr)
                                  (*to)[static_cast<size_t>(o * join.inner[k] + i)] += *from;
                              }
                            }
                          }
                        }},
             step.kernel);
}

}  // namespace qconvert
