// Channels that are far larger than the others, moved from values into the weights behind them.
#ifndef QCONVERT_TRANSFORM_SPREAD_CHANNELS_H_
#define QCONVERT_TRANSFORM_SPREAD_CHANNELS_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

// By value: s of each channel (last axis), which is divided by 2^s.
using ChannelShifts = std::map<std::string, std::vector<int>>;

inline constexpr int kMostShift = 26;

// What a channel held over the samples.
struct ChannelRange {
  double min = 0;
  double max = 0;
  double power = 0;  // mean of squares
};

// Values that a MatMul or Gemm with constant weights reads as rows: value -> channels. Inputs of
// the graph and constants are left out. Needs value_info.
std::map<std::string, size_t> FindSpreadableValues(const Graph& graph);

// Values whose products have weights in common: they need the same shifts, or every product would
// have weights of its own. Values in order of their names, groups by the first.
std::vector<std::vector<std::string>> FindSpreadableGroups(const Graph& graph);

// What channels held in any of two values.
std::vector<ChannelRange> Merged(std::vector<ChannelRange> a, const std::vector<ChannelRange>& b);

// The shifts of least expected noise of the products that read one of `values` (a group with these
// ranges), 8-bit values and weights:
//
//   sum over c, j of  d^2 / 12 (2^s_c W_cj)^2  +  e_j^2 / 12 P_c / 4^s_c
//   d = (max x' - min x') / 255,   x'_c = x_c / 2^s_c,   e_j = max over c |2^s_c W_cj| / 127
//
// among those that bring every channel above max|x| / 2^k below it, k = 0 .. 6, and
//
//   s_c = round(log2(max|x_c|^alpha / max_j |W_cj|^(1 - alpha))) less the least,   alpha = 1/4,
//   1/2, 3/4
//
// Empty where that is above 0.7 of what it is without, or that is below 1e-4 of the products' power
// already. Source: Xiao et al. 2023, "SmoothQuant", equation 4, with powers of two for scales.
std::vector<int> ChooseShifts(const Graph& graph, const Topology& topology,
                              const std::vector<std::string>& values,
                              const std::vector<ChannelRange>& channels);

//   v -> MatMul{W}     becomes     v -> Mul{2^-s} -> MatMul{2^s W}
//   v -> Add                       v -> Add
//
// Exact: floats change their exponents only. Weights that several products share with the same
// shifts stay one. Throws Error(kConfig) naming `place` where a value is
// none of FindSpreadableValues, or has another number of channels. Returns how many products were
// changed.
size_t SpreadChannels(Graph& graph, const ChannelShifts& shifts, const std::string& place);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_SPREAD_CHANNELS_H_
