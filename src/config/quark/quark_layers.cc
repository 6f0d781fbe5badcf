// specific_layer_config, layer_type_config and exclude: some nodes, by name, expression, type or
// subgraph.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "op_names.h"
#include "qconvert/base/suggest.h"
#include "qconvert/config/name_pattern.h"
#include "quark/quark.h"
#include "text/node_edit.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

struct Role {
  const char* quark;
  const char* vitis;
};
constexpr Role kRoles[] = {{"activation", "input"},
                           {"input_tensors", "input"},
                           {"weight", "weights"},
                           {"bias", "bias"},
                           {"output_tensors", "activation"}};

ConfigNode List(const ConfigPlace& place) {
  ConfigNode node;
  node.kind = Kind::kSequence;
  node.place = place;
  return node;
}

class LayerTranslator {
 public:
  LayerTranslator(ReadContext& context, ConfigNode& layers) : context_(context), layers_(layers) {}

  void AddSpecific(const ConfigNode& list) {
    if (!IsList(list, "specific_layer_config")) return;
    // Copies: the check changes what it looks at.
    for (ConfigNode item : list.items) {
      if (item.kind == Kind::kNull) continue;
      if (item.kind == Kind::kMap) {
        CheckSettings(item, QuarkEntryTable(), context_.problems, context_.notes);
        const ConfigNode* names = FindValue(item, "target_node_names");
        const ConfigNode* layer = FindValue(item, "layer_config");
        // What was refused is told already, and null.
        if (item.Find("target_node_names") == nullptr || item.Find("layer_config") == nullptr)
          Refuse(item, "expected target_node_names and layer_config");
        if (names == nullptr || layer == nullptr) continue;
        const ConfigNode settings = SettingsOf(*layer);
        for (const ConfigNode& name : names->items) Add(NameEntry(name), &settings);
      } else if (IsPair(item, "specific_layer_config", "[LAYER, [NAMES]]")) {
        ConfigNode layer = item.items[0];
        if (layer.kind == Kind::kNull) {
          Refuse(item, "a null layer is for layer_type_config alone, expected a map");
        } else if (CheckLayer(layer)) {
          const ConfigNode settings = SettingsOf(layer);
          for (const ConfigNode& name : item.items[1].items) AddNodes(name, &settings);
        }
      }
    }
  }

  void AddTypes(const ConfigNode& list) {
    if (!IsList(list, "layer_type_config")) return;
    for (const ConfigNode& item : list.items) {
      if (item.kind == Kind::kNull || !IsPair(item, "layer_type_config", "[LAYER, [TYPES]]"))
        continue;
      ConfigNode layer = item.items[0];
      const bool keeps_float = layer.kind == Kind::kNull;
      if (!keeps_float && !CheckLayer(layer)) continue;
      const ConfigNode settings = keeps_float ? ConfigNode() : SettingsOf(layer);
      for (const ConfigNode& type : item.items[1].items) {
        if (type.kind == Kind::kNull || !CheckText(type)) continue;
        if (FindOpTypes(type.scalar).empty()) {
          const std::string hint = DidYouMean(type.scalar, KnownOpNames());
          // A type near no known one may be of the model's own domain.
          if (!hint.empty()) {
            Refuse(type, fmt::format("unknown op type '{}'{}", type.scalar, hint));
            continue;
          }
        }
        Add(Entry("layer_type", type), keeps_float ? nullptr : &settings);
      }
    }
  }

  void AddExcluded(const ConfigNode& exclude) {
    if (exclude.kind != Kind::kMap) {
      if (!IsList(exclude, "exclude")) return;
      for (const ConfigNode& item : exclude.items) AddNodes(item, nullptr);
      return;
    }
    ConfigNode map = exclude;
    CheckSettings(map, QuarkExcludeTable(), context_.problems, context_.notes);
    for (const char* key : {"node_names", "subgraphs"}) {
      const ConfigNode* list = FindValue(map, key);
      if (list == nullptr || !IsList(*list, key)) continue;
      for (const ConfigNode& item : list->items) AddNodes(item, nullptr);
    }
  }

 private:
  void Refuse(const ConfigNode& at, const std::string& message) {
    context_.problems.Add(at.place, message);
  }

  bool IsList(const ConfigNode& node, const char* key) {
    if (node.kind == Kind::kSequence) return true;
    Refuse(node, fmt::format("{} is '{}', expected a list", key, node.Shown()));
    return false;
  }

  bool IsPair(const ConfigNode& item, const char* key, const char* form) {
    if (item.items.size() == 2 && item.items[1].kind == Kind::kSequence) return true;
    Refuse(item, fmt::format("{} has '{}', expected {}", key, item.Shown(), form));
    return false;
  }

  bool CheckText(const ConfigNode& node) {
    if (node.kind == Kind::kScalar && !node.scalar.empty()) return true;
    Refuse(node, fmt::format("is '{}', expected a name", node.Shown()));
    return false;
  }

  bool CheckLayer(ConfigNode& layer) {
    if (layer.kind != Kind::kMap) {
      Refuse(layer, fmt::format("is '{}', expected a layer: a map", layer.Shown()));
      return false;
    }
    CheckSettings(layer, QuarkLayerTable(), context_.problems, context_.notes);
    return true;
  }

  static ConfigNode Entry(const char* key, const ConfigNode& value) {
    ConfigNode entry = MapNode(value.place);
    ChildOf(entry, key) = value;
    return entry;
  }

  // A name, or ^ and an expression of Python's re.search. The vendor's tool says nothing where it
  // fits no node.
  ConfigNode NameEntry(const ConfigNode& name) {
    ConfigNode pattern = name;
    pattern.quoted = true;
    if (name.scalar.starts_with('^')) {
      if (name.scalar.find(".*") == std::string::npos) {
        context_.Warn(
            name.place,
            fmt::format("'{}' has no .* in it: the vendor's tool would ignore it, it holds here",
                        name.scalar));
      }
      pattern.scalar = "search:" + name.scalar;
    } else {
      pattern.scalar = PatternOfName(name.scalar);
    }
    return Optional(Entry("layer_name", pattern));
  }

  // A name, an expression, or [[first nodes], [last nodes]]; without settings it stays float.
  void AddNodes(const ConfigNode& nodes, const ConfigNode* settings) {
    if (nodes.kind == Kind::kNull) return;
    if (nodes.kind == Kind::kSequence && !CheckSubgraph(nodes)) return;
    if (nodes.kind != Kind::kSequence && !CheckText(nodes)) return;
    Add(nodes.kind == Kind::kSequence ? SubgraphEntry(nodes) : NameEntry(nodes), settings);
  }

  bool CheckSubgraph(const ConfigNode& nodes) {
    bool fits = nodes.items.size() == 2;
    for (const ConfigNode& ends : nodes.items) {
      fits = fits && ends.kind == Kind::kSequence && !ends.items.empty();
      for (const ConfigNode& name : ends.items) fits = fits && name.kind == Kind::kScalar;
    }
    if (!fits) Refuse(nodes, "expected a subgraph: [[FIRST NODES], [LAST NODES]]");
    return fits;
  }

  static ConfigNode Optional(ConfigNode entry) {
    ChildOf(entry, "optional") = WordNode("true", entry.place);
    return entry;
  }

  static ConfigNode SubgraphEntry(const ConfigNode& nodes) {
    ConfigNode graph = MapNode(nodes.place);
    ChildOf(graph, "inputs") = nodes.items[0];
    ChildOf(graph, "outputs") = nodes.items[1];
    return Optional(Entry("layer_subgraph", graph));
  }

  // An entry with these settings, none where they were refused; without settings it stays float.
  void Add(ConfigNode entry, const ConfigNode* settings) {
    if (settings == nullptr) {
      ConfigNode& overall = ChildOf(entry, "overall_quantize_config");
      overall = MapNode(entry.place);
      ChildOf(overall, "datatype") = WordNode("float32", entry.place);
    } else if (settings->entries.empty()) {
      return;
    } else {
      entry.entries.insert(entry.entries.end(), settings->entries.begin(), settings->entries.end());
    }
    layers_.items.push_back(std::move(entry));
  }

  // Of each tensor only data_type and symmetric count; what is not named is the root's. Once for
  // all nodes of a layer: what is refused is told once.
  ConfigNode SettingsOf(const ConfigNode& layer) {
    ConfigNode types = List(layer.place);
    ConfigNode tensors = MapNode(layer.place);
    for (const auto& [quark, vitis] : kRoles) {
      const ConfigNode* object = FindValue(layer, quark);
      if (object == nullptr) continue;
      // Two of the words mean `input`: the second one is refused.
      if (tensors.Find(vitis) != nullptr)
        Refuse(*object, "activation is the older name of input_tensors, expected one of them");
      NoteIdle(*object);
      ConfigNode parameters = MapNode(object->place);
      SetQuarkType(ReadQuarkTensor(*object, context_), context_, parameters);
      if (tensors.Find(vitis) == nullptr) types.items.push_back(WordNode(vitis, object->place));
      ChildOf(tensors, vitis) = std::move(parameters);
    }
    ConfigNode settings = MapNode(layer.place);
    if (types.items.empty()) {
      // What was refused is told already, and null.
      const bool is_told = std::any_of(std::begin(kRoles), std::end(kRoles), [&](const Role& one) {
        return layer.Find(one.quark) != nullptr;
      });
      if (!is_told) Refuse(layer, "the layer has no tensor, expected input_tensors or weight");
      return settings;
    }
    ChildOf(settings, "quantizable_data_type") = std::move(types);
    ChildOf(settings, "tensor_quantize_config") = std::move(tensors);
    return settings;
  }

  void NoteIdle(const ConfigNode& object) {
    for (const char* key : {"scale_type", "calibration_method", "quant_granularity"}) {
      const ConfigNode* value = FindValue(object, key);
      if (value == nullptr || std::exchange(told_, true)) continue;
      context_.Inform(
          value->place,
          fmt::format("of an entry only data_type and symmetric count, {} is that of global_config",
                      key));
    }
  }

  ReadContext& context_;
  ConfigNode& layers_;
  bool told_ = false;  // that some keys are idle
};

}  // namespace

bool KeepFloatInQuark(ConfigNode& root, const std::string& pattern) {
  if (WrittenPattern(pattern) != pattern) return false;
  // An expression where the tool would take the pattern for a name, or the name for one.
  const bool is_name = PatternOfName(pattern) == pattern && !pattern.starts_with('^');
  ConfigNode& exclude = ChildOf(root, "exclude");
  ConfigNode& list =
      exclude.kind == Kind::kMap ? ListOf(exclude, "node_names") : ListOf(root, "exclude");
  ConfigNode& entry = list.items.emplace_back(
      WordNode(is_name ? pattern : fmt::format("^(?:{})$", ExpressionOf(pattern))));
  entry.quoted = true;
  return true;
}

void AddQuarkLayers(const ConfigNode& root, ReadContext& context, ConfigNode& layers) {
  LayerTranslator translator(context, layers);
  if (const ConfigNode* list = FindValue(root, "layer_type_config")) translator.AddTypes(*list);
  if (const ConfigNode* list = FindValue(root, "specific_layer_config"))
    translator.AddSpecific(*list);
  if (const ConfigNode* nodes = FindValue(root, "exclude")) translator.AddExcluded(*nodes);
}

}  // namespace qconvert
