#include "qconvert/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "qconvert/base/started_threads.h"

namespace qconvert {
namespace {

std::atomic<int64_t> started_threads{0};

}  // namespace

int64_t StartedThreads() { return started_threads; }

void ParallelFor(size_t count, int workers, const std::function<void(size_t, size_t)>& work) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::atomic<size_t> end{count};  // the lowest index that failed
  std::exception_ptr failure;
  const auto loop = [&](size_t worker) {
    // Whatever fails first in time, indices below it still run: which failure is told must not
    // depend on the order of threads.
    for (size_t i = next++; i < end; i = next++) {
      try {
        work(i, worker);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < end) {
          end = i;
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
      ++started_threads;
    } catch (const std::system_error&) {
      break;  // fewer threads, the same result
    }
  }
  // This thread is worker 0: one worker needs no other thread.
  loop(0);
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace qconvert
