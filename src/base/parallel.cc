#include "qconvert/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace qconvert {

void ParallelFor(size_t count, int workers, const std::function<void(size_t, size_t)>& work) {
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  size_t failed_index = count;
  std::exception_ptr failure;
  const auto loop = [&](size_t worker) {
    for (size_t i = next++; i < count && !failed; i = next++) {
      try {
        work(i, worker);
      } catch (...) {
        const std::lock_guard lock(mutex);
        failed = true;
        if (i < failed_index) {
          failed_index = i;
          failure = std::current_exception();
        }
      }
    }
  };
  std::vector<std::thread> threads;
  const size_t wanted = std::min(count, static_cast<size_t>(std::max(workers, 1)));
  for (size_t w = 1; w < wanted; ++w) {
    try {
      threads.emplace_back(loop, w);
    } catch (const std::system_error&) {
      break;  // fewer threads, the same result
    }
  }
  loop(0);
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace qconvert
