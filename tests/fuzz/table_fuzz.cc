// Any text is either refused as a calibration table, or reads back the same after it was written,
// and merges or is refused.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "qconvert/base/error.h"
#include "qconvert/calibration/diagnose.h"
#include "qconvert/calibration/table_file.h"

namespace {

using qconvert::StoredTable;

void CheckRoundTrip(const StoredTable& stored) {
  const std::string written = qconvert::FormatTable(stored);
  try {
    const StoredTable again = qconvert::ParseTable(written, "written.json");
    if (again.table == stored.table && qconvert::FormatTable(again) == written) return;
    std::fprintf(stderr, "reads back otherwise:\n%s\n", written.c_str());
  } catch (const qconvert::Error& e) {
    std::fprintf(stderr, "%s:\n%s\n", e.what(), written.c_str());
  }
  std::abort();
}

void UseAsShard(const StoredTable& stored) {
  std::vector<std::string> values;
  for (const auto& [name, statistics] : stored.table.values) values.push_back(name);
  qconvert::Diagnose(stored.table, values);
  StoredTable other = stored;
  if (other.shard.count == 2) other.shard.index = 1 - other.shard.index;
  try {
    qconvert::MergeTables({stored, other}, {"a.json", "b.json"});
  } catch (const qconvert::Error&) {
  }
  qconvert::MergeTables({stored}, {"a.json"});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const StoredTable stored = qconvert::ParseTable(text, "fuzz.json");
    CheckRoundTrip(stored);
    UseAsShard(stored);
  } catch (const qconvert::Error&) {
  }
  return 0;
}
