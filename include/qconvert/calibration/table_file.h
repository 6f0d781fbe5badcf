// A calibration table as a file: what was seen, of which model, on which data. JSON, one value per
// line; numbers read back to the same bits. Equal content gives equal bytes.
#ifndef QCONVERT_CALIBRATION_TABLE_FILE_H_
#define QCONVERT_CALIBRATION_TABLE_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "qconvert/calibration/calibration_table.h"
#include "qconvert/calibration/shard.h"

namespace qconvert {

struct StoredTable {
  std::string model_sha256;
  std::string data_sha256;  // of the whole data set, also in a shard's table
  Shard shard;
  // Elements of every float value when one sample runs.
  std::map<std::string, int64_t> sizes;
  CalibrationTable table;   // with histograms
  bool is_complete = true;  // false: a checkpoint, of the first table.samples of the shard
  // Who made it, "qconvert 0.1.0" and "onnxruntime 1.28.0"; another engine fuses otherwise and
  // gives other bits. Empty in older tables.
  std::string tool;
  std::string engine;
  std::string graph_sha256;  // of the prepared graph; empty in older tables
};

inline constexpr int64_t kMaxTableBytes = int64_t{1} << 30;

std::string FormatTable(const StoredTable& stored);

// Throws Error(kData) naming `place`, and the value, for anything that FormatTable does not write:
// another format or version, counts that do not add up, ranges that are no ranges.
StoredTable ParseTable(const std::string& text, const std::string& place);

// Adds what `other` saw: the batches that follow those of `table`, of the same shard.
void AddTable(const CalibrationTable& other, CalibrationTable& table);

// The table of the whole data set from those of all its shards, in any order: the very table that
// one run over everything gives. `places` name the tables in errors. Throws Error(kData) when the
// tables are of different models, data or engines, or a shard is missing or given twice.
StoredTable MergeTables(const std::vector<StoredTable>& shards,
                        const std::vector<std::string>& places);

}  // namespace qconvert

#endif  // QCONVERT_CALIBRATION_TABLE_FILE_H_
