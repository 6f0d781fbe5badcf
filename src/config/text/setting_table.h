// What settings there are, as tables: the readers check files against them, and the JSON Schemas
// and the key tables of docs/config.md are written from them.
#ifndef QCONVERT_CONFIG_TEXT_SETTING_TABLE_H_
#define QCONVERT_CONFIG_TEXT_SETTING_TABLE_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/config/config_node.h"

namespace qconvert {

struct SettingTable;

struct Setting {
  enum class Kind {
    kBool,  // or one of `words`
    kInteger,
    kNumber,
    kWord,          // one of `words`
    kText,          // any scalar that is not empty
    kWords,         // a list out of `words`
    kTexts,         // a list of texts
    kObject,        // a map with the keys of `object`
    kObjects,       // a list of such maps
    kNamed,         // a map from free names to such maps
    kObjectOrFile,  // such a map, or a file that holds it; looked at by the reader
    kAnything,      // looked at by the reader
  };
  std::string name;
  Kind kind = Kind::kText;
  std::string fallback;  // what holds when the key is absent, for people
  std::string example;
  std::string help;  // what it does in the exported file
  std::vector<std::string> words = {};
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;  // min itself is not allowed
  const SettingTable* object = nullptr;
  bool required = false;       // for editors; the reader says what is missing
  bool listed = true;          // has a row in the page of keys
  bool compiler_only = false;  // matters to the vendor's compiler alone: one info line
};

struct SettingTable {
  std::string title;  // "the Vitis language", "a parameter object"
  std::vector<Setting> settings;
  // A key that is not here, and near to none that is, makes a warning: the vendor's tool has more
  // of them in every version, and takes those it does not know.
  bool is_open = false;

  const Setting* Find(std::string_view name) const;
  std::vector<std::string> Names() const;
};

// What a reader says without refusing the file.
struct ConfigNotes {
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};

// Checks `map` against the table, in depth: unknown keys, wrong types, words and numbers out of
// range. Entries that fail are told to `problems` and become null, so that a reader can go on with
// the rest; a misspelt key takes the name of the one that it is near to. What was written as null
// is not given and goes, items of lists too; in lists of maps it stays, and readers pass it over.
// Keys in `map` keep their order.
void CheckSettings(ConfigNode& map, const SettingTable& table, ConfigProblems& problems,
                   ConfigNotes& notes);

// Throws unless `root` says that it is a file of this format and version, with the problems so far:
// in a file of another kind nothing else is worth a look. `what` it would be: "cost table".
void CheckFileForm(const ConfigNode& root, std::string_view what, std::string_view format,
                   int version, ConfigProblems& problems);

// "KEY is 'FOUND', expected A, B, did you mean 'A'?"
std::string NotOneOf(std::string_view key, const std::string& found,
                     const std::vector<std::string>& words);

// Scalars, after CheckSettings has let them pass.
bool AsBool(const ConfigNode& node);
int64_t AsInteger(const ConfigNode& node);
double AsNumber(const ConfigNode& node);

// Scalars that may not be what they should.
std::optional<int64_t> FindInteger(const ConfigNode& node);
std::optional<double> FindNumber(std::string_view text);  // finite

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_TEXT_SETTING_TABLE_H_
