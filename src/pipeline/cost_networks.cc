#include "cost_networks.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>

#include "qconvert/base/checked.h"

namespace qconvert {
namespace {

constexpr int64_t kOpset = 13;
constexpr uint32_t kMultiplier = 1664525;  // Numerical Recipes, the quick and dirty generator
constexpr uint32_t kIncrement = 1013904223;

// Numbers in [-1, 1): values decide no kernel's time.
std::vector<float> Noise(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  uint32_t state = 1;
  for (float& value : values) {
    state = state * kMultiplier + kIncrement;
    value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31F;
  }
  return values;
}

// A chain of nodes, each of which reads the one before it.
class Chain {
 public:
  explicit Chain(std::vector<int64_t> dims) : dims_(std::move(dims)) {
    model_.opsets = {{"", kOpset}};
    model_.ir_version = 8;
    model_.graph.name = "costs";
    model_.graph.inputs.push_back(TypedValue("x"));
  }

  Chain& Conv(int64_t channels, int64_t kernel, int64_t group = 1, int64_t stride = 1) {
    const std::string weight = Weight({channels, dims_[1] / group, kernel, kernel});
    Node& node = Append("Conv", {value_, weight});
    node.Set("group", group);
    node.Set("kernel_shape", std::vector<int64_t>{kernel, kernel});
    node.Set("pads", std::vector<int64_t>(4, kernel / 2));
    node.Set("strides", std::vector<int64_t>{stride, stride});
    dims_[1] = channels;
    for (const size_t axis : {2, 3}) dims_[axis] = (dims_[axis] + stride - 1) / stride;
    return *this;
  }

  Chain& MatMul(int64_t columns) {
    Append("MatMul", {value_, Weight({dims_.back(), columns})});
    dims_.back() = columns;
    return *this;
  }

  Chain& Lstm(int64_t hidden) {
    const std::string weight = Weight({1, 4 * hidden, dims_[2]});
    Node& node = Append("LSTM", {value_, weight, Weight({1, 4 * hidden, hidden})});
    node.Set("hidden_size", hidden);
    // Steps, directions, batch, numbers.
    dims_ = {dims_[0], 1, dims_[1], hidden};
    return *this;
  }

  // The height and width after an operator that changed them.
  Chain& Resized(int64_t size) {
    dims_[2] = dims_[3] = size;
    return *this;
  }

  Node& Append(const std::string& op_type, std::vector<std::string> inputs) {
    Node& node = model_.graph.nodes.emplace_back();
    node.op_type = op_type;
    node.inputs = std::move(inputs);
    node.name = fmt::format("n{}", model_.graph.nodes.size());
    value_ = node.name + "_out";
    node.outputs = {value_};
    return node;
  }

  std::string Ints(std::vector<int64_t> values) {
    const std::string name = NextConstant();
    model_.graph.initializers[name] =
        MakeInt64Tensor(name, {static_cast<int64_t>(values.size())}, values);
    return name;
  }

  const std::string& value() const { return value_; }

  CostNetwork Named(std::string name, bool is_dynamic = false) {
    model_.graph.outputs.push_back({value_, {DataType::kFloat, {}, {}}, {}, {}});
    return {std::move(name), std::move(model_), is_dynamic};
  }

 private:
  std::string NextConstant() { return fmt::format("c{}", model_.graph.initializers.size()); }

  Value TypedValue(const std::string& name) const {
    Value value{name, {DataType::kFloat, std::vector<Dim>{}, {}}, {}, {}};
    for (const int64_t dim : dims_) value.type.shape->push_back({dim, {}});
    return value;
  }

  std::string Weight(const std::vector<int64_t>& dims) {
    const std::string name = NextConstant();
    const int64_t count = ElementCount(dims).value();
    std::vector<float> values = Noise(count);
    // Sums of as many products stay about as large as the inputs.
    // The mean square of [-1, 1) is 1/3.
    const float scale = std::sqrt(3 * static_cast<float>(dims[0]) / static_cast<float>(count));
    for (float& value : values) value *= scale;
    model_.graph.initializers[name] = MakeFloatTensor(name, dims, values);
    return name;
  }

  Model model_;
  std::vector<int64_t> dims_;
  std::string value_ = "x";
};

struct ConvShape {
  int64_t from, to, kernel, size;
};

void AddConvolutions(std::vector<CostNetwork>& out) {
  constexpr ConvShape kShapes[] = {
      {3, 16, 3, 112},  {3, 32, 3, 160},  {1, 64, 3, 40},    {4, 8, 1, 56},     {8, 8, 3, 56},
      {16, 16, 3, 56},  {16, 96, 1, 56},  {24, 24, 3, 28},   {24, 72, 1, 28},   {17, 33, 3, 28},
      {32, 32, 3, 28},  {32, 64, 1, 56},  {40, 40, 3, 28},   {64, 64, 3, 28},   {64, 64, 5, 14},
      {64, 128, 1, 28}, {96, 96, 3, 14},  {128, 128, 3, 14}, {128, 256, 1, 14}, {256, 256, 1, 14},
      {256, 512, 1, 7}, {256, 256, 3, 7}, {512, 128, 1, 7}};
  for (const ConvShape& shape : kShapes) {
    // Of three in a row one can stay float (measure_costs.cc).
    for (const int64_t more : {0, 2}) {
      Chain chain({1, shape.from, shape.size, shape.size});
      chain.Conv(shape.to, shape.kernel);
      for (int64_t k = 0; k < more; ++k)
        chain.Conv(k % 2 == 0 ? shape.from : shape.to, shape.kernel);
      out.push_back(
          chain.Named(fmt::format("Conv {} to {}, {} x {}, {}, {} of them", shape.from, shape.to,
                                  shape.kernel, shape.kernel, shape.size, more + 1)));
    }
  }
}

void AddDepthwise(std::vector<CostNetwork>& out) {
  constexpr ConvShape kShapes[] = {
      {16, 16, 3, 56}, {32, 32, 3, 56}, {96, 96, 3, 28}, {144, 144, 3, 14}, {20, 20, 3, 28},
      {24, 24, 3, 56}, {72, 72, 5, 28}, {96, 96, 5, 14}, {240, 240, 5, 7},  {64, 64, 7, 14}};
  for (const ConvShape& shape : kShapes) {
    for (const int64_t count : {1, 3}) {
      Chain chain({1, shape.from, shape.size, shape.size});
      for (int64_t k = 0; k < count; ++k) chain.Conv(shape.to, shape.kernel, shape.from);
      out.push_back(chain.Named(fmt::format("depthwise {}, {} x {}, {}, {} of them", shape.from,
                                            shape.kernel, shape.kernel, shape.size, count)));
    }
  }
}

// As networks put them together: a thin stem, inverted residuals, residuals.
void AddBlocks(std::vector<CostNetwork>& out) {
  for (const auto& [size, channels] : {std::pair{224, 16}, {160, 32}, {96, 24}}) {
    Chain chain({1, 3, size, size});
    chain.Conv(channels, 3, 1, 2).Conv(channels, 3, channels).Conv(channels, 1);
    out.push_back(chain.Named(fmt::format("stem of {} channels on {}", channels, size)));
  }
  struct Block {
    int64_t channels, wide, kernel, size;
  };
  constexpr Block kBlocks[] = {{8, 48, 3, 56},   {16, 96, 3, 28},  {24, 144, 3, 28},
                               {32, 192, 3, 14}, {40, 120, 5, 14}, {56, 336, 3, 7},
                               {64, 384, 3, 14}, {112, 672, 5, 7}};
  for (const Block& block : kBlocks) {
    Chain chain({1, block.channels, block.size, block.size});
    chain.Conv(block.channels, 1);
    const std::string shortcut = chain.value();
    chain.Conv(block.wide, 1).Conv(block.wide, block.kernel, block.wide).Conv(block.channels, 1);
    chain.Append("Add", {shortcut, chain.value()});
    out.push_back(chain.Named(fmt::format("inverted residual {}, {}", block.wide, block.size)));
  }
  for (const auto& [channels, size] : {std::pair{16, 32}, {32, 16}, {64, 28}, {64, 8}, {128, 14}}) {
    Chain chain({1, channels, size, size});
    chain.Conv(channels, 1);
    const std::string shortcut = chain.value();
    chain.Conv(channels, 3).Conv(channels, 3);
    chain.Append("Add", {shortcut, chain.value()});
    out.push_back(chain.Named(fmt::format("residual {}, {}", channels, size)));
  }
}

// Many small nodes in a row, each called once in a run: what calling one takes beside its work.
void AddGates(std::vector<CostNetwork>& out) {
  constexpr int kGates = 8;
  for (const auto& [channels, size] : {std::pair{16, 28}, {64, 14}, {120, 7}, {16, 7}}) {
    Chain chain({1, channels, size, size});
    for (int k = 0; k < kGates; ++k) {
      const std::string whole = chain.value();
      chain.Append("GlobalAveragePool", {whole});
      chain.Resized(1).Conv(channels / 4, 1).Conv(channels, 1);
      chain.Append("HardSigmoid", {chain.value()});
      chain.Append("Mul", {whole, chain.value()});
      chain.Resized(size).Conv(channels, 1);
    }
    out.push_back(chain.Named(fmt::format("gates of {} channels on {}", channels, size)));
  }
}

void AddMatrixProducts(std::vector<CostNetwork>& out) {
  struct Product {
    int64_t rows, inner, columns;
  };
  constexpr Product kProducts[] = {{1, 512, 512},   {1, 1024, 1024}, {8, 312, 1200}, {16, 384, 384},
                                   {49, 96, 384},   {64, 256, 1024}, {80, 120, 40},  {128, 64, 64},
                                   {128, 768, 768}, {40, 480, 6600}};
  for (const Product& product : kProducts) {
    for (const bool is_dynamic : {false, true}) {
      for (const int count : {1, 3}) {
        Chain chain({1, product.rows, product.inner});
        for (int k = 0; k < count; ++k) chain.MatMul(k % 2 == 0 ? product.columns : product.inner);
        out.push_back(chain.Named(fmt::format("MatMul {} x {} x {}, {} of them", product.rows,
                                              product.inner, product.columns, count),
                                  is_dynamic));
      }
    }
  }
}

void AddRecurrent(std::vector<CostNetwork>& out) {
  struct Recurrence {
    int64_t steps, inputs, hidden;
  };
  constexpr Recurrence kRecurrences[] = {
      {50, 24, 16}, {20, 64, 64}, {50, 128, 128}, {10, 256, 256}, {25, 512, 256}};
  for (const Recurrence& one : kRecurrences) {
    Chain chain({one.steps, 1, one.inputs});
    chain.Lstm(one.hidden);
    out.push_back(chain.Named(
        fmt::format("LSTM {} steps, {} to {}", one.steps, one.inputs, one.hidden), true));
  }
}

using AppendOperator = std::function<void(Chain&, int64_t channels, int64_t size)>;

using ElementNetworks = std::vector<std::pair<std::string, AppendOperator>>;

void AddCalculations(ElementNetworks& out) {
  for (const char* binary : {"Add", "Mul"})
    out.emplace_back(binary, [=](Chain& c, int64_t, int64_t) {
      c.Append(binary, {c.value(), c.value()});
    });
  for (const char* unary : {"LeakyRelu", "Sigmoid", "HardSigmoid", "Relu", "GlobalAveragePool",
                            "ReduceMax", "ReduceMin", "Softmax"})
    out.emplace_back(unary, [=](Chain& c, int64_t, int64_t) { c.Append(unary, {c.value()}); });
  for (const char* pool : {"MaxPool", "AveragePool"}) {
    out.emplace_back(pool, [=](Chain& c, int64_t, int64_t) {
      Node& node = c.Append(pool, {c.value()});
      node.Set("kernel_shape", std::vector<int64_t>{2, 2});
      node.Set("strides", std::vector<int64_t>{2, 2});
    });
  }
}

void AddMovementOfParts(ElementNetworks& out) {
  out.emplace_back("Concat", [](Chain& c, int64_t, int64_t) {
    c.Append("Concat", {c.value(), c.value()}).Set("axis", int64_t{1});
  });
  out.emplace_back("Transpose", [](Chain& c, int64_t, int64_t) {
    c.Append("Transpose", {c.value()}).Set("perm", std::vector<int64_t>{0, 2, 3, 1});
  });
  out.emplace_back("Slice", [](Chain& c, int64_t channels, int64_t) {
    const std::string value = c.value();
    const std::string starts = c.Ints({0});
    const std::string ends = c.Ints({channels / 2});
    c.Append("Slice", {value, starts, ends, c.Ints({1})});
  });
  out.emplace_back("Gather", [](Chain& c, int64_t channels, int64_t) {
    const std::string value = c.value();
    std::vector<int64_t> indices;
    for (int64_t k = channels; k-- > 0;) indices.push_back(k);
    c.Append("Gather", {value, c.Ints(std::move(indices))}).Set("axis", int64_t{1});
  });
  out.emplace_back("Split", [](Chain& c, int64_t, int64_t) {
    Node& node = c.Append("Split", {c.value()});
    node.Set("axis", int64_t{1});
    node.outputs.push_back(node.name + "_rest");
  });
}

void AddMovementToLarger(ElementNetworks& out) {
  out.emplace_back("Tile", [](Chain& c, int64_t, int64_t) {
    const std::string value = c.value();
    c.Append("Tile", {value, c.Ints({1, 1, 1, 2})});
  });
  out.emplace_back("Expand", [](Chain& c, int64_t channels, int64_t size) {
    const std::string value = c.value();
    c.Append("Expand", {value, c.Ints({4, channels, size, size})});
  });
  out.emplace_back("DepthToSpace", [](Chain& c, int64_t, int64_t) {
    c.Append("DepthToSpace", {c.value()}).Set("blocksize", int64_t{2});
  });
  out.emplace_back("Pad", [](Chain& c, int64_t, int64_t) {
    const std::string value = c.value();
    c.Append("Pad", {value, c.Ints({0, 0, 1, 1, 0, 0, 1, 1})});
  });
  out.emplace_back("Resize", [](Chain& c, int64_t channels, int64_t size) {
    const std::string value = c.value();
    Node& node = c.Append("Resize", {value, "", "", c.Ints({1, channels, 2 * size, 2 * size})});
    node.Set("mode", std::string("nearest"));
    node.Set("coordinate_transformation_mode", std::string("asymmetric"));
    node.Set("nearest_mode", std::string("floor"));
  });
}

void AddElementOperators(std::vector<CostNetwork>& out) {
  ElementNetworks networks;
  AddCalculations(networks);
  AddMovementOfParts(networks);
  AddMovementToLarger(networks);
  for (const auto& [name, append] : networks) {
    for (const int64_t size : {14, 28, 56}) {
      constexpr int64_t kChannels = 32;
      Chain chain({1, kChannels, size, size});
      // An integer node before it: movement follows one.
      chain.Append("Add", {chain.value(), chain.value()});
      append(chain, kChannels, size);
      out.push_back(chain.Named(fmt::format("{} on {} x {} x {}", name, kChannels, size, size)));
    }
  }
}

}  // namespace

std::vector<CostNetwork> CostNetworks() {
  std::vector<CostNetwork> out;
  AddConvolutions(out);
  AddDepthwise(out);
  AddBlocks(out);
  AddGates(out);
  AddMatrixProducts(out);
  AddRecurrent(out);
  AddElementOperators(out);
  return out;
}

}  // namespace qconvert
