#include "qconvert/base/parked_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <list>
#include <mutex>
#include <utility>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

constexpr int64_t kChunk = int64_t{1} << 20;

struct StoredBytes {
  std::weak_ptr<const std::string> bytes;
  std::shared_ptr<const InputFile> file;
  int64_t offset = 0;
};

// What the process knows of: few entries, each of many bytes.
struct Known {
  std::mutex mutex;
  std::list<StoredBytes> stored;
  std::multiset<const std::string*> held;
};

Known& TheKnown() {
  static Known* const known = new Known;  // outlives whatever stands in static storage
  return *known;
}

uint64_t SumOf(const char* data, int64_t count) {
  uint64_t sum = 0;
  for (int64_t at = 0; at < count; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, data + at, sizeof(word));
    sum += word;
  }
  return sum;
}

// The whole pages of one buffer, out of memory from the beginning to Restore.
class Parked {
 public:
  Parked(SharedBytes bytes, const StoredBytes& stored)
      : bytes_(std::move(bytes)), file_(stored.file) {
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto from = reinterpret_cast<uintptr_t>(bytes_->data());
    const uintptr_t first = (from + page - 1) / page * page;
    const uintptr_t last = (from + bytes_->size()) / page * page;
    // The buffer is no constant: only who makes a tensor writes into it.
    pages_ = const_cast<char*>(bytes_->data()) + (first - from);
    count_ = static_cast<int64_t>(last - first);
    offset_ = stored.offset + static_cast<int64_t>(first - from);
    sum_ = SumOf(pages_, count_);
    is_parked_ = Map(PROT_NONE);  // else they stay, which only takes memory
  }

  // Their bytes as before; throws where that cannot be.
  void Restore() {
    if (!is_parked_) return;
    if (!Map(PROT_READ | PROT_WRITE))
      throw Error(ExitCode::kResource, file_->path().string(),
                  "no memory is left to read its weights again");
    uint64_t sum = 0;
    for (int64_t at = 0; at < count_; at += kChunk) {
      const int64_t count = std::min(kChunk, count_ - at);
      file_->ReadAt(offset_ + at, count, pages_ + at);
      sum += SumOf(pages_ + at, count);
    }
    if (sum != sum_)
      throw Error(ExitCode::kFile, file_->path().string(), "has changed while it was converted");
  }

 private:
  bool Map(int protection) {
    return mmap(pages_, static_cast<size_t>(count_), protection,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
  }

  SharedBytes bytes_;
  std::shared_ptr<const InputFile> file_;
  char* pages_ = nullptr;
  int64_t count_ = 0;
  int64_t offset_ = 0;  // of the pages in the file
  uint64_t sum_ = 0;    // of their words
  bool is_parked_ = false;
};

std::vector<Parked> ParkOthers(const std::set<const std::string*>& read) {
  Known& known = TheKnown();
  const std::lock_guard lock(known.mutex);
  std::vector<Parked> parked;
  for (const StoredBytes& stored : known.stored) {
    SharedBytes bytes = stored.bytes.lock();
    if (bytes == nullptr || read.contains(bytes.get()) || known.held.contains(bytes.get()))
      continue;
    parked.emplace_back(std::move(bytes), stored);
  }
  return parked;
}

// All of them, whichever cannot be: who looks at the others must not end the process. Throws what
// the first one threw.
void RestoreAll(std::vector<Parked>& parked) {
  std::exception_ptr thrown;
  for (Parked& one : parked) {
    try {
      one.Restore();
    } catch (...) {
      if (thrown == nullptr) thrown = std::current_exception();
    }
  }
  if (thrown != nullptr) std::rethrow_exception(thrown);
}

}  // namespace

void NoteStoredBytes(const SharedBytes& bytes, std::shared_ptr<const InputFile> file,
                     int64_t offset) {
  if (static_cast<int64_t>(bytes->size()) < kLeastParked) return;
  Known& known = TheKnown();
  const std::lock_guard lock(known.mutex);
  known.stored.remove_if([](const StoredBytes& stored) { return stored.bytes.expired(); });
  const auto is_same = [&](const StoredBytes& stored) { return stored.bytes.lock() == bytes; };
  if (std::none_of(known.stored.begin(), known.stored.end(), is_same))
    known.stored.push_back({bytes, std::move(file), offset});
}

HeldBytes::HeldBytes(std::vector<SharedBytes> bytes) {
  std::erase_if(bytes, [](const SharedBytes& one) {
    return one == nullptr || static_cast<int64_t>(one->size()) < kLeastParked;
  });
  if (bytes.empty()) return;
  Known& known = TheKnown();
  const std::lock_guard lock(known.mutex);
  for (const SharedBytes& one : bytes) known.held.insert(one.get());
  const auto let_go = [](const std::vector<SharedBytes>* held) {
    {
      Known& those = TheKnown();
      const std::lock_guard guard(those.mutex);
      for (const SharedBytes& one : *held) those.held.erase(those.held.find(one.get()));
    }
    delete held;
  };
  hold_ = std::shared_ptr<const std::vector<SharedBytes>>(
      new std::vector<SharedBytes>(std::move(bytes)), let_go);
}

void WithOthersParked(const std::set<const std::string*>& read, const std::function<void()>& work) {
  std::vector<Parked> parked = ParkOthers(read);
  try {
    work();
  } catch (...) {
    RestoreAll(parked);
    throw;
  }
  RestoreAll(parked);
}

}  // namespace qconvert
