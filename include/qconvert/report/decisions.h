// Whether the quantized model decides as the float one does.
#ifndef QCONVERT_REPORT_DECISIONS_H_
#define QCONVERT_REPORT_DECISIONS_H_

#include <cstdint>

#include "qconvert/base/metric.h"
#include "qconvert/ir/tensor.h"
#include "qconvert/report/output_kind.h"

namespace qconvert {

// Positions (everything but the class axis) where the float model is sure of its class: its
// probabilities of the best and the second class are at least kDecidedMargin apart. Where it is
// not, any change of class is noise. Of likely logits the two must also be kLikelyGap of the
// position's root mean square apart: plain values, should it be such, cross at any noise.
struct DecisionSums {
  int64_t decided = 0;
  // Decided positions where the quantized model has another class, and not one that the float model
  // has one step away along time or in space: a border that moves by a step is no other decision.
  int64_t flips = 0;
  // Of probabilities that sum to one over the classes, within kSumsToOne: power of the float
  // model's logarithms less their mean, which are the logits of a softmax less theirs, and of what
  // the quantized model's differ from them. Probabilities saturate: of a sure sample hardly any
  // error is left in them, of an unsure one nearly all. Classes that are 0 in a model are left out.
  double logit_power = 0;
  double logit_error = 0;
  // Samples with a decided position, and the sum of the rates of flips in each. Positions of one
  // sample are not independent: what one of them suffers its neighbours mostly do.
  int64_t samples = 0;
  double flipped_samples = 0;

  void Merge(const DecisionSums& other);
  double rate() const;
  // Of the flip rate at 95 %, over samples: BoundOfRate(flipped_samples, samples).
  double UpperBound() const;
};

// The upper bound at 95 %, one-sided, of the mean of a rate between 0 and 1 that independent
// samples have, from the sum of theirs. Of rates 0 and 1 alone it is Clopper and Pearson's exact
// one, the mean at which so small a sum would be seen with probability 5 %: C. J. Clopper and E. S.
// Pearson, Biometrika 26 (1934), 404-413, the 0.95 quantile of Beta(sum + 1, samples - sum). Rates
// between spread less around their mean than those, so for them it is the more cautious. 1 without
// samples.
double BoundOfRate(double sum, int64_t samples);

inline constexpr double kDecidedMargin = 0.2;
inline constexpr double kLikelyGap = 0.25;
inline constexpr double kSumsToOne = 0.01;

// Adds the positions of one sample; `sums` gets the share of all positions that agree. Both tensors
// are floating-point and of one shape. Positions where the float model gives NaN are left out.
void AddDecisions(const Tensor& expected, const Tensor& actual, const OutputKind& kind,
                  DecisionSums& decisions, ErrorSums& sums);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_DECISIONS_H_
