#include "qconvert/weights/store_weights.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

#include "qconvert/base/check.h"
#include "qconvert/ir/scope.h"
#include "qconvert/numbers/quantize.h"
#include "qconvert/weights/code_steps.h"
#include "qconvert/weights/scale_rows.h"

namespace qconvert {
namespace {

constexpr int64_t kNodeBytes = 256;  // of the two nodes, the names and the scale tensor around it

// Outputs that some recurrent or other node reads as weights of three dimensions.
std::unordered_set<std::string> ValuesReadAsWeights(const Graph& graph) {
  std::unordered_set<std::string> out;
  for (const Node& node : graph.nodes) {
    for (size_t slot = 0; slot < node.inputs.size(); ++slot)
      if (FindWeightSlot(node, slot, 3)) out.insert(node.inputs[slot]);
  }
  return out;
}

// What a level's own nodes and those in bodies below read of `owner`'s initializers. A name that an
// inner graph defines anew hides the outer one, so it is not followed there.
void FindUses(const Graph& owner, const Graph& graph, const std::string& level,
              const MarkedNodes& skipped, std::map<std::string, WeightSlot>& found) {
  const auto marks = skipped.find(level);
  const auto is_skipped = [&](size_t n) {
    return marks != skipped.end() && n < marks->second.size() && marks->second[n];
  };
  std::optional<std::unordered_set<std::string>> weights;  // made when it is needed
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (is_skipped(n)) continue;
    const bool rearranges = node.Is("Unsqueeze") || node.Is("Reshape");
    for (size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const std::string& input = node.inputs[slot];
      const Tensor* tensor = owner.FindInitializer(input);
      if (tensor == nullptr || tensor->type != DataType::kFloat) continue;
      if (&graph != &owner && graph.FindInitializer(input) != nullptr) continue;
      auto use = FindWeightSlot(node, slot, tensor->dims.size());
      if (!use && slot == 0 && rearranges && tensor->dims.size() >= 2) {
        if (!weights) weights = ValuesReadAsWeights(graph);
        // Rows of the source are output channels.
        if (weights->contains(node.outputs[0])) use = WeightSlot{0, {0}, 1};
      }
      // The first reader decides the axis: all of them read the floats behind it.
      if (use) found.emplace(input, *use);
    }
    ForEachBody(node, level, [&](const Graph& body, const std::string& way) {
      FindUses(owner, body, way, skipped, found);
    });
  }
}

void Collect(const Graph& graph, const std::string& level, const std::string& prefix,
             const MarkedNodes& skipped, std::vector<WeightUse>& out) {
  for (const Node& node : graph.nodes) {
    size_t b = 0;
    ForEachBody(node, level, [&](const Graph& body, const std::string& way) {
      Collect(body, way, prefix + BodyPrefix(node, b++), skipped, out);
    });
  }
  std::map<std::string, WeightSlot> uses;
  FindUses(graph, graph, level, skipped, uses);
  // What is seen outside keeps its type.
  for (const auto* ends : {&graph.inputs, &graph.outputs})
    for (const Value& end : *ends) uses.erase(end.name);
  for (auto& [name, slot] : uses) {
    out.push_back({&graph, name, prefix + name, std::move(slot)});
  }
}

const Tensor& WeightOf(const WeightUse& use) { return *use.owner->FindInitializer(use.name); }

// Dimensions in which every output channel has an index: a grouped axis 0 is split.
struct Layout {
  std::vector<int64_t> dims;
  std::vector<int64_t> scale_dims;  // 1 in all but the channel axes
};

// The inner dimension of a matrix split into blocks; nothing when it cannot be.
std::optional<Layout> BlockedLayout(const WeightUse& use, int64_t block_size) {
  const std::vector<int64_t>& dims = WeightOf(use).dims;
  const std::vector<size_t>& axes = use.slot.channel_axes;
  if (dims.size() != 2 || axes.size() != 1 || axes[0] > 1 || use.slot.groups > 1)
    return std::nullopt;
  const size_t inner = 1 - axes[0];
  if (dims[inner] == 0 || dims[inner] % block_size != 0) return std::nullopt;
  Layout out{dims, dims};
  out.scale_dims[inner] = out.dims[inner] = dims[inner] / block_size;
  const auto at = static_cast<int64_t>(inner + 1);
  out.dims.insert(out.dims.begin() + at, block_size);
  out.scale_dims.insert(out.scale_dims.begin() + at, 1);
  return out;
}

std::optional<Layout> FindLayout(const WeightUse& use, int64_t block_size) {
  Layout out{WeightOf(use).dims, {}};
  if (block_size > 0) return BlockedLayout(use, block_size);
  std::vector<size_t> axes = use.slot.channel_axes;
  const int64_t groups = use.slot.groups;
  if (groups > 1) {
    if (out.dims[0] % groups != 0) return std::nullopt;
    out.dims[0] /= groups;
    out.dims.insert(out.dims.begin(), groups);
    for (size_t& axis : axes) ++axis;
    axes.push_back(0);
  }
  out.scale_dims.assign(out.dims.size(), 1);
  for (const size_t axis : axes) {
    if (axis >= out.dims.size()) return std::nullopt;
    out.scale_dims[axis] = out.dims[axis];
  }
  return out;
}

int64_t Product(const std::vector<int64_t>& dims) {
  int64_t product = 1;
  for (const int64_t dim : dims) product *= dim;
  return product;
}

template <typename Code>
std::shared_ptr<const std::string> CodesOnGrid(std::span<const float> values, const Layout& layout,
                                               const std::vector<float>& scales,
                                               const NumericFormat& format) {
  const auto bytes = std::make_shared<std::string>(values.size() * sizeof(Code), '\0');
  auto* codes = reinterpret_cast<Code*>(bytes->data());
  VisitScaleRows(layout.dims, layout.scale_dims,
                 [&](size_t first, size_t count, size_t scale, size_t step) {
                   QuantizeRow(values.subspan(first, count), scales.data() + scale, step, 0, format,
                               codes + first);
                 });
  return bytes;
}

}  // namespace

std::string BodyPrefix(const Node& node, size_t index) {
  return (node.outputs.empty() ? node.name : node.outputs[0]) + "/" + std::to_string(index) + "/";
}

std::vector<WeightUse> FindWeightUses(const Graph& graph, const MarkedNodes& skipped) {
  std::vector<WeightUse> out;
  Collect(graph, "", "", skipped, out);
  return out;
}

StoredForm FormOf(const WeightUse& use, StoredForm wanted) {
  if (wanted.block_size > 0 && !BlockedLayout(use, wanted.block_size)) wanted.block_size = 0;
  return wanted;
}

bool CanStore(const WeightUse& use, const StoredForm& form) {
  const Tensor& weight = WeightOf(use);
  const std::optional<Layout> layout = FindLayout(use, form.block_size);
  if (!layout) return false;
  const int64_t elements = weight.element_count();
  const int64_t scale_bytes = 4 * Product(layout->scale_dims);
  if ((form.bits <= 8 ? 1 : 2) * elements + scale_bytes + kNodeBytes >= 4 * elements) return false;
  const auto values = weight.values<float>();
  // A scale of NaN or infinity would spoil the whole channel.
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

StoredWeight StoreWeight(const WeightUse& use, const StoredForm& form) {
  const Layout layout = *FindLayout(use, form.block_size);
  const auto values = WeightOf(use).values<float>();
  const NumericFormat format =
      IntegerFormat(form.bits, /*is_signed=*/true, /*symmetric=*/true, /*narrow=*/true);
  std::vector<float> largest(static_cast<size_t>(Product(layout.scale_dims)), 0);
  VisitScaleRows(layout.dims, layout.scale_dims,
                 [&](size_t first, size_t count, size_t scale, size_t step) {
                   for (size_t k = 0; k < count; ++k) {
                     float& most = largest[scale + k * step];
                     most = std::max(most, std::fabs(values[first + k]));
                   }
                 });
  std::vector<float> scales;
  for (const float magnitude : largest) {
    scales.push_back(
        // Channels of zeros have a scale too, and none is subnormal.
        std::max(magnitude / static_cast<float>(format.qmax), std::numeric_limits<float>::min()));
  }
  return StoreOnGrid(use, format, form.block_size, std::move(scales));
}

int64_t StoredScaleCount(const WeightUse& use, int64_t block_size) {
  const std::optional<Layout> layout = FindLayout(use, block_size);
  return layout ? Product(layout->scale_dims) : 0;
}

StoredWeight StoreOnGrid(const WeightUse& use, const NumericFormat& format, int64_t block_size,
                         std::vector<float> scales) {
  const Tensor& weight = WeightOf(use);
  const Layout layout = *FindLayout(use, block_size);
  const auto values = weight.values<float>();
  StoredWeight out;
  out.name = use.name;
  out.scale_dims = layout.scale_dims;
  if (layout.dims != weight.dims) out.dims = weight.dims;
  out.scales = std::move(scales);
  out.format = format;
  out.block_size = block_size;
  out.codes.type = format.type;
  out.codes.dims = layout.dims;
  QCONVERT_CHECK(format.type == DataType::kInt8 || format.type == DataType::kInt16);
  out.codes.bytes = format.type == DataType::kInt8
                        ? CodesOnGrid<int8_t>(values, layout, out.scales, format)
                        : CodesOnGrid<int16_t>(values, layout, out.scales, format);
  return out;
}

FittedWeights FittedOf(const StoredWeight& stored) {
  FittedWeights out{.weight = stored.codes,
                    .params = {stored.codes.type, -1, stored.scales, {0}},
                    .format = stored.format,
                    .block_size = stored.block_size};
  // Dimensions are split where scales ask for it; the order of the elements is the same.
  if (!stored.dims.empty()) out.weight.dims = stored.dims;
  return out;
}

void TakeFitted(const FittedWeights& weights, StoredWeight& stored) {
  stored.steps = StepsBetween(stored.codes, weights.weight);
  stored.codes.bytes = weights.weight.bytes;
}

}  // namespace qconvert
