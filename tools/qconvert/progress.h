// Progress of long work on stderr: a bar with ETA on a terminal, a line now and then elsewhere.
#ifndef QCONVERT_TOOLS_QCONVERT_PROGRESS_H_
#define QCONVERT_TOOLS_QCONVERT_PROGRESS_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace qconvert {

class Progress {
 public:
  explicit Progress(std::string what);
  // Called with growing `done`; draws at most ten times a second, and at the end.
  void Update(size_t done, size_t total);
  // Update for the options of a command; none where it is to be quiet. Lives as long as this.
  std::function<void(size_t done, size_t total)> Callback(bool quiet);
  // For work of unknown length: how much is done.
  void Count(size_t done);
  // The same where it is known how much it can come to.
  void CountOf(size_t done, size_t most);
  // Removes what is drawn on a terminal.
  void Clear() const;

 private:
  using Clock = std::chrono::steady_clock;
  void StartClock(size_t done);
  // By the rate so far.
  double SecondsLeft(size_t done, size_t total) const;
  void DrawBar(size_t done, size_t total) const;
  // Whether it is time for another line.
  bool IsDue();
  void Draw(const std::string& text) const;

  std::string what_;
  bool terminal_;
  Clock::time_point start_ = Clock::now();
  size_t first_ = 0;  // samples done at the first call
  size_t last_ = 0;   // and at the last one: fewer again are those of the next work
  Clock::time_point drawn_ = start_;
};

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_PROGRESS_H_
