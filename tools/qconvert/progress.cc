#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace qconvert {
namespace {

constexpr size_t kWidth = 30;
constexpr double kTerminalInterval = 0.1;
constexpr double kPlainInterval = 10;  // seconds between lines in a log

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)), terminal_(isatty(STDERR_FILENO) == 1) {}

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
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - drawn_).count();
  if (since < (terminal_ ? kTerminalInterval : kPlainInterval)) return;
  drawn_ = now;
  std::fputs(fmt::format("{}: {} {}{}", terminal_ ? "\rqconvert" : "qconvert", what_, done,
                         terminal_ ? "\033[K" : "\n")
                 .c_str(),
             stderr);
}

void Progress::Clear() const {
  if (terminal_) std::fputs("\r\033[K", stderr);
}

void Progress::DrawBar(size_t done, size_t total, double seconds) const {
  const size_t filled = done * kWidth / total;
  const double rate = seconds > 0 ? static_cast<double>(done - first_) / seconds : 0;
  std::string text = fmt::format("\r{} [{}{}] {}/{}  {:.1f}/s", what_, std::string(filled, '#'),
                                 std::string(kWidth - filled, ' '), done, total, rate);
  if (done < total && rate > 0)
    text += fmt::format("  {:.0f} s left ", static_cast<double>(total - done) / rate);
  if (done == total) text += "                \r\033[K";  // the table that follows says the rest
  std::fputs(text.c_str(), stderr);
}

}  // namespace qconvert
