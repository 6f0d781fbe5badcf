// Entries of nodes and op types, which Horizon files have in five places; of two for one node the
// later one holds.
#ifndef QCONVERT_CONFIG_HORIZON_ENTRY_LIST_H_
#define QCONVERT_CONFIG_HORIZON_ENTRY_LIST_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dialect.h"

namespace qconvert {

class EntryList {
 public:
  EntryList(ReadContext& context, QuantConfig& config) : context_(context), config_(config) {}

  // A new entry, from the settings of the model; `key` is where it stands: "node_config". The
  // reference holds until the next one.
  LayerSettings& AddNode(const std::string& name, const char* key, const ConfigNode& at);
  // Names of types as ONNX spells them; one that is near to a known one is a problem.
  LayerSettings& AddType(const std::string& written, const char* key, const ConfigNode& at);
  LayerSettings& AddSubgraph(const std::string& name, const ConfigNode& at);

  // The entry that holds for a node, or of a type; null: there is none.
  LayerSettings* FindNode(const std::string& name) { return Find({false, name}); }
  LayerSettings* FindType(const std::string& type) { return Find({true, type}); }

  // Entries that say something else than a later one for the same nodes: a problem within one key,
  // else a warning.
  void TellOverridden() const;

 private:
  using Subject = std::pair<bool, std::string>;  // whether it is a type; its name
  struct Entry {
    Subject subject;
    const char* key;
    ConfigPlace place;
    size_t layer;  // in config_.layers
  };

  LayerSettings& Add(LayerMatch match, const char* key, const ConfigNode& at);
  LayerSettings* Find(const Subject& subject);

  ReadContext& context_;
  QuantConfig& config_;
  std::vector<Entry> entries_;
  std::map<Subject, size_t> last_;  // in entries_
};

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_HORIZON_ENTRY_LIST_H_
