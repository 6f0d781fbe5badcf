#include "qconvert/config/export_config.h"

#include <fmt/format.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <string_view>

#include "text/setting_table.h"

namespace qconvert {
namespace {

using Kind = ConfigNode::Kind;

constexpr int kIndent = 2;

std::string Text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A number in JSON's grammar as it is; YAML's others (.5, 5., 007) as the number that they mean.
std::string Scalar(const ConfigNode& node) {
  const std::string& word = node.scalar;
  if (node.quoted) return Text(word);
  if (word == "true" || word == "false") return word;
  const bool may_be_number =
      !word.empty() && std::isalpha(static_cast<unsigned char>(word.back())) == 0;
  if (may_be_number && nlohmann::json::accept(word)) return word;
  const auto number = may_be_number ? FindNumber(word) : std::nullopt;
  return number ? fmt::format("{}", *number) : Text(word);
}

void Append(const ConfigNode& node, int indent, std::string& out) {
  const std::string lead(static_cast<size_t>(indent + kIndent), ' ');
  const std::string end = "\n" + std::string(static_cast<size_t>(indent), ' ');
  switch (node.kind) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kScalar:
      out += Scalar(node);
      return;
    case Kind::kSequence:
      out += '[';
      for (const ConfigNode& item : node.items) {
        // The first one, by its address, needs no comma in front.
        out += (&item == node.items.data() ? "\n" : ",\n") + lead;
        Append(item, indent + kIndent, out);
      }
      out += node.items.empty() ? "]" : end + "]";
      return;
    case Kind::kMap:
      out += '{';
      for (const ConfigEntry& entry : node.entries) {
        out +=
            (&entry == node.entries.data() ? "\n" : ",\n") + lead + Text(entry.key.scalar) + ": ";
        Append(entry.value, indent + kIndent, out);
      }
      out += node.entries.empty() ? "}" : end + "}";
  }
}

}  // namespace

std::string ConfigJson(const ConfigNode& tree) {
  std::string out;
  Append(tree, 0, out);
  return out + "\n";
}

std::string ExportConfig(const WrittenConfig& config, const std::filesystem::path& target) {
  const LoadedConfig& loaded = config.loaded;
  if (!config.translated.empty())
    throw ConfigError(
        {fmt::format("{}: has no key in the settings of {}, give it to the "
                     "conversion instead",
                     EscapeForTerminal(config.translated[0]), loaded.dialect)});
  const bool is_json = target.extension() == ".json";
  const std::string text = is_json ? ConfigJson(config.written) : PrintSettings(config.written);
  const LoadedConfig again = ParseConfigText(text, target, {});
  // What has no key was refused above: only what depends on the place of the file is left.
  if (again.config == loaded.config && again.text == loaded.text) return text;
  throw ConfigError(
      {fmt::format("{}: paths in the settings are relative to another folder, "
                   "expected a file beside them",
                   EscapeForTerminal(target.string()))});
}

}  // namespace qconvert
