#include "progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "qconvert/base/terminal.h"

namespace qconvert {
namespace {

constexpr size_t kColumns = 40;  // that a line on a terminal may take
constexpr size_t kLongestBar = 30;
constexpr double kTerminalInterval = 0.1;
constexpr double kPlainInterval = 10;  // seconds between lines in a log

}  // namespace

Progress::Progress(std::string what) : what_(std::move(what)), terminal_(IsLiveTerminal()) {}

std::function<void(size_t, size_t)> Progress::Callback(bool quiet) {
  if (quiet) return {};
  return [this](size_t done, size_t total) { Update(done, total); };
}

void Progress::Update(size_t done, size_t total) {
  StartClock(done);
  const bool is_last = done == total;
  // On a terminal the last call has to come through: it clears the bar.
  if (!IsDue() && !(terminal_ && is_last)) return;
  if (terminal_) return DrawBar(done, total);
  Draw(fmt::format("{} {}/{}, {:.0f} s left", what_, done, total, SecondsLeft(done, total)));
}

void Progress::Count(size_t done) {
  if (IsDue()) Draw(fmt::format("{} {}", what_, done));
}

void Progress::CountOf(size_t done, size_t most) {
  StartClock(done);
  if (!IsDue()) return;
  const std::string text =
      fmt::format("{} {} of at most {}, {:.0f} s", what_, done, most, SecondsLeft(done, most));
  // The word goes first where a terminal is narrow.
  const std::string left = text + " left";
  Draw(terminal_ && left.size() > kColumns ? text : left);
}

// Loading and preparing came before: the rate counts from the first sample on.
void Progress::StartClock(size_t done) {
  const bool starts_again = done < last_;
  last_ = done;
  if (first_ != 0 && !starts_again) return;
  first_ = done;
  start_ = Clock::now();
}

double Progress::SecondsLeft(size_t done, size_t total) const {
  const double seconds = std::chrono::duration<double>(drawn_ - start_).count();
  return seconds / static_cast<double>(std::max<size_t>(done - first_, 1)) *
         static_cast<double>(total - done);
}

bool Progress::IsDue() {
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - drawn_).count();
  if (since < (terminal_ ? kTerminalInterval : kPlainInterval)) return false;
  drawn_ = now;
  return true;
}

void Progress::Draw(const std::string& text) const {
  std::fputs((terminal_ ? "\r" + text + "\033[K" : "qconvert: " + text + "\n").c_str(), stderr);
}

void Progress::Clear() const {
  if (terminal_) std::fputs("\r\033[K", stderr);
}

void Progress::DrawBar(size_t done, size_t total) const {
  if (done == total) return Clear();  // the table that follows says the rest
  std::string count = fmt::format(" {}/{}", done, total);
  if (done > first_) count += fmt::format(" {:.0f} s left", SecondsLeft(done, total));
  // The three are a blank and the brackets.
  const size_t taken = what_.size() + count.size() + 3;
  const size_t width = taken < kColumns ? std::min(kColumns - taken, kLongestBar) : 0;
  const size_t filled = done * width / total;
  const std::string bar = width == 0 ? ""
                                     : fmt::format(" [{}{}]", std::string(filled, '#'),
                                                   std::string(width - filled, ' '));
  std::fputs(fmt::format("\r{}{}{}\033[K", what_, bar, count).c_str(), stderr);
}

}  // namespace qconvert
