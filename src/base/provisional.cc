#include "qconvert/base/provisional.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "qconvert/base/check.h"

namespace qconvert {

// Its path follows in memory.
struct ProvisionalEntry {
  std::atomic<bool> live;
  size_t capacity;  // of the path, with its final zero
  ProvisionalEntry* next;

  char* path() { return reinterpret_cast<char*>(this + 1); }
};

namespace {

constexpr size_t kListBytes = size_t{4} << 20;  // untouched pages cost nothing

// Plain memory, shared with children: all that a signal handler may touch, and all that is left of
// a process that died. Entries are used again, never freed.
struct List {
  std::atomic<ProvisionalEntry*> newest{nullptr};
  size_t used = sizeof(List);
};

std::atomic<List*> g_list{nullptr};
std::mutex g_mutex;  // of those who add

List& TheList() {
  if (List* list = g_list) return *list;
  void* memory =
      mmap(nullptr, kListBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  g_list = new (memory) List;
  return *g_list;
}

ProvisionalEntry& EntryFor(List& list, size_t size) {
  for (ProvisionalEntry* entry = list.newest; entry != nullptr; entry = entry->next) {
    if (!entry->live && entry->capacity >= size) return *entry;
  }
  constexpr size_t kAlign = alignof(std::max_align_t);
  const size_t capacity = (size + kAlign - 1) / kAlign * kAlign;
  const size_t start = (list.used + kAlign - 1) / kAlign * kAlign;
  QCONVERT_CHECK(start + sizeof(ProvisionalEntry) + capacity <= kListBytes);
  auto* entry =
      new (reinterpret_cast<char*>(&list) + start) ProvisionalEntry{false, capacity, list.newest};
  // The entry is complete before `newest` leads to it: a handler may walk the list at any moment.
  list.used = start + sizeof(ProvisionalEntry) + capacity;
  list.newest = entry;
  return *entry;
}

// True when the entry is gone now, and was there before.
bool Remove(ProvisionalEntry& entry) {
  // One of the two fails by the kind of what lies there. What is not there (any more) needs no
  // second try.
  const bool removed = unlink(entry.path()) == 0 || rmdir(entry.path()) == 0;
  if (removed || errno == ENOENT) entry.live = false;
  return removed;
}

}  // namespace

Provisional::Provisional(const std::filesystem::path& path) {
  // The process that removes it may be in another folder by then.
  const std::string name = std::filesystem::absolute(path).native();
  const std::lock_guard lock(g_mutex);
  entry_ = &EntryFor(TheList(), name.size() + 1);
  std::memcpy(entry_->path(), name.c_str(), name.size() + 1);
  entry_->live = true;  // last: a handler looks at live entries only
}

Provisional::~Provisional() {
  if (entry_ == nullptr || !entry_->live) return;
  Remove(*entry_);
  entry_->live = false;
}

Provisional::Provisional(Provisional&& other) noexcept
    : entry_(std::exchange(other.entry_, nullptr)) {}

Provisional& Provisional::operator=(Provisional&& other) noexcept {
  std::swap(entry_, other.entry_);
  return *this;
}

void Provisional::Keep() {
  if (entry_ != nullptr) entry_->live = false;
  entry_ = nullptr;
}

void ShareProvisionals() {
  const std::lock_guard lock(g_mutex);
  TheList();
}

void RemoveProvisionals() {
  List* list = g_list;
  // A folder goes once what lies in it is gone.
  for (bool any = list != nullptr; any;) {
    any = false;
    for (ProvisionalEntry* entry = list->newest; entry != nullptr; entry = entry->next)
      any |= entry->live && Remove(*entry);
  }
}

}  // namespace qconvert
