// What a target allows for integer settings of a tensor type: rows that one can read, checked by
// vitis/parameters.cc (what the vendor's tool refuses) and check_target.cc (what no file
// holds).
#ifndef QCONVERT_CONFIG_TARGET_LIMITS_H_
#define QCONVERT_CONFIG_TARGET_LIMITS_H_

#include <span>
#include <string_view>

#include "qconvert/config/quant_config.h"

namespace qconvert {

// Sets of tensor types and of grids.
enum : unsigned { kInput = 1, kWeights = 2, kBias = 4, kActivation = 8 };
enum : unsigned { kFloatTensor = 1, kFloatChannel = 2, kPof2Tensor = 4, kPof2Channel = 8 };

struct TargetLimit {
  unsigned types;        // tensor types
  unsigned grids;        // float or power-of-two scales, per tensor or per channel
  std::string_view key;  // the setting that is told when the limit is broken
  bool (*holds)(const TensorSettings& settings);
  std::string_view expected = {};  // for the message
  bool extension = false;          // works here: `extensions: true` allows it

  // Whether it may be broken: with the vendor's own numbers nothing of ours is allowed beside them.
  bool IsAllowed(bool extensions, Compat compat) const {
    return extension && extensions && compat == Compat::kNone;
  }
  // True when it speaks of `settings` and they break it.
  bool IsBroken(TensorType type, const TensorSettings& settings) const;
};

struct TargetLimits {
  TargetDevice device;
  std::span<const TargetLimit> vendor;   // what the vendor's tool refuses
  std::span<const TargetLimit> kernels;  // what the device computes with, whatever the tool says
  std::span<const TargetLimit> formats;  // what a file can hold at all
};

const TargetLimits& LimitsOf(TargetDevice device);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_TARGET_LIMITS_H_
