// What channels of values hold on average, as far as batch normalizations tell without any sample.
#ifndef QCONVERT_TRANSFORM_CHANNEL_MOMENTS_H_
#define QCONVERT_TRANSFORM_CHANNEL_MOMENTS_H_

#include <map>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// One number per channel (axis 1).
struct ChannelMoments {
  std::vector<double> mean;
  std::vector<double> variance;
};

struct Moments {
  double mean = 0;
  double variance = 0;
};

// Of clip(x, low, high) for x normal with these moments; bounds may be infinite. With
// a = (low - m) / s, b = (high - m) / s, normal density f and distribution F:
//
//   E[y]   = low F(a) + high (1 - F(b)) + m (F(b) - F(a)) + s (f(a) - f(b))
//   E[y^2] = low^2 F(a) + high^2 (1 - F(b)) + (m^2 + s^2) (F(b) - F(a)) + 2 m s (f(a) - f(b))
//            + s^2 (a f(a) - b f(b))
//
// Source: Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
// Correction", appendix C (its equation for the mean); the second moment follows likewise.
Moments ClippedNormal(const Moments& x, double low, double high);

// By value: behind a BatchNormalization with constants a channel is taken for normal with mean
// `bias` and deviation |`scale`| (its statistics are those of the training data), and followed
// through Relu, Clip, Add of two such values (taken for independent), Concat along channels,
// Identity, pooling (the mean alone counts behind it), Flatten and Reshape of one pixel. Others
// have none. To be found before BatchNormalizations are folded away.
std::map<std::string, ChannelMoments> FindChannelMoments(const Graph& graph);

}  // namespace qconvert

#endif  // QCONVERT_TRANSFORM_CHANNEL_MOMENTS_H_
