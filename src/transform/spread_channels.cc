#include "qconvert/transform/spread_channels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "matcher.h"
#include "qconvert/base/check.h"
#include "qconvert/base/error.h"
#include "qconvert/ir/topology.h"

namespace qconvert {
namespace {

constexpr int kMostSteps = 6;
// Shares of a channel's range that go into the weights.
constexpr std::array kAlphas = {0.25, 0.5, 0.75};
constexpr double kWorth = 0.7;   // of the noise without shifts
constexpr double kQuiet = 1e-4;  // noise over signal of products that need none
constexpr double kValueSteps = 255;
constexpr double kWeightSteps = 127;

// Weights as a product reads them: their name, and whether their channels are their second axis.
// The same ones read both ways scale along different axes.
using WeightForm = std::pair<std::string, bool>;

// A MatMul or Gemm and its weights [channels, columns], or the other way round.
struct Product {
  size_t node = 0;
  const Tensor* weight = nullptr;
  bool is_transposed = false;

  size_t channels() const { return static_cast<size_t>(weight->dims[is_transposed ? 1 : 0]); }
  WeightForm form() const { return {weight->name, is_transposed}; }
  size_t columns() const { return static_cast<size_t>(weight->dims[is_transposed ? 0 : 1]); }
};

// Calls visit(place, channel, column) for every weight, in memory order.
template <typename Visit>
void ForEachWeight(const Product& product, const Visit& visit) {
  const auto rows = static_cast<size_t>(product.weight->dims[0]);
  const auto width = static_cast<size_t>(product.weight->dims[1]);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t k = 0; k < width; ++k)
      visit(row * width + k, product.is_transposed ? k : row, product.is_transposed ? row : k);
  }
}

std::vector<float> PowersOfTwo(const std::vector<int>& exponents, int sign) {
  std::vector<float> powers;
  for (const int exponent : exponents) powers.push_back(std::ldexp(1.0F, sign * exponent));
  return powers;
}

std::optional<Product> FindProduct(const Graph& graph, size_t n) {
  const Node& node = graph.nodes[n];
  const bool is_gemm = node.Is("Gemm") && node.GetInt("transA", 0) == 0;
  if (!node.Is("MatMul") && !is_gemm) return std::nullopt;
  const Tensor* weight = graph.FindInitializer(node.input(1));
  const bool is_matrix = weight != nullptr && weight->type == DataType::kFloat &&
                         weight->dims.size() == 2 && weight->element_count() > 0;
  const bool is_value = graph.value_info.contains(node.input(0));
  if (!is_matrix || !is_value) return std::nullopt;
  return Product{n, weight, is_gemm && node.GetInt("transB", 0) != 0};
}

// By the value that they read.
using Products = std::map<std::string, std::vector<Product>>;

Products FindProducts(const Graph& graph) {
  Products products;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (const std::optional<Product> product = FindProduct(graph, n))
      products[graph.nodes[n].inputs[0]].push_back(*product);
  }
  return products;
}

// One product of each weight that those of the values have, in the order of nodes.
std::vector<Product> WeightsBehind(const Graph& graph, const Topology& topology,
                                   const std::vector<std::string>& values) {
  std::set<size_t> readers;
  for (const std::string& value : values) {
    for (const Use& use : topology.Uses(value))
      if (use.slot == 0) readers.insert(use.node);
  }
  std::set<WeightForm> seen;
  std::vector<Product> products;
  for (const size_t n : readers) {
    const std::optional<Product> product = FindProduct(graph, n);
    if (product && seen.insert(product->form()).second) products.push_back(*product);
  }
  return products;
}

// Writes scaled weights: each once for the same shifts, over the old ones where nothing else reads
// those.
class WeightScaler {
 public:
  WeightScaler(Graph& graph, UnitWriter& writer, const Products& products,
               const ChannelShifts& shifts)
      : graph_(graph), writer_(writer) {
    const Topology topology(graph);
    for (const auto& [value, exponents] : shifts) {
      for (const Product& product : products.at(value)) {
        ++readers_[{product.form(), exponents}];
        uses_[product.weight->name] = topology.Uses(product.weight->name).size();
      }
    }
  }

  std::string Scale(const Product& product, const std::vector<int>& exponents) {
    const std::string name = product.weight->name;
    const std::pair key(product.form(), exponents);
    const auto [written, is_new] = names_.emplace(key, name);
    // Another product with the same weights and shifts has written them.
    if (!is_new) return written->second;
    Tensor scaled = Scaled(product, exponents);
    // Whatever reads these weights reads them scaled alike.
    if (readers_.at(key) == uses_.at(name)) {
      scaled.name = name;
      graph_.initializers.at(name) = std::move(scaled);
    } else {  // others read the weights as they were
      written->second = writer_.Constant(std::move(scaled));
    }
    return written->second;
  }

 private:
  static Tensor Scaled(const Product& product, const std::vector<int>& shifts) {
    std::vector<float> values = ToFloats(*product.weight);
    const std::vector<float> factors = PowersOfTwo(shifts, 1);
    ForEachWeight(product, [&](size_t place, size_t c, size_t) { values[place] *= factors[c]; });
    return MakeFloatTensor("", product.weight->dims, values);
  }

  Graph& graph_;
  UnitWriter& writer_;
  std::map<std::pair<WeightForm, std::vector<int>>, size_t> readers_;
  std::map<std::string, size_t> uses_;
  std::map<std::pair<WeightForm, std::vector<int>>, std::string> names_;  // as written
};

// What an 8-bit grid leaves of the values, and of the weights, in all products.
double ExpectedNoise(const std::vector<Product>& products,
                     const std::vector<ChannelRange>& channels, const std::vector<int>& shifts) {
  double low = 0;
  double high = 0;
  double power = 0;
  for (size_t c = 0; c < channels.size(); ++c) {
    low = std::min(low, std::ldexp(channels[c].min, -shifts[c]));
    high = std::max(high, std::ldexp(channels[c].max, -shifts[c]));
    power += std::ldexp(channels[c].power, -2 * shifts[c]);
  }
  // Rounding errors are taken for uniform: a step squared over 12 each.
  const double step = (high - low) / kValueSteps;
  const std::vector<float> factors = PowersOfTwo(shifts, 1);
  double noise = 0;
  for (const Product& product : products) {
    const auto weights = product.weight->values<float>();
    std::vector<double> largest(product.columns(), 0);
    double squares = 0;
    ForEachWeight(product, [&](size_t place, size_t c, size_t j) {
      const double w = std::fabs(weights[place] * factors[c]);
      largest[j] = std::max(largest[j], w);
      squares += w * w;
    });
    double weight_squares = 0;
    for (const double w : largest) weight_squares += (w / kWeightSteps) * (w / kWeightSteps);
    noise += (step * step * squares + power * weight_squares) / 12;
  }
  return noise;
}

// Of the products, taking channels for unrelated.
double ExpectedPower(const std::vector<Product>& products,
                     const std::vector<ChannelRange>& channels) {
  double power = 0;
  for (const Product& product : products) {
    const auto weights = product.weight->values<float>();
    ForEachWeight(product, [&](size_t place, size_t c, size_t) {
      const double w = weights[place];
      power += channels[c].power * w * w;
    });
  }
  return power;
}

double Magnitude(const ChannelRange& channel) { return std::max(-channel.min, channel.max); }

// For every channel the least shift that brings it to `largest` or below.
std::vector<int> ShiftsTo(double largest, const std::vector<ChannelRange>& channels) {
  std::vector<int> shifts;
  for (const ChannelRange& channel : channels) {
    int shift = 0;
    while (std::ldexp(Magnitude(channel), -shift) > largest) ++shift;
    shifts.push_back(shift);
  }
  return shifts;
}

// By channel, the largest weight that a product multiplies it with.
std::vector<double> LargestWeights(const std::vector<Product>& products, size_t channels) {
  std::vector<double> largest(channels, 0);
  for (const Product& product : products) {
    const auto weights = product.weight->values<float>();
    ForEachWeight(product, [&](size_t place, size_t c, size_t) {
      largest[c] = std::max(largest[c], std::fabs(static_cast<double>(weights[place])));
    });
  }
  return largest;
}

// log2 of |x|^alpha / |W|^(1 - alpha) by channel, rounded; the least is 0. A channel that is always
// 0, or that no weight reads, has the least.
std::vector<int> ShiftsAt(double alpha, const std::vector<ChannelRange>& channels,
                          const std::vector<double>& weights) {
  std::vector<double> exponents;
  double least = INFINITY;
  for (size_t c = 0; c < channels.size(); ++c) {
    exponents.push_back(alpha * std::log2(Magnitude(channels[c])) -
                        (1 - alpha) * std::log2(weights[c]));
    if (std::isfinite(exponents[c])) least = std::min(least, exponents[c]);
  }
  std::vector<int> shifts;
  for (const double exponent : exponents) {
    const double above = std::isfinite(exponent) ? std::round(exponent - least) : 0;
    shifts.push_back(static_cast<int>(std::min<double>(above, kMostShift)));
  }
  return shifts;
}

void Check(const Products& products, const std::string& value, const std::vector<int>& shifts,
           const std::string& place) {
  const auto it = products.find(value);
  if (it == products.end()) {
    throw Error(
        ExitCode::kConfig, place,
        fmt::format("spread value \"{}\" is read by no MatMul or Gemm with constant weights",
                    EscapeForTerminal(value)));
  }
  const size_t channels = it->second.front().channels();
  if (channels == shifts.size()) return;
  throw Error(ExitCode::kConfig, place,
              fmt::format("spread value \"{}\" has {} shifts, expected {}, one per channel",
                          EscapeForTerminal(value), shifts.size(), channels));
}

}  // namespace

std::map<std::string, size_t> FindSpreadableValues(const Graph& graph) {
  std::map<std::string, size_t> values;
  for (const auto& [value, products] : FindProducts(graph))
    values.emplace(value, products.front().channels());
  return values;
}

std::vector<std::vector<std::string>> FindSpreadableGroups(const Graph& graph) {
  std::map<std::string, std::set<WeightForm>> weights;  // by value
  std::map<WeightForm, std::set<std::string>> readers;  // values by weight
  for (const auto& [value, products] : FindProducts(graph)) {
    for (const Product& product : products) {
      weights[value].insert(product.form());
      readers[product.form()].insert(value);
    }
  }
  std::vector<std::vector<std::string>> groups;
  std::set<std::string> seen;
  for (const auto& [first, unused] : weights) {
    if (!seen.insert(first).second) continue;
    std::vector<std::string> group = {first};
    // The group grows while it is gone through.
    for (size_t k = 0; k < group.size(); ++k) {
      for (const WeightForm& weight : weights.at(group[k])) {
        for (const std::string& value : readers.at(weight))
          if (seen.insert(value).second) group.push_back(value);
      }
    }
    std::sort(group.begin(), group.end());
    groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<ChannelRange> Merged(std::vector<ChannelRange> a, const std::vector<ChannelRange>& b) {
  QCONVERT_CHECK(a.size() == b.size());
  for (size_t c = 0; c < a.size(); ++c) {
    a[c].min = std::min(a[c].min, b[c].min);
    a[c].max = std::max(a[c].max, b[c].max);
    a[c].power = std::max(a[c].power, b[c].power);
  }
  return a;
}

std::vector<int> ChooseShifts(const Graph& graph, const Topology& topology,
                              const std::vector<std::string>& values,
                              const std::vector<ChannelRange>& channels) {
  const std::vector<Product> products = WeightsBehind(graph, topology, values);
  double largest = 0;
  for (const ChannelRange& channel : channels) largest = std::max(largest, Magnitude(channel));
  if (!(largest > 0) || !std::isfinite(largest)) return {};
  const double before = ExpectedNoise(products, channels, std::vector<int>(channels.size(), 0));
  if (before <= kQuiet * ExpectedPower(products, channels)) return {};
  double least = before * kWorth;
  std::vector<int> best;
  double last = before;
  for (int k = 1; k <= kMostSteps; ++k) {
    std::vector<int> shifts = ShiftsTo(std::ldexp(largest, -k), channels);
    const double noise = ExpectedNoise(products, channels, shifts);
    if (noise > last) break;  // from here on the weights bring more than the values lose
    last = noise;
    if (noise > least) continue;
    least = noise;
    best = std::move(shifts);
  }
  const std::vector<double> weights = LargestWeights(products, channels.size());
  for (const double alpha : kAlphas) {
    std::vector<int> shifts = ShiftsAt(alpha, channels, weights);
    const double noise = ExpectedNoise(products, channels, shifts);
    if (noise > least) continue;
    least = noise;
    best = std::move(shifts);
  }
  return best;
}

size_t SpreadChannels(Graph& graph, const ChannelShifts& shifts, const std::string& place) {
  if (shifts.empty()) return 0;
  const Products products = FindProducts(graph);
  for (const auto& [value, exponents] : shifts) Check(products, value, exponents, place);
  UnitWriter writer(graph);
  WeightScaler scaler(graph, writer, products, shifts);
  size_t changed = 0;
  for (const auto& [value, exponents] : shifts) {
    const std::vector<float> factors = PowersOfTwo(exponents, -1);
    std::string spread;
    for (const Product& product : products.at(value)) {
      Node& node = graph.nodes[product.node];
      if (spread.empty()) {
        const auto count = static_cast<int64_t>(factors.size());
        const std::string constant = writer.Constant(MakeFloatTensor("", {count}, factors));
        spread = writer.Add(node, value, "Mul", {value, constant});
      }
      node.inputs[1] = scaler.Scale(product, exponents);
      node.inputs[0] = spread;
      ++changed;
    }
  }
  writer.Finish();
  return changed;
}

}  // namespace qconvert
