// A block of a graph, computed forward and backward for one image at a time.
#ifndef QCONVERT_SRC_WEIGHTS_BLOCK_NET_H_
#define QCONVERT_SRC_WEIGHTS_BLOCK_NET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "block_kernels.h"
#include "block_ranges.h"
#include "qconvert/plan/find_blocks.h"

namespace qconvert {

// Weights of a layer of the block: [count, channels] in kernel order, as learned_codes.h has them.
struct BlockWeights {
  FloatMatrix weights;
  FloatRow bias;
};

// What was computed for one image: every value as its readers get it, and its gradient. The next
// image takes its memory: to get as much of the system anew takes longer than the products.
struct BlockPass {
  std::vector<Floats> values;
  std::vector<std::vector<char>> passes;  // whether the gradient passes the rounding; may be empty
  // With `looks_at_grids`: what the rounding added, empty where there was none, and the gradients
  // by the grids.
  std::vector<Floats> added;
  std::vector<GridGradient> by_grids;
  bool looks_at_grids = false;
  std::vector<Floats> gradients;
  std::vector<ConvKernel::Columns> columns;  // by layer; empty: no Conv
};

// Whether the exit is rounded to its grid, which lies behind what the block learns.
enum class ExitRounding { kRounded, kFloat };

// Whether a backward pass goes on to the gradient of the entry, which is the dearest one.
enum class EntryGradient { kWanted, kNotWanted };

class BlockNet {
 public:
  // Whether element i of value v of the block is rounded in this pass.
  using IsRounded = std::function<bool(size_t value, size_t element)>;

  // `entry`: dimensions of one image, the first one 1. `grids`: of values within the block, looked
  // at by every pass. Layers are Conv, ConvTranspose, Gemm and MatMul that HasOutputPositions
  // describes; all else is computed in float.
  BlockNet(const Graph& graph, const Block& block, Dims entry, const RoundingGrids& grids,
           ExitRounding exit = ExitRounding::kFloat);

  // The operator that stands in the way, by its type; empty: none does.
  const std::string& obstacle() const { return obstacle_; }
  const Dims& exit_dims() const { return dims_.back(); }
  // The order of `weights` below: nodes of the graph.
  const std::vector<size_t>& layers() const { return layers_; }
  // Of all values, the entry first: the order of a pass.
  const std::vector<std::string>& values() const { return values_; }
  // The value that layer k writes.
  size_t layer_value(size_t k) const { return layer_values_[k]; }
  int64_t products() const { return products_; }  // of a forward pass

  // Of the exit; `rounded` may be empty: all are.
  const Floats& Forward(const Floats& entry, std::span<const BlockWeights> weights,
                        const IsRounded& rounded, BlockPass& pass) const;
  // After Forward: adds the gradients of a loss to `by_weights`, of the same shapes as the weights.
  void Backward(const Floats& by_exit, std::span<const BlockWeights> weights, BlockPass& pass,
                std::span<BlockWeights> by_weights,
                EntryGradient entry = EntryGradient::kWanted) const;

 private:
  struct Layer {
    size_t index = 0;                  // in layers()
    std::unique_ptr<ConvKernel> conv;  // null: rows
  };
  struct Pair {
    PairKernel kernel;
    Floats constant;       // in place of an input that is no value
    int constant_at = -1;  // 0, 1; -1: both are values
  };
  struct Join {
    int64_t outer = 1;           // Concat: of everything in front of the axis
    std::vector<int64_t> inner;  // numbers of each input behind it
  };
  struct Step {
    std::vector<size_t> inputs;  // values
    std::variant<ElementKernel, Layer, PoolKernel, Pair, Join> kernel;
  };

  bool AddStep(const Graph& graph, const Node& node, size_t index);
  bool AddLayer(const Graph& graph, const Node& node, size_t index, Step& step, Dims& out);
  bool AddElement(const Graph& graph, const Node& node, Step& step);
  bool AddPool(const Node& node, const Dims& in, Step& step, Dims& out);
  bool AddPair(const Graph& graph, const Node& node, Step& step, Dims& out);
  bool AddJoin(const Node& node, Step& step, Dims& out);
  void RoundValue(size_t v, const IsRounded& rounded, BlockPass& pass) const;
  void RunStep(const Step& step, std::span<const BlockWeights> weights, BlockPass& pass,
               Floats& out) const;
  void Return(const Step& step, const Floats& by_out, std::span<const BlockWeights> weights,
              BlockPass& pass, std::span<BlockWeights> by_weights) const;

  std::vector<Dims> dims_;  // of value 0, the entry, and what each step writes
  std::vector<Step> steps_;
  std::vector<const RoundingGrid*> grids_;  // by value; null: floats
  std::vector<std::string> values_;         // their names
  std::map<std::string, size_t> places_;
  const RoundingGrids& given_;
  std::vector<size_t> layers_;
  std::vector<size_t> layer_values_;
  int64_t products_ = 0;
  std::string obstacle_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_WEIGHTS_BLOCK_NET_H_
