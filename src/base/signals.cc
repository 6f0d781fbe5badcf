#include "qconvert/base/signals.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "qconvert/base/provisional.h"

namespace qconvert {
namespace {

// A signal acts at once; is noted; or one is ending the process.
enum State { kOpen, kHeld, kEnding };

std::atomic<int> g_state{kOpen};
std::atomic<int> g_noted{0};

extern "C" void OnTerminatingSignal(int signal_number) {
  int state = kOpen;
  if (!g_state.compare_exchange_strong(state, kEnding)) {
    // Held, or another thread is ending the process.
    g_noted = signal_number;
    return;
  }
  RemoveProvisionals();
  // Not exit: destructors and handlers at exit may wait for what this thread holds.
  _exit(128 + signal_number);
}

}  // namespace

void HandleSignals() {
  struct sigaction action {};
  action.sa_handler = OnTerminatingSignal;
  // A second signal must not break into the removing.
  sigfillset(&action.sa_mask);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal_number, &action, &before);
    if (signal_number == SIGHUP && before.sa_handler == SIG_IGN)
      sigaction(signal_number, &before, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void HoldSignals() {
  int state = kOpen;
  if (g_state.compare_exchange_strong(state, kHeld)) return;
  while (g_state == kEnding) pause();  // a handler on another thread ends the process
}

void ReleaseSignals() {
  int state = kHeld;
  if (!g_state.compare_exchange_strong(state, kOpen)) return;
  const int noted = g_noted.exchange(0);
  if (noted != 0) std::raise(noted);
}

}  // namespace qconvert
