// Which parts of a model are better off integers.
#ifndef QCONVERT_SRC_PIPELINE_GIVE_BACK_H_
#define QCONVERT_SRC_PIPELINE_GIVE_BACK_H_

#include <cstddef>
#include <functional>
#include <set>
#include <vector>

#include "noise_map.h"

namespace qconvert {

// What is left on integers without some units.
struct Remainder {
  std::set<size_t> units;
  double time = 0;  // more than with all on integers, of the float time
};

// A plan measured on all samples.
struct JudgedPlan {
  std::vector<double> noise;    // at each output, as the gate counts it
  std::vector<double> typical;  // at each output, of a typical sample
  bool passes = false;
};

// Error power over signal power that nobody minds: 30 dB.
inline constexpr double kGoodNoise = 1e-3;
// Noise is cheap to avoid while a decibel costs at most this part of the estimated float time.
inline constexpr double kTimeOfDecibel = 0.02;
// Above this noise, 20 dB, decisions change in many samples: a decibel is worth this many there.
inline constexpr double kPoorNoise = 1e-2;
inline constexpr double kWorthOfPoor = 4;

struct GiveBackOptions {
  std::vector<NoisyPart> parts;
  JudgedPlan whole;    // with all parts on integers
  double allowed = 0;  // noise, as the gate counts it
  // Noise of a typical sample to go for while a decibel costs little time; 0: `allowed` will do.
  double aim = 0;
  double time_of_decibel = kTimeOfDecibel;  // at most, of the float time
  std::function<Remainder(const std::set<size_t>& without)> rest;
  std::function<JudgedPlan(const std::set<size_t>& without)> measure;
  int budget = 8;  // measurements; up to three quarters of it more where next to nothing stays
};

// Units to take off integers. Parts are put in order, greatest relief by time first, and of the
// first 0, 1, 2, ... the set is taken that passes and is worth most: decibels of a typical sample
// up to the aim, those below 20 dB four times, against time. Noise is expected to be the sum of
// what the parts bring alone, by a factor that the measured plans around it had; the set that looks
// best is measured until the best one has been, then sets in the middle between one that fails and
// one that passes. Where what passes leaves less than 15 % of the units and a quarter of the
// time saved, parts are taken in again, those that save most by noise first, in halves, and one
// that fails is left out. Where no set passes, the one of least noise that was measured.
std::set<size_t> GiveBack(const GiveBackOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_GIVE_BACK_H_
