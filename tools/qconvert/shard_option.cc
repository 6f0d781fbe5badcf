#include "shard_option.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

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
    // The numbers of an array may begin anywhere.
    shard.index = SlurmVariable("SLURM_ARRAY_TASK_ID") - SlurmVariable("SLURM_ARRAY_TASK_MIN");
    shard.count = SlurmVariable("SLURM_ARRAY_TASK_COUNT");
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
  if (shard.index >= shard.count || shard.count > kMaxShards) {
    throw Error(ExitCode::kUsage, "",
                fmt::format("--shard: shard {} of {}, expected one of 0 to N - 1", shard.index,
                            shard.count));
  }
  return shard;
}

}  // namespace qconvert
