#include "shard_option.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

std::optional<size_t> ParseCount(std::string_view text) {
  size_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // The whole text: 4x is no number.
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

size_t SlurmVariable(const char* name) {
  const char* text = std::getenv(name);
  const std::optional<size_t> value = text == nullptr ? std::nullopt : ParseCount(text);
  if (!value) {
    throw Error(ExitCode::kUsage, "",
                fmt::format("--shard slurm: {} is {}, expected a number", name,
                            text == nullptr ? "not set" : fmt::format("'{}'", text)));
  }
  return *value;
}

// Where an older Slurm or another launcher does not set it.
size_t SlurmVariable(const char* name, size_t otherwise) {
  return std::getenv(name) == nullptr ? otherwise : SlurmVariable(name);
}

// The numbers of an array may begin anywhere and have a step: of 10-20:5, 15 is shard 1 of 3.
Shard SlurmShard() {
  const size_t id = SlurmVariable("SLURM_ARRAY_TASK_ID");
  const size_t first = SlurmVariable("SLURM_ARRAY_TASK_MIN");
  const size_t count = SlurmVariable("SLURM_ARRAY_TASK_COUNT");
  const size_t step = std::max<size_t>(SlurmVariable("SLURM_ARRAY_TASK_STEP", 1), 1);
  const size_t last = SlurmVariable("SLURM_ARRAY_TASK_MAX", first + (count - 1) * step);
  // A list like 1,5,9 leaves open which one of them a task is.
  const bool is_even = last >= first && (last - first) / step + 1 == count;
  if (!is_even || id < first || id > last || (id - first) % step != 0) {
    throw Error(ExitCode::kUsage, "",
                fmt::format("--shard slurm: task {} of an array of {} from {} to {}, expected "
                            "numbers in equal steps, like --array=0-{}",
                            id, count, first, last, count - 1));
  }
  return {(id - first) / step, count};
}

}  // namespace

void AddShardOption(CLI::App& app, std::string& shard, const std::string& of) {
  app.add_option(
         "--shard", shard,
         "shard I of N, I from 0 to N - 1: every N-th " + of + "; slurm: the task of a job array")
      ->type_name("I/N");
}

Shard ParseShard(const std::string& text) {
  Shard shard;
  if (text.empty()) return shard;
  if (text == "slurm") {
    shard = SlurmShard();
  } else {
    const size_t slash = text.find('/');
    const auto index = ParseCount(std::string_view(text).substr(0, slash));
    const auto count = slash == std::string::npos
                           ? std::nullopt
                           : ParseCount(std::string_view(text).substr(slash + 1));
    if (!index || !count)
      throw Error(ExitCode::kUsage, "",
                  fmt::format("--shard is '{}', expected I/N, for example 0/4", text));
    shard = {*index, *count};
  }
  if (shard.count > kMaxShards) {
    throw Error(ExitCode::kUsage, "",
                fmt::format("--shard: {} shards, expected at most {}", shard.count, kMaxShards));
  }
  if (shard.index >= shard.count) {
    throw Error(ExitCode::kUsage, "",
                fmt::format("--shard: shard {} of {}, expected one of 0 to N - 1", shard.index,
                            shard.count));
  }
  return shard;
}

}  // namespace qconvert
