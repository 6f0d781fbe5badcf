// Finds the items whose quantization brings most noise to the outputs.
#ifndef QCONVERT_SRC_PIPELINE_NOISE_SEARCH_H_
#define QCONVERT_SRC_PIPELINE_NOISE_SEARCH_H_

#include <cstddef>
#include <functional>
#include <queue>
#include <set>
#include <vector>

namespace qconvert {

// Noise (error power / signal power of the worst output) adds up over items as long as errors are
// small and unrelated. So: splits the items into chunks, measures each chunk alone, and halves the
// noisiest chunk until single items are left, which are taken out, until the rest fits a budget.
class NoiseSearch {
 public:
  // Noise with these items quantized and no others; infinite when an output gets NaN or Inf.
  using Measure = std::function<double(const std::vector<size_t>& items)>;

  // Measures the first chunks. `budget_left` counts down measurements and is shared by searches.
  NoiseSearch(const std::vector<size_t>& items, Measure measure, int& budget_left);

  // Takes items out until the noise of the rest is at most `noise`, or measurements run out (then
  // whole chunks go).
  void Refine(double noise);
  // The same as long as `may_take` allows the noisiest item.
  void RefineWhile(double noise, const std::function<bool(size_t item)>& may_take);

  const std::set<size_t>& taken_out() const { return taken_out_; }
  double remaining_noise() const { return remaining_; }

 private:
  struct Chunk {
    std::vector<size_t> items;
    double noise = 0;
    bool operator<(const Chunk& other) const {
      return noise != other.noise ? noise < other.noise : items[0] > other.items[0];
    }
  };

  void Push(std::vector<size_t> items);
  Chunk Pop();

  Measure measure_;
  int& budget_left_;
  std::priority_queue<Chunk> queue_;
  std::set<size_t> taken_out_;
  double remaining_ = 0;  // noise of all queued chunks together
  int infinite_ = 0;      // queued chunks of infinite noise
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_NOISE_SEARCH_H_
