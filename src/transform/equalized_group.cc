#include "equalized_group.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "conv_weights.h"

namespace qconvert {
namespace {

using Shape = std::vector<Dim>;

const Shape* ShapeOf(const Graph& graph, const std::string& value) {
  const auto it = graph.value_info.find(value);
  return it == graph.value_info.end() || !it->second.type.shape ? nullptr : &*it->second.type.shape;
}

// What a value looks like on the way from one layer to the next.
struct Walk {
  std::string value;
  bool in_rows = false;  // [..., channels * spread]; else [N, channels, spatial...]
  bool flattened = false;
};

// Constant axes in an attribute or in input 1; nothing when there are none.
std::optional<std::vector<int64_t>> AxesOf(const Graph& graph, const Node& node) {
  if (const auto* axes = node.FindInts("axes")) return *axes;
  const Tensor* tensor = graph.FindInitializer(node.input(1));
  if (tensor == nullptr || tensor->type != DataType::kInt64) return std::nullopt;
  return ToInt64s(*tensor);
}

// Squeeze and ReduceMean of spatial axes: [N, C, H, W] -> [N, C, ...].
bool LeavesChannels(const Graph& graph, const Node& node, Walk& walk) {
  const auto axes = AxesOf(graph, node);
  const Shape* before = ShapeOf(graph, walk.value);
  const Shape* after = ShapeOf(graph, node.outputs[0]);
  if (walk.in_rows || !axes || axes->empty() || before == nullptr || after == nullptr) return false;
  // The axes of samples and channels have to stay.
  for (const int64_t axis : *axes)
    if ((axis < 0 ? axis + static_cast<int64_t>(before->size()) : axis) < 2) return false;
  // Nothing but samples and channels is left.
  walk.in_rows = after->size() == 2;
  return true;
}

// Flatten and Reshape: [N, C, H, W] -> [N, C * H * W].
bool MakesRows(const Graph& graph, const Node& node, Walk& walk) {
  if (walk.in_rows) return false;
  walk.in_rows = walk.flattened = true;
  if (node.Is("Flatten")) return node.GetInt("axis", 1) == 1;
  const Tensor* target = graph.FindInitializer(node.input(1));
  const Shape* shape = ShapeOf(graph, walk.value);
  if (target == nullptr || target->element_count() != 2 || shape == nullptr || shape->size() < 2 ||
      node.GetInt("allowzero", 0) != 0)
    return false;
  int64_t row = 1;
  for (size_t d = 1; d < shape->size(); ++d) {
    if (!(*shape)[d].known()) return false;
    row *= (*shape)[d].value;
  }
  const std::vector<int64_t> dims = ToInt64s(*target);
  const Dim& batch = (*shape)[0];
  // -1 is a whole row where the first number leaves the samples as they are.
  return dims[1] == row ||
         (dims[1] == -1 && (dims[0] == 0 || (batch.known() && dims[0] == batch.value)));
}

// A constant float number; NaN, which equals nothing, for what is none.
float NumberOf(const Graph& graph, const std::string& name) {
  const Tensor* tensor = graph.FindInitializer(name);
  const bool is_number =
      tensor != nullptr && tensor->type == DataType::kFloat && tensor->element_count() == 1;
  return is_number ? tensor->values<float>()[0] : std::numeric_limits<float>::quiet_NaN();
}

// Clip(0, b) with b > 0, which is a Relu where b is infinite.
bool IsRectifier(const Graph& graph, const Node& clip) {
  return NumberOf(graph, clip.input(1)) == 0 &&
         (clip.input(2).empty() || NumberOf(graph, clip.input(2)) > 0);
}

bool IsBounded(const Graph& graph, const Node& node) {
  return node.Is("Clip") && !node.input(2).empty() && !std::isinf(NumberOf(graph, node.inputs[2]));
}

// Takes the walk through a node that scales with its input, channel by channel; false at others.
bool Pass(const Graph& graph, const Node& node, Walk& walk) {
  if (node.outputs.size() != 1) return false;
  bool passes = false;
  if (node.Is("Relu") || node.Is("LeakyRelu") || node.Is("PRelu")) {
    passes = true;
  } else if (node.Is("Clip")) {
    passes = IsRectifier(graph, node);
  } else if (node.Is("MaxPool") || node.Is("AveragePool") || node.Is("GlobalMaxPool") ||
             node.Is("GlobalAveragePool")) {
    passes = !walk.in_rows;
  } else if (node.Is("Pad")) {
    const Shape* shape = ShapeOf(graph, walk.value);
    passes = !walk.in_rows && shape != nullptr &&
             ZeroSpatialPads(graph, node, shape->size()).has_value();
  } else if (node.Is("Squeeze") || node.Is("ReduceMean")) {
    passes = LeavesChannels(graph, node, walk);
  } else if (node.Is("Flatten") || node.Is("Reshape")) {
    passes = MakesRows(graph, node, walk);
  }
  walk.value = node.outputs[0];
  return passes;
}

// The two layers of the vendor's chains are convolutions of images or volumes with a rectifier or
// pooling between them, and nothing else.
bool IsVendorLayer(const Graph& graph, const EqualizedLayer& layer) {
  constexpr size_t kImage = 4;
  const Node& node = graph.nodes[layer.node];
  return (node.Is("Conv") || node.Is("ConvTranspose")) && layer.weight->dims.size() >= kImage;
}

bool IsVendorStep(const Node& node) {
  return node.Is("Relu") || node.Is("Clip") || node.Is("MaxPool") || node.Is("AveragePool") ||
         node.Is("GlobalMaxPool") || node.Is("GlobalAveragePool");
}

// Looks for what reads the first layer of a group.
class GroupFinder {
 public:
  GroupFinder(const Graph& graph, const Topology& topology,
              const std::vector<EqualizedLayer>& layers, const std::map<size_t, size_t>& layer_of,
              const EqualizeOptions& options)
      : graph_(graph),
        topology_(topology),
        layers_(layers),
        layer_of_(layer_of),
        options_(options) {}

  std::optional<EqualizedGroup> Find(size_t first) const {
    EqualizedGroup group{.first = first};
    const EqualizedLayer& layer = layers_[first];
    if (options_.single_pass && !IsVendorLayer(graph_, layer)) return std::nullopt;
    // What a MatMul writes in front of its Add is scaled as well.
    if (layer.bias_node != layer.node && !layer.bias.empty())
      group.values.push_back(graph_.nodes[layer.node].outputs[0]);
    std::vector<Walk> open = {{layer.output, layer.in_rows}};
    while (!open.empty()) {
      const Walk walk = std::move(open.back());
      open.pop_back();
      const std::vector<Use>& uses = topology_.Uses(walk.value);
      if (uses.empty() || topology_.IsGraphOutput(walk.value)) return std::nullopt;
      if (options_.single_pass && uses.size() > 1) return std::nullopt;
      group.values.push_back(walk.value);
      // Scales cannot follow into a body, nor into what reads the value as weights or bounds.
      for (const Use& use : uses)
        if (use.slot != 0 || !Follow(use.node, walk, group, open)) return std::nullopt;
    }
    return group;
  }

 private:
  // Takes a reader into the group, or goes on behind it; false where scales cannot follow.
  bool Follow(size_t node, Walk walk, EqualizedGroup& group, std::vector<Walk>& open) const {
    const auto next = layer_of_.find(node);
    if (next != layer_of_.end()) return AddReader(next->second, walk, group);
    const Node& step = graph_.nodes[node];
    const bool bounded = IsBounded(graph_, step);
    // A bound by channel needs the channels side by side.
    if (bounded && (!options_.bounds_by_channel || walk.flattened)) return false;
    if (options_.single_pass && !IsVendorStep(step)) return false;
    if (!Pass(graph_, step, walk)) return false;
    if (bounded) group.clips.push_back(node);
    open.push_back(std::move(walk));
    return true;
  }

  bool AddReader(size_t reader, const Walk& walk, EqualizedGroup& group) const {
    const EqualizedLayer& layer = layers_[group.first];
    if (layers_[reader].is_normalization) return false;
    const size_t inputs = layers_[reader].in_scale.size();
    const size_t channels = layer.out_scale.size();
    if (layers_[reader].in_rows != walk.in_rows || inputs % channels != 0) return false;
    if (options_.single_pass && !IsVendorLayer(graph_, layers_[reader])) return false;
    const size_t spread = inputs / channels;
    // Only what flattening makes gives a channel several inputs.
    if (spread > 1 && layer.in_rows) return false;
    group.readers.push_back({reader, spread});
    return true;
  }

  const Graph& graph_;
  const Topology& topology_;
  const std::vector<EqualizedLayer>& layers_;
  const std::map<size_t, size_t>& layer_of_;
  const EqualizeOptions& options_;
};

}  // namespace

std::vector<EqualizedGroup> FindEqualizedGroups(const Graph& graph, const Topology& topology,
                                                const std::vector<EqualizedLayer>& layers,
                                                const EqualizeOptions& options) {
  std::map<size_t, size_t> layer_of;
  for (size_t k = 0; k < layers.size(); ++k) layer_of[layers[k].node] = k;
  const GroupFinder finder(graph, topology, layers, layer_of, options);
  std::vector<EqualizedGroup> groups;
  for (size_t k = 0; k < layers.size(); ++k) {
    std::optional<EqualizedGroup> group = finder.Find(k);
    if (group) groups.push_back(std::move(*group));
  }
  return groups;
}

}  // namespace qconvert
