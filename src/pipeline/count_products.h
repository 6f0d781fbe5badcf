// What the products of a model are computed with, and how many bytes that moves.
#ifndef QCONVERT_SRC_PIPELINE_COUNT_PRODUCTS_H_
#define QCONVERT_SRC_PIPELINE_COUNT_PRODUCTS_H_

#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/plan/choose_scheme.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/plan/placement.h"
#include "qconvert/report/inspection.h"

namespace qconvert {

// Nodes that multiply (CountMultiplyAdds), or read weights, in bodies too, by operator and number
// types, most multiply-adds first. Types are those of the settings, as MakePlan takes them:
//
//   integer   type of input 0 x type of the weight (or of input 1) -> type of the unit's output
//   dynamic   uint8 x int8 -> float, quantized at run time
//   float     float x type of the stored weight -> float
//
// `stored` are weights that are stored as integers, by the way to them. Sizes are those of
// CostModel without any given.
std::vector<Inspection::Products> CountProducts(const Model& model, const SchemeChoice& choice,
                                                const Placement& placement,
                                                const ModelSettings& settings,
                                                const std::set<std::string>& stored);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_COUNT_PRODUCTS_H_
