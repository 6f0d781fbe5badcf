#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/base/check.h"
#include "qconvert/base/parallel.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/rewrite/store_weights.h"
#include "qconvert/weights/store_weights.h"

namespace qconvert {
namespace {

// Where the scale of an element stands: `scales` has the dimensions `scale_dims`, broadcast.
class ScaleIndex {
 public:
  ScaleIndex(const std::vector<int64_t>& dims, std::vector<int64_t> scale_dims) : dims_(dims) {
    scale_dims.insert(scale_dims.begin(), dims.size() - scale_dims.size(), 1);
    int64_t stride = 1;
    strides_.resize(dims.size());
    for (size_t d = dims.size(); d-- > 0; stride *= scale_dims[d])
      strides_[d] = scale_dims[d] == 1 ? 0 : stride;
    while (rows_ > 0 && strides_[rows_ - 1] == 0) inner_ *= dims[--rows_];
  }

  // Elements side by side with one scale.
  int64_t inner() const { return inner_; }

  // The index of the scale of run `run` of inner() elements.
  int64_t Of(int64_t run) const {
    int64_t index = 0;
    for (size_t d = rows_; d-- > 0; run /= dims_[d]) index += run % dims_[d] * strides_[d];
    return index;
  }

 private:
  const std::vector<int64_t>& dims_;
  std::vector<int64_t> strides_;
  size_t rows_ = dims_.size();  // dimensions in front of inner()
  int64_t inner_ = 1;
};

template <typename Code>
void Multiply(const StoredWeight& weight, std::vector<float>& out) {
  const ScaleIndex index(weight.codes.dims, weight.scale_dims);
  const auto codes = weight.codes.values<Code>();
  const auto inner = static_cast<size_t>(index.inner());
  for (size_t i = 0, run = 0; i < codes.size(); i += inner, ++run) {
    const float scale = weight.scales[static_cast<size_t>(index.Of(static_cast<int64_t>(run)))];
    for (size_t k = i; k < i + inner; ++k) out[k] = static_cast<float>(codes[k]) * scale;
  }
}

Tensor Expanded(const StoredWeight& weight) {
  std::vector<float> floats;
  if (weight.scales.empty()) {
    floats = ToFloats(weight.codes);
  } else {
    floats.resize(static_cast<size_t>(weight.codes.element_count()));
    if (weight.codes.type == DataType::kInt8) {
      Multiply<int8_t>(weight, floats);
    } else {
      QCONVERT_CHECK(weight.codes.type == DataType::kInt16);
      Multiply<int16_t>(weight, floats);
    }
  }
  return MakeFloatTensor(weight.name, weight.dims.empty() ? weight.codes.dims : weight.dims,
                         floats);
}

struct Found {
  Tensor* tensor;
  const StoredWeight* weight;
};

void FindUses(Graph& graph, const std::string& prefix,
              const std::map<std::string, StoredWeight>& stored, std::vector<Found>& uses) {
  for (Node& node : graph.nodes) {
    const std::vector<Graph*> bodies = SubgraphsOf(node);
    for (size_t b = 0; b < bodies.size(); ++b)
      FindUses(*bodies[b], prefix + BodyPrefix(node, b), stored, uses);
  }
  for (auto& [name, tensor] : graph.initializers) {
    const auto it = stored.find(prefix + name);
    if (it != stored.end()) uses.push_back({&tensor, &it->second});
  }
}

}  // namespace

void ExpandWeights(Model& model, const std::map<std::string, StoredWeight>& stored, int workers) {
  std::vector<Found> uses;
  FindUses(model.graph, "", stored, uses);
  ParallelFor(uses.size(), workers,
              [&](size_t i, size_t /*worker*/) { *uses[i].tensor = Expanded(*uses[i].weight); });
}

}  // namespace qconvert
