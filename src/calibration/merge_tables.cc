#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/calibration/table_file.h"

namespace qconvert {
namespace {

// Statistics and infinities: no order in them.
void AddStatistics(const CalibrationTable& other, CalibrationTable& table) {
  table.samples += other.samples;
  for (const auto& [name, statistics] : other.values) table.values[name].Merge(statistics);
  for (const auto& [name, sample] : other.infinite) {
    SampleAt& first = table.infinite.try_emplace(name, sample).first->second;
    if (sample.index < first.index) first = sample;
  }
}

using Questions = std::map<std::string, std::vector<std::string>>;

// What each value was asked.
Questions QuestionsOf(const CalibrationTable& table) {
  Questions out;
  for (const auto& [name, answers] : table.batches) {
    for (const auto& [key, ranges] : answers) out[name].push_back(key);
  }
  return out;
}

// Batch b of all is batch b / n of shard b % n.
void InterleaveBatches(const std::vector<const StoredTable*>& by_shard, CalibrationTable& table) {
  const size_t batches = BatchCount(table.samples, table.batch_size);
  for (auto& [name, answers] : table.batches) {
    for (auto& [key, ranges] : answers) {
      // They are the first shard's, of which `table` began as a copy.
      ranges.clear();
      for (size_t b = 0; b < batches; ++b) {
        const CalibrationTable& from = by_shard[b % by_shard.size()]->table;
        ranges.push_back(from.batches.at(name).at(key).at(b / by_shard.size()));
      }
    }
  }
}

}  // namespace

void AddTable(const CalibrationTable& other, CalibrationTable& table) {
  AddStatistics(other, table);
  table.batch_size = other.batch_size;
  for (const auto& [name, answers] : other.batches) {
    for (const auto& [key, ranges] : answers) {
      std::vector<Range>& all = table.batches[name][key];
      all.insert(all.end(), ranges.begin(), ranges.end());
    }
  }
}

StoredTable MergeTables(const std::vector<StoredTable>& shards,
                        const std::vector<std::string>& places) {
  std::vector<const StoredTable*> by_shard(shards.at(0).shard.count, nullptr);
  StoredTable out = shards[0];
  out.shard = {};
  // Ranges of batches go together only where all tables answer the same.
  const Questions questions = QuestionsOf(out.table);
  size_t samples = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const StoredTable& one = shards[i];
    const auto refuse = [&](const std::string& message) {
      throw Error(ExitCode::kData, places[i], message);
    };
    if (one.model_sha256 != out.model_sha256 || one.graph_sha256 != out.graph_sha256)
      refuse(fmt::format("is of another model than {}", places[0]));
    if (one.data_sha256 != out.data_sha256 || one.sizes != out.sizes)
      refuse(fmt::format("is of other data than {}", places[0]));
    if (one.engine != out.engine)
      refuse(fmt::format("was made with {}, {} with {}", one.engine, places[0], out.engine));
    if (!one.is_complete) refuse("is a checkpoint of a run that did not end");
    if (one.table.batch_size != out.table.batch_size || QuestionsOf(one.table) != questions)
      refuse(fmt::format("has other ranges of batches than {}", places[0]));
    if (one.shard.count != by_shard.size())
      refuse(fmt::format("is one of {} shards, {} is one of {}", one.shard.count, places[0],
                         by_shard.size()));
    const StoredTable*& place = by_shard[one.shard.index];
    if (place != nullptr)
      refuse(fmt::format("is shard {}, and so is {}", one.shard.index,
                         places[static_cast<size_t>(place - shards.data())]));
    place = &one;
    samples += one.table.samples;
    if (i > 0) AddStatistics(one.table, out.table);
  }
  // Only here the samples of all are known, and with them the part of each.
  for (size_t i = 0; i < by_shard.size(); ++i) {
    const auto refuse = [&](const char* what) {
      throw Error(ExitCode::kData, places[0],
                  fmt::format("is one of {} shards, shard {} {}", by_shard.size(), i, what));
    };
    if (by_shard[i] == nullptr) refuse("is missing");
    // Without this a shard could lack the answers that are taken from it below.
    if (by_shard[i]->table.samples !=
        ShardSamples(samples, out.table.batch_size, by_shard[i]->shard)) {
      refuse("has another number of samples than its part");
    }
  }
  InterleaveBatches(by_shard, out.table);
  return out;
}

}  // namespace qconvert
