// A signed histogram on a power-of-two grid that grows with the data.
//
// The grid has kSideBins bins for [0, 2^e) and as many for (-2^e, 0). When a value does not fit, e
// rises and bin i of each side folds into bin i >> k: exact, because both grids are anchored at 0
// and bin widths are powers of two. Counts are integers. So the result depends on the values alone,
// not on their order, on blocks, threads or shards: merging two histograms gives the bits of one
// histogram over all the data.
#ifndef QCONVERT_CALIBRATION_HISTOGRAM_H_
#define QCONVERT_CALIBRATION_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace qconvert {

class Histogram {
 public:
  static constexpr size_t kSideBins = 2048;
  static constexpr size_t kBins = 2 * kSideBins;
  // Values below 2^(kMinExponent) share the bins around zero.
  static constexpr int kMinExponent = -100;
  // Values binned in one call of the kernel; a power of two that keeps a block in the first-level
  // cache.
  static constexpr size_t kBlock = 4096;

  // The smallest exponent e >= kMinExponent with abs_max < 2^e. `abs_max` is finite.
  static int ExponentFor(float abs_max);

  class BinScratch;
  class Adder;

  void Merge(const Histogram& other);

  // A histogram that was taken apart: kBins counts on the grid of 2^exponent.
  static Histogram FromCounts(int exponent, std::vector<uint64_t> counts);

  int exponent() const { return exponent_; }
  // 2^exponent / kSideBins.
  double bin_width() const;
  // Lower edge of bin i; bins [0, kSideBins) are negative.
  double LowerEdge(size_t bin) const;
  // kBins counts, or empty when nothing was added.
  const std::vector<uint64_t>& counts() const { return counts_; }
  uint64_t total() const;

  bool operator==(const Histogram&) const = default;

 private:
  void GrowTo(int exponent);

  int exponent_ = kMinExponent;
  std::vector<uint64_t> counts_;
};

// Work space of a thread: four counters per bin, so that repeated values (zeros after a Relu) do
// not wait for each other's store. Empty between adders.
class Histogram::BinScratch {
 public:
  BinScratch() : counts(4 * kBins, 0) {}
  std::vector<uint32_t> counts;  // of bin i: [4 * i, 4 * i + 4)
};

// Adds blocks of values to a histogram. They are counted in the scratch, and are in the histogram
// when the adder goes.
class Histogram::Adder {
 public:
  Adder(Histogram& histogram, BinScratch& scratch) : histogram_(histogram), scratch_(scratch) {}
  ~Adder() { Flush(); }
  Adder(const Adder&) = delete;
  Adder& operator=(const Adder&) = delete;

  // 1 to kBlock finite values in [min, max].
  void Add(std::span<const float> values, float min, float max);

 private:
  void Flush();

  Histogram& histogram_;
  BinScratch& scratch_;
  size_t pending_ = 0;    // values counted in the scratch
  size_t first_ = kBins;  // bins [first_, end_) of the scratch may hold them
  size_t end_ = 0;
};

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_HISTOGRAM_H_
