// A language of config files: one folder with its tables and its reader, and one row in Dialects().
#ifndef QCONVERT_CONFIG_DIALECT_H_
#define QCONVERT_CONFIG_DIALECT_H_

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/config/config_node.h"
#include "qconvert/config/quant_config.h"
#include "setting_rules.h"
#include "text/setting_table.h"

namespace qconvert {

// Where problems and notes of one file go, and what relative paths in it are relative to.
struct ReadContext {
  ConfigProblems problems;
  ConfigNotes notes;
  std::filesystem::path folder;
  std::string text;                                           // of every file read
  std::map<std::string, std::filesystem::path> folders = {};  // of layers, by their names
  bool translated = false;  // what is read now: nobody wrote its keys

  // What a path written at `place` is relative to.
  std::filesystem::path FolderOf(const ConfigPlace& place) const {
    const auto own = place.source == nullptr ? folders.end() : folders.find(*place.source);
    return own == folders.end() ? folder : own->second;
  }

  void Warn(const ConfigPlace& place, const std::string& message) {
    notes.warnings.push_back(place.Text() + ": " + message);
  }
  void Inform(const ConfigPlace& place, const std::string& message) {
    notes.infos.push_back(place.Text() + ": " + message);
  }
};

struct ReadResult {
  QuantConfig config;
  ConfigNode effective;
};

// A file is read so: the dialect whose table knows most of its keys is taken, --set is put in where
// `override_path` says, the tree is normalized, checked against the table, and then read, or
// translated and read as a file of `Dialects()[0]`.
struct Dialect {
  std::string_view name;                     // "Vitis"
  const SettingTable& (*table)();            // the keys at top level, and through them all others
  std::span<const SettingRules> (*rules)();  // what of them does not go together
  // Puts right what the table would refuse and the vendor's tool takes. Null: nothing.
  void (*normalize)(ConfigNode& root, ReadContext& context) = nullptr;
  // Keys from the root to "activation.method" of a --set; empty: none here, but after translation.
  std::vector<std::string> (*override_path)(const std::string& key) = nullptr;
  // Puts in that the nodes of a pattern stay float (float_nodes.h); false: it cannot be said.
  bool (*keep_float)(ConfigNode& root, const std::string& pattern) = nullptr;
  // One of the two. Each goes on after a problem.
  ReadResult (*read)(const ConfigNode& root, ReadContext& context) = nullptr;
  ConfigNode (*translate)(const ConfigNode& root, ReadContext& context) = nullptr;
};

// All dialects; the first one is taken for a file without a known key.
std::span<const Dialect> Dialects();

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_DIALECT_H_
