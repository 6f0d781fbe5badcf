#include "qconvert/rewrite/store_weights.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "qconvert/ir/topology.h"
#include "qconvert/weights/store_weights.h"

namespace qconvert {
namespace {

constexpr int64_t kOpsetWithBlocks = 21;

class Storer {
 public:
  Storer(Model& model, const std::map<std::string, StoredWeight>& stored, StoredAs form)
      : stored_(stored), form_(form), opset_(model.opset()), names_(model.graph) {}

  void Store(Graph& graph, const std::string& prefix) {
    for (Node& node : graph.nodes) {
      const std::vector<Graph*> bodies = SubgraphsOf(node);
      for (size_t b = 0; b < bodies.size(); ++b) Store(*bodies[b], prefix + BodyPrefix(node, b));
    }
    std::vector<const StoredWeight*> found;
    for (const auto& [name, tensor] : graph.initializers) {
      const auto it = stored_.find(prefix + name);
      if (it != stored_.end()) found.push_back(&it->second);
    }
    std::vector<Node> nodes;
    for (const StoredWeight* weight : found) Emit(*weight, graph, nodes);
    // In front of all that reads them: they read constants alone.
    graph.nodes.insert(graph.nodes.begin(), std::make_move_iterator(nodes.begin()),
                       std::make_move_iterator(nodes.end()));
  }

 private:
  void Emit(const StoredWeight& weight, Graph& graph, std::vector<Node>& out) {
    const std::string codes = names_.Make("w");
    // The name goes to what a node computes now.
    graph.initializers.erase(weight.name);
    Tensor integers = Narrowed(weight);
    integers.name = codes;
    const std::optional<size_t> axis = FindAxis(weight);
    if (axis && weight.block_size > 0) integers.dims = weight.dims;
    graph.initializers.emplace(codes, std::move(integers));
    if (axis) {
      out.push_back(Dequantize(weight, codes, *axis, graph));
    } else {
      EmitProduct(weight, codes, graph, out);
    }
  }

  // In as few bits as the opset has a type for.
  Tensor Narrowed(const StoredWeight& weight) const {
    Tensor out = weight.codes;
    if (weight.scales.empty() || weight.codes.type != DataType::kInt8) return out;
    out.type = NarrowestType(weight.format, opset_);
    if (out.type == weight.codes.type) return out;
    const auto values = weight.codes.values<int8_t>();
    const std::vector<int32_t> codes(values.begin(), values.end());
    out.bytes = std::make_shared<const std::string>(PackCodes(codes, out.type));
    return out;
  }

  // The axis of a DequantizeLinear that does it all: of the channels, or the one in blocks.
  std::optional<size_t> FindAxis(const StoredWeight& weight) const {
    if (form_ == StoredAs::kProduct || weight.scales.empty()) return std::nullopt;
    // DequantizeLinear of the standard has 16 bits from the opset of blocks on, too.
    if (opset_ < kOpsetWithBlocks && weight.bits() > 8) return std::nullopt;
    if (weight.block_size > 0) {
      // Codes are [k / block, block, n] or [n, k / block, block].
      const size_t axis = weight.codes.dims[0] == weight.dims[0] ? 1 : 0;
      return opset_ >= kOpsetWithBlocks ? std::optional(axis) : std::nullopt;
    }
    const auto wide = [](int64_t dim) { return dim > 1; };
    const auto& dims = weight.scale_dims;
    const bool one_axis = std::count_if(dims.begin(), dims.end(), wide) <= 1;
    if (form_ == StoredAs::kBlocksPacked || !one_axis || !weight.dims.empty()) return std::nullopt;
    const auto first = std::find_if(dims.begin(), dims.end(), wide);
    return first == dims.end() ? 0 : static_cast<size_t>(first - dims.begin());
  }

  Node Dequantize(const StoredWeight& weight, const std::string& codes, size_t axis, Graph& graph) {
    const std::string scale = names_.Make("s");
    std::vector<int64_t> dims;
    if (weight.block_size > 0) {
      dims = weight.dims;
      dims[axis] /= weight.block_size;
    } else if (weight.scales.size() > 1) {
      dims = {static_cast<int64_t>(weight.scales.size())};
    }
    graph.initializers.emplace(scale, MakeFloatTensor(scale, dims, weight.scales));
    Node node = MakeNode("DequantizeLinear", {codes, scale}, {weight.name});
    if (!dims.empty()) node.Set("axis", static_cast<int64_t>(axis));
    if (weight.block_size > 0) node.Set("block_size", weight.block_size);
    return node;
  }

  void EmitProduct(const StoredWeight& weight, const std::string& codes, Graph& graph,
                   std::vector<Node>& out) {
    out.push_back(MakeNode("Cast", {codes}, {weight.name}));
    out.back().Set("to", int64_t{1});  // TensorProto.FLOAT
    if (weight.scales.empty()) return;
    const std::string scale = names_.Make("s");
    // The last node of the chain has the weight's name.
    const std::string cast = out.back().outputs[0] = names_.Make("t");
    graph.initializers.emplace(scale, MakeFloatTensor(scale, weight.scale_dims, weight.scales));
    out.push_back(MakeNode("Mul", {cast, scale}, {weight.name}));
    if (weight.dims.empty()) return;
    const std::string split = names_.Make("t");
    const std::string dims = names_.Make("c");
    out.back().outputs[0] = split;
    graph.initializers.emplace(
        dims, MakeTensor<int64_t>(dims, DataType::kInt64,
                                  {static_cast<int64_t>(weight.dims.size())}, weight.dims));
    out.push_back(MakeNode("Reshape", {split, dims}, {weight.name}));
  }

  const std::map<std::string, StoredWeight>& stored_;
  StoredAs form_;
  int64_t opset_;
  NameMaker names_;
};

}  // namespace

void StoreWeights(Model& model, const std::map<std::string, StoredWeight>& stored, StoredAs form) {
  Storer(model, stored, form).Store(model.graph, "");
}

}  // namespace qconvert
