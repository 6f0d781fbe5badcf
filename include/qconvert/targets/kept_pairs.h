// What a model that came with QuantizeLinear (Q) and DequantizeLinear (DQ) keeps of them.
#ifndef QCONVERT_TARGETS_KEPT_PAIRS_H_
#define QCONVERT_TARGETS_KEPT_PAIRS_H_

#include <cstddef>
#include <map>
#include <string>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/numbers/quant_params.h"
#include "qconvert/targets/target.h"

namespace qconvert {

// Codes of a float value that the model has.
//
//   codes -> DQ -> value      a DQ writes the value: it is on the grid, its readers may take the DQ
//   value -> Q -> codes       a Q reads it: who writes the value may write the codes
struct KeptPair {
  QuantParams params;  // one scale and zero point, constants; 8 or 16 bits
  std::string codes;
  size_t node = 0;  // the Q or DQ, index into graph.nodes
  bool is_dequantized = false;
};

// By float value, on this level of the graph. Of several Qs the first one; a DQ of constants is
// none. Needs sorted nodes and types in value_info.
using KeptPairs = std::map<std::string, KeptPair>;
KeptPairs FindKeptPairs(const Graph& graph);

// Whether the engine on x86 leaves these codes int8 (pair_view.h) once `more` nodes than in `graph`
// read them: several readers, or one that is no DQ. All other int8 codes become uint8 there.
bool StaysSigned(const Graph& graph, const Topology& topology, const KeptPair& kept, size_t more);

// Whether node `n` computes on integers as it came, so that there is nothing to add: it is a Q, DQ
// or integer operator; its weights are codes behind a DQ; what it reads comes out of DQs and what
// it writes goes into a Q (where a target has pairs on inputs alone, the former is enough); or it
// is the tail of such a node, a clamp or the bias behind a MatMul. All others are gaps.
//
//   DQ -> Conv{w: DQ} -> Relu -> Q       both
//   DQ -> Conv{w: floats} -> Relu -> Q   a gap
//   DQ, Conv{w: floats} -> Add -> Q      a gap, both
bool IsQuantizedAlready(const Graph& graph, const Topology& topology, const Target& target,
                        size_t n);

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_KEPT_PAIRS_H_
