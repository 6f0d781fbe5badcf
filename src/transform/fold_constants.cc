#include "qconvert/transform/fold_constants.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "qconvert/base/checked.h"
#include "qconvert/base/error.h"

namespace qconvert {
namespace {

bool IsFoldableOperator(const Node& node) {
  static constexpr std::array<std::string_view, 11> kNever = {
      "RandomNormal",      "RandomUniform",        "RandomNormalLike",
      "RandomUniformLike", "Multinomial",          "Bernoulli",
      "Dropout",           "QuantizeLinear",       "DequantizeLinear",
      "Constant",          "DynamicQuantizeLinear"};
  return node.domain.empty() && SubgraphsOf(node).empty() && !node.outputs.empty() &&
         std::find(kNever.begin(), kNever.end(), node.op_type) == kNever.end() &&
         !node.op_type.starts_with("Sequence") && !node.op_type.starts_with("Optional") &&
         node.op_type.find("String") == std::string::npos;
}

// Elements named by an integer tensor, each at most as large as the folded result may be.
std::optional<int64_t> Product(const Graph& graph, const std::string& name) {
  const Tensor* tensor = graph.FindInitializer(name);
  if (tensor == nullptr || (tensor->type != DataType::kInt64 && tensor->type != DataType::kInt32))
    return std::nullopt;
  return ElementCount(ToInt64s(*tensor));
}

// Elements of the inputs broadcast together (NumPy rules); nothing on overflow.
std::optional<int64_t> BroadcastCount(const std::vector<const Tensor*>& inputs) {
  size_t rank = 0;
  for (const Tensor* tensor : inputs) rank = std::max(rank, tensor->dims.size());
  std::vector<int64_t> dims(rank, 1);
  for (const Tensor* tensor : inputs) {
    const size_t lead = rank - tensor->dims.size();
    for (size_t d = 0; d < tensor->dims.size(); ++d)
      dims[lead + d] = std::max(dims[lead + d], tensor->dims[d]);
  }
  return ElementCount(dims);
}

// An upper bound of a node's output in bytes; nothing when there is no simple one.
std::optional<int64_t> OutputBytes(const Graph& graph, const Node& node) {
  constexpr int64_t kWidest = 8;  // bytes of one element
  static constexpr std::array<std::string_view, 10> kUnbounded = {
      "Range",         "Resize", "Upsample", "Pad",    "OneHot",
      "CenterCropPad", "Col2Im", "EyeLike",  "Einsum", "Conv"};
  if (std::find(kUnbounded.begin(), kUnbounded.end(), node.op_type) != kUnbounded.end())
    return std::nullopt;
  std::vector<const Tensor*> inputs;
  int64_t in_bytes = 16;
  for (const std::string& input : node.inputs) {
    if (input.empty()) continue;
    inputs.push_back(graph.FindInitializer(input));
    in_bytes += inputs.back()->byte_size();
  }
  const auto times = [](std::optional<int64_t> a, std::optional<int64_t> b) {
    return a && b ? CheckedMul(*a, *b) : std::nullopt;
  };
  if (node.Is("ConstantOfShape")) return times(Product(graph, node.input(0)), kWidest);
  if (node.Is("Expand") || node.Is("Tile")) return times(Product(graph, node.input(1)), in_bytes);
  if (node.Is("MatMul") || node.Is("Gemm") || node.Is("Gather") || node.Is("GatherND")) {
    std::optional<int64_t> count = kWidest;
    for (const Tensor* tensor : inputs) count = times(count, tensor->element_count());
    const int64_t inner = inputs.empty() || inputs[0]->dims.empty()
                              ? 1
                              : std::max<int64_t>(inputs[0]->dims.back(), 1);
    return count && node.Is("MatMul") ? std::optional(*count / inner) : count;
  }
  const auto broadcast = times(BroadcastCount(inputs), kWidest);
  const auto plain = CheckedMul(in_bytes, 16);
  return broadcast && plain ? std::optional(std::max(*broadcast, *plain)) : std::nullopt;
}

// One sweep: all nodes that can be computed now, as one graph.
Graph CollectWave(const Graph& graph, const FoldConstantsOptions& options,
                  std::vector<size_t>& picked) {
  Graph wave;
  wave.name = "constants";
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!IsFoldableOperator(node)) continue;
    const bool constant =
        std::all_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& input) {
          return input.empty() || graph.FindInitializer(input) != nullptr;
        });
    if (!constant) continue;
    const bool is_output =
        std::any_of(node.outputs.begin(), node.outputs.end(),
                    [&](const std::string& output) { return graph.IsOutput(output); });
    const auto bytes = OutputBytes(graph, node);
    if (is_output || !bytes || *bytes > options.max_bytes) continue;
    picked.push_back(n);
    wave.nodes.push_back(node);
    for (const std::string& input : node.inputs) {
      if (!input.empty()) wave.initializers.emplace(input, *graph.FindInitializer(input));
    }
    for (const std::string& output : node.outputs) {
      if (!output.empty()) wave.outputs.push_back({output, {}, {}, {}});
    }
  }
  return wave;
}

}  // namespace

size_t FoldConstants(Graph& graph, const FoldConstantsOptions& options) {
  size_t folded = 0;
  for (;;) {
    std::vector<size_t> picked;
    const Graph wave = CollectWave(graph, options, picked);
    if (picked.empty()) return folded;
    std::vector<Tensor> values;
    try {
      values = options.evaluate(wave);
    } catch (const Error&) {
      return folded;  // the engine will say the same, with a better place, when it loads the whole
                      // model
    }
    for (Tensor& value : values) {
      if (value.type == DataType::kUndefined) return folded;
    }
    for (Tensor& value : values) graph.initializers.insert_or_assign(value.name, std::move(value));
    for (size_t k = picked.size(); k-- > 0;)
      graph.nodes.erase(graph.nodes.begin() + static_cast<ptrdiff_t>(picked[k]));
    folded += picked.size();
  }
}

}  // namespace qconvert
