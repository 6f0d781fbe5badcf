#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "qconvert/config/export_config.h"
#include "qconvert/config/read_config.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

constexpr int kIndent = 2;

// A scalar that reads back as the same text: a word or number as it is, all else quoted.
std::string Quoted(const ConfigNode& node) {
  if (node.kind == Kind::kNull) return "null";
  YAML::Emitter emitter;
  // The emitter quotes what would be no word; what was quoted stays a text, "8" say.
  if (node.quoted) emitter << YAML::DoubleQuoted;
  emitter << node.scalar;
  return emitter.c_str();
}

// In one line, whatever it holds.
std::string Flow(const ConfigNode& node) {
  const bool is_map = node.kind == Kind::kMap;
  if (!is_map && node.kind != Kind::kSequence) return Quoted(node);
  std::vector<std::string> parts;
  for (const ConfigNode& item : node.items) parts.push_back(Flow(item));
  for (const ConfigEntry& entry : node.entries)
    parts.push_back(Quoted(entry.key) + ": " + Flow(entry.value));
  return fmt::format("{}{}{}", is_map ? "{" : "[", fmt::join(parts, ", "), is_map ? "}" : "]");
}

bool IsFlat(const ConfigNode& node) {
  if (node.kind == Kind::kMap) return false;
  for (const ConfigNode& item : node.items) {
    if (item.kind == Kind::kMap || item.kind == Kind::kSequence) return false;
  }
  return true;
}

class Printer {
 public:
  explicit Printer(bool with_places) : with_places_(with_places) {}
  std::string Take() { return std::move(out_); }

  // Entries of a map, each on its own line; `first` is put before the first one instead of the
  // indent.
  void PrintMap(const ConfigNode& map, int indent, std::string first) {
    for (const auto& [key, value] : map.entries) {
      const std::string lead =
          first.empty() ? std::string(static_cast<size_t>(indent), ' ') : first;
      first.clear();
      PrintValue(lead + Quoted(key) + ":", value, indent);
    }
  }

 private:
  void PrintValue(const std::string& lead, const ConfigNode& value, int indent) {
    // With nothing behind the colon it would be read as null.
    if (value.kind == Kind::kMap && value.entries.empty()) return Line(lead + " {}", value);
    if (value.kind == Kind::kMap) {
      out_ += lead + "\n";
      return PrintMap(value, indent + kIndent, "");
    }
    if (IsFlat(value)) return Line(lead + " " + Flow(value), value);
    out_ += lead + "\n";
    const std::string dash = std::string(static_cast<size_t>(indent + kIndent), ' ') + "- ";
    for (const ConfigNode& item : value.items) {
      if (item.kind == Kind::kMap && !item.entries.empty()) {
        PrintMap(item, indent + 2 * kIndent, dash);
      } else {
        Line(dash + Flow(item), item);
      }
    }
  }

  void Line(const std::string& text, const ConfigNode& value) {
    out_ += with_places_ ? fmt::format("{}  # {}\n", text, Origin(value.place)) : text + "\n";
  }

  static std::string Origin(const ConfigPlace& place) {
    if (place.line == 0) return place.Text();
    return fmt::format("{}:{}", EscapeForTerminal(*place.source), place.line);
  }

  const bool with_places_;
  std::string out_;
};

// No output names folders. A place without a line is no file, but an option.
void DropFolders(ConfigNode& node) {
  if (node.place.source != nullptr && node.place.line > 0) {
    const std::filesystem::path file = *node.place.source;
    node.place.source = std::make_shared<const std::string>(file.filename().string());
  }
  for (ConfigNode& item : node.items) DropFolders(item);
  for (ConfigEntry& entry : node.entries) {
    DropFolders(entry.key);
    DropFolders(entry.value);
  }
}

}  // namespace

std::string PrintConfig(const ConfigNode& effective) {
  Printer printer(true);
  printer.PrintMap(effective, 0, "");
  return printer.Take();
}

std::string PrintConfigWithoutFolders(ConfigNode effective) {
  DropFolders(effective);
  return PrintConfig(effective);
}

std::string PrintSettings(const ConfigNode& tree) {
  Printer printer(false);
  printer.PrintMap(tree, 0, "");
  return printer.Take();
}

}  // namespace qconvert
