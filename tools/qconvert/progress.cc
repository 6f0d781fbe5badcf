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
  const auto now = Clock::now();
  if (first_ == 0) {  // loading and preparing came before: the rate counts from the first sample on
    first_ = done;
    start_ = now;
  }
  const double since = std::chrono::duration<double>(now - drawn_).count();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const bool last = done == total;
  if (terminal_) {
    if (since < kTerminalInterval && !last) return;
    drawn_ = now;
    return DrawBar(done, total, seconds);
  }
  if (since < kPlainInterval) return;
  drawn_ = now;
  std::fputs(fmt::format("qconvert: {} {}/{}, {:.0f} s left\n", what_, done, total,
                         seconds / static_cast<double>(std::max<size_t>(done - first_, 1)) *
                             static_cast<double>(total - done))
                 .c_str(),
             stderr);
}

void Progress::Count(size_t done) {
  if (IsDue()) Draw(fmt::format("{} {}", what_, done));
}

void Progress::CountOf(size_t done, size_t most) {
  if (first_ == 0) {  // the rate counts from the first on
    first_ = done;
    start_ = Clock::now();
  }
  if (!IsDue()) return;
  const double seconds = std::chrono::duration<double>(drawn_ - start_).count();
  const double each = seconds / static_cast<double>(std::max<size_t>(done - first_, 1));
  const std::string text = fmt::format("{} {} of at most {}, {:.0f} s", what_, done, most,
                                       each * static_cast<double>(most - done));
  const std::string left = text + " left";
  Draw(terminal_ && left.size() > kColumns ? text : left);
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

void Progress::DrawBar(size_t done, size_t total, double seconds) const {
  if (done == total) return Clear();  // the table that follows says the rest
  std::string count = fmt::format(" {}/{}", done, total);
  const double rate = seconds > 0 ? static_cast<double>(done - first_) / seconds : 0;
  if (rate > 0) count += fmt::format(" {:.0f} s left", static_cast<double>(total - done) / rate);
  const size_t taken = what_.size() + count.size() + 3;
  const size_t width = taken < kColumns ? std::min(kColumns - taken, kLongestBar) : 0;
  const size_t filled = done * width / total;
  const std::string bar = width == 0 ? ""
                                     : fmt::format(" [{}{}]", std::string(filled, '#'),
                                                   std::string(width - filled, ' '));
  std::fputs(fmt::format("\r{}{}{}\033[K", what_, bar, count).c_str(), stderr);
}

}  // namespace qconvert
