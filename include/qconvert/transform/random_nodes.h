// Nodes that draw random numbers.
#ifndef QCONVERT_TRANSFORM_RANDOM_NODES_H_
#define QCONVERT_TRANSFORM_RANDOM_NODES_H_

#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Names (or first outputs) of the nodes, bodies included, whose outputs differ from run to run:
// RandomNormal, RandomUniform (Like), Multinomial, Bernoulli, and Dropout in training mode.
std::vector<std::string> FindRandomNodes(const Graph& graph);

// Gives each of them a seed made from its output's name, so that two models with the same nodes
// draw the same numbers, run by run. For comparing models; a file keeps its nodes as they are.
//
//   x -> RandomNormalLike -> y        x -> RandomNormalLike{seed: hash("y")} -> y
void SeedRandomNodes(Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_RANDOM_NODES_H_
