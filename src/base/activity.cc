#include "qconvert/base/activity.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <mutex>
#include <new>

namespace qconvert {
namespace {

constexpr size_t kThreads = 256;  // those beyond it leave no notes
constexpr size_t kTextBytes = 256;

using Text = std::array<char, kTextBytes>;

struct Slot {
  std::atomic<bool> used;
  std::atomic<bool> inside;
  Text place;
  Text doing;
  Text sample;
  Text progress;
};

// Plain memory without pointers, shared with children.
struct Record {
  std::array<Slot, kThreads> slots;
  std::atomic<int> crashed;  // index of a slot plus one; 0: unknown
  Text killer;
};

// Atomic: the signal handler reads it, and must wait for nothing.
std::atomic<Record*> g_record{nullptr};
std::once_flag g_made;

// Of a process that searches; texts as slots hold them, cut where they are long.
struct SearchedCall {
  Text place{};
  Text doing{};
  Text sample{};
};
SearchedCall* g_searched = nullptr;

Record* TheRecord() {
  std::call_once(g_made, [] {
    void* memory =
        mmap(nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    g_record = new (memory) Record{};
  });
  return g_record;
}

thread_local Slot* t_slot = nullptr;

// Gives the slot back when the thread ends: pools of threads that come and go would use up all of
// them.
struct SlotOwner {
  SlotOwner() {
    for (Slot& slot : TheRecord()->slots) {
      if (slot.used.exchange(true)) continue;
      // What the thread that had it before left there.
      slot.sample[0] = slot.progress[0] = '\0';
      t_slot = &slot;
      return;
    }
  }
  ~SlotOwner() {
    if (t_slot != nullptr) t_slot->used = false;
    t_slot = nullptr;
  }
};

Slot* MySlot() {
  // Made when the thread first asks: the signal handler looks at t_slot alone and makes nothing.
  static thread_local const SlotOwner owner;
  return t_slot;
}

// The beginning and the end of what is too long.
void Put(std::string_view text, Text& out) {
  static constexpr std::string_view kGap = "...";
  // One less on either side: the final zero needs its byte.
  static constexpr size_t kHalf = (kTextBytes - kGap.size()) / 2 - 1;
  char* end = out.data();
  const auto append = [&](std::string_view part) {
    end = std::copy(part.begin(), part.end(), end);
  };
  if (text.size() < kTextBytes) {
    append(text);
  } else {
    append(text.substr(0, kHalf));
    append(kGap);
    append(text.substr(text.size() - kHalf));
  }
  *end = '\0';
}

extern "C" void OnCrash(int signal_number) {
  Record* record = g_record;
  if (record != nullptr && t_slot != nullptr)
    record->crashed = static_cast<int>(t_slot - record->slots.data()) + 1;
  std::raise(signal_number);  // kills once this handler, which is gone by now, returns
}

}  // namespace

EngineCall::EngineCall(std::string_view place, std::string_view doing) {
  Slot* slot = MySlot();
  if (slot == nullptr) return;
  Put(place, slot->place);
  Put(doing, slot->doing);
  // Last: whoever finds this set finds both texts complete.
  slot->inside = true;
}

EngineCall::~EngineCall() {
  Slot* slot = MySlot();
  if (slot == nullptr) return;
  slot->inside = false;
  slot->progress[0] = '\0';
}

void NoteSample(std::string_view name) {
  if (Slot* slot = MySlot()) Put(name, slot->sample);
}

void NoteProgress(std::string_view name) {
  if (Slot* slot = MySlot()) Put(name, slot->progress);
}

void ShareActivity() { TheRecord(); }

void RecordCrashes() {
  for (const int signal_number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    struct sigaction before {};
    sigaction(signal_number, nullptr, &before);
    // A sanitizer's handler tells more than this one.
    if (before.sa_handler != SIG_DFL) continue;
    struct sigaction action {};
    action.sa_handler = OnCrash;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(signal_number, &action, nullptr);
  }
}

LostCall FindLostCall() {
  const Record& record = *TheRecord();
  const Slot* lost = nullptr;
  for (const Slot& slot : record.slots)
    if (slot.used && slot.inside && lost == nullptr) lost = &slot;
  // The thread that took the signal, where one did; of a process that was killed any call it was
  // in.
  if (const int crashed = record.crashed; crashed > 0)
    lost = &record.slots[static_cast<size_t>(crashed) - 1];
  // A thread that crashed in our own code is in no call, whatever its slot holds from the one
  // before.
  if (lost == nullptr || !lost->inside) return {};
  return {lost->place.data(), lost->doing.data(), lost->progress.data(), lost->sample.data()};
}

std::string LostCall::Where() const {
  std::string where = doing;
  if (!progress.empty()) where += ", " + progress;
  if (!sample.empty()) where += ", sample " + sample;
  return where;
}

void SearchAgain(const LostCall& call) {
  static SearchedCall searched;
  Put(call.place, searched.place);
  Put(call.doing, searched.doing);
  Put(call.sample, searched.sample);
  g_searched = &searched;
}

bool IsSearching() { return g_searched != nullptr; }

bool IsSearchedCall() {
  if (g_searched == nullptr || TheRecord()->killer[0] != '\0') return false;
  const Slot* slot = MySlot();
  const auto is_same = [](const Text& a, const Text& b) {
    return std::string_view(a.data()) == b.data();
  };
  return slot != nullptr && slot->inside && is_same(slot->place, g_searched->place) &&
         is_same(slot->doing, g_searched->doing) && is_same(slot->sample, g_searched->sample);
}

void NoteKiller(std::string_view node) { Put(node, TheRecord()->killer); }

std::string FoundKiller() { return TheRecord()->killer.data(); }

}  // namespace qconvert
