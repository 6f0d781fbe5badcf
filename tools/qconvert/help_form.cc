#include "help_form.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <iterator>
#include <sstream>

namespace qconvert {
namespace {

HelpCapture* g_capture = nullptr;

// "NAME:{auto,static}" -> "NAME" and its choices.
void SplitType(const std::string& type, OptionHelp& option) {
  const size_t open = type.find('{');
  option.value = type.substr(0, type.find_first_of(":{"));
  const size_t close = type.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return;
  std::istringstream list(type.substr(open + 1, close - open - 1));
  for (std::string choice; std::getline(list, choice, ',');) option.choices.push_back(choice);
}

OptionHelp DescribeOption(const CLI::Option& option) {
  OptionHelp help;
  help.text = option.get_description();
  help.is_positional = option.nonpositional() == false;
  for (const std::string& name : option.get_snames()) help.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) help.names.push_back("--" + name);
  if (help.is_positional) help.names = {option.get_single_name()};
  if (!help.is_positional && option.get_items_expected_max() > 0)
    SplitType(option.get_type_name(), help);
  return help;
}

// Text that roff prints as it is.
std::string Roff(const std::string& text) {
  std::string out;
  bool at_start = true;
  for (const char c : text) {
    // At the start of a line these make it a request.
    if (at_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    at_start = c == '\n';
  }
  return out;
}

std::string OptionTitle(const OptionHelp& option) {
  std::string title = fmt::format("{}", fmt::join(option.names, ", "));
  if (!option.value.empty()) title += " " + option.value;
  return title;
}

// The command's own word; "" of "qconvert" itself.
std::string WordOf(const CommandHelp& command) {
  const size_t space = command.name.find(' ');
  return space == std::string::npos ? "" : command.name.substr(space + 1);
}

std::vector<std::string> WordsOf(const std::vector<CommandHelp>& commands) {
  std::vector<std::string> words;
  for (const CommandHelp& command : commands) {
    const std::string word = WordOf(command);
    words.push_back(word.empty() ? "convert" : word);
  }
  return words;
}

std::vector<std::string> DashedNames(const CommandHelp& command) {
  std::vector<std::string> names;
  for (const OptionHelp& option : command.options)
    if (!option.is_positional) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

bool TakesConfig(const OptionHelp& option) {
  return std::any_of(option.names.begin(), option.names.end(), [](const std::string& name) {
    return name == "--config" || name == "--also";
  });
}

// What stands between single quotes of a shell.
std::string Quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// A text of _arguments: brackets and colons would end it.
std::string ZshText(std::string text) {
  std::replace(text.begin(), text.end(), '[', '(');
  std::replace(text.begin(), text.end(), ']', ')');
  std::string out;
  for (const char c : text) out += c == ':' ? std::string("\\:") : std::string(1, c);
  return out;
}

std::string ZshAction(const OptionHelp& option, const std::vector<std::string>& presets) {
  if (!option.choices.empty()) return fmt::format("({})", fmt::join(option.choices, " "));
  if (TakesConfig(option)) return fmt::format("{{_files; compadd {}}}", fmt::join(presets, " "));
  return "_files";
}

constexpr const char* kHelp = "help";  // it takes the others' words

std::string FirstSentence(const std::string& text) {
  return text.substr(0, std::min(text.find('\n'), text.find(". ")));
}

}  // namespace

CommandHelp DescribeCommand(const CLI::App& app) {
  CommandHelp command{app.get_name(), app.get_description(), {}, app.get_footer()};
  for (const CLI::Option* option : app.get_options())
    command.options.push_back(DescribeOption(*option));
  return command;
}

HelpCapture::HelpCapture() { g_capture = this; }
HelpCapture::~HelpCapture() { g_capture = nullptr; }

bool HelpCapture::Take(const CLI::App& app) {
  if (g_capture == nullptr) return false;
  g_capture->commands_.push_back(DescribeCommand(app));
  return true;
}

std::string PageName(const CommandHelp& command) {
  const std::string word = WordOf(command);
  return "qconvert" + (word.empty() ? "" : "-" + word);
}

std::string ManPage(const CommandHelp& command, const std::string& version,
                    const std::vector<std::string>& others) {
  std::string out =
      // Without a date: the same options give the same page.
      fmt::format(".TH {} 1 \"\" \"qconvert {}\" \"User Commands\"\n", PageName(command), version);
  auto sink = std::back_inserter(out);
  fmt::format_to(sink, ".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B {}\n", Roff(PageName(command)),
                 Roff(FirstSentence(command.text)), command.name);
  for (const OptionHelp& option : command.options)
    if (option.is_positional) fmt::format_to(sink, ".I {}\n", Roff(option.names[0]));
  fmt::format_to(sink, "[options]\n.SH DESCRIPTION\n{}\n.SH OPTIONS\n", Roff(command.text));
  for (const OptionHelp& option : command.options) {
    fmt::format_to(sink, ".TP\n.B {}\n{}", Roff(OptionTitle(option)), Roff(option.text));
    if (!option.choices.empty())
      fmt::format_to(sink, "\nOne of {}.",
                     Roff(fmt::format("{}", fmt::join(option.choices, ", "))));
    out += "\n";
  }
  if (!command.footer.empty())
    fmt::format_to(sink, ".SH EXAMPLES AND EXIT CODES\n.nf\n{}\n.fi\n", Roff(command.footer));
  out += ".SH SEE ALSO\n";
  for (size_t k = 0; k < others.size(); ++k)
    fmt::format_to(sink, ".BR {} (1){}\n", Roff(others[k]), k + 1 < others.size() ? "," : "");
  return out;
}

std::string BashCompletion(const std::vector<CommandHelp>& commands,
                           const std::vector<std::string>& presets) {
  std::string out =
      "# bash completion of qconvert; made from its table of commands.\n"
      "_qconvert() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= "
      "options=\n"
      "  COMPREPLY=()\n";
  auto sink = std::back_inserter(out);
  const std::string words = fmt::format("{}", fmt::join(WordsOf(commands), " "));
  fmt::format_to(sink,
                 "  local commands='{}'\n"
                 "  if [ \"$COMP_CWORD\" -gt 1 ]; then command=${{COMP_WORDS[1]}}; fi\n"
                 "  case $command in\n",
                 words);
  for (size_t k = commands.size(); k-- > 0;) {  // the first one, which needs no word, last
    const CommandHelp& command = commands[k];
    fmt::format_to(sink, "    {})\n      options='{}'\n      case $before in\n",
                   k == 0 ? "*" : WordOf(command), fmt::join(DashedNames(command), " "));
    for (const OptionHelp& option : command.options) {
      if (option.is_positional || option.value.empty()) continue;
      std::string values =
          fmt::format("compgen -W '{}' -- \"$word\"", fmt::join(option.choices, " "));
      if (option.choices.empty()) values = "compgen -f -- \"$word\"";
      if (TakesConfig(option))
        values += fmt::format("; compgen -W '{}' -- \"$word\"", fmt::join(presets, " "));
      fmt::format_to(sink, "        {}) mapfile -t COMPREPLY < <({}); return ;;\n",
                     fmt::join(option.names, " | "), values);
    }
    out += "      esac\n      ;;\n";
  }
  out +=
      "  esac\n"
      "  if [[ $word == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
      "  elif [ \"$COMP_CWORD\" = 1 ] || [ \"$command\" = help ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$word\"; compgen -f -- "
      "\"$word\")\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
      "  fi\n"
      "}\n"
      "complete -o filenames -F _qconvert qconvert\n";
  return out;
}

std::string ZshCompletion(const std::vector<CommandHelp>& commands,
                          const std::vector<std::string>& presets) {
  std::string out =
      "#compdef qconvert\n"
      "# zsh completion of qconvert; made from its table of commands.\n"
      "_qconvert() {\n"
      "  local -a commands=(\n";
  auto sink = std::back_inserter(out);
  const std::vector<std::string> words = WordsOf(commands);
  for (size_t k = 0; k < commands.size(); ++k)
    fmt::format_to(sink, "    {}\n",
                   Quoted(words[k] + ":" + ZshText(FirstSentence(commands[k].text))));
  out +=
      "  )\n"
      "  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then _describe command commands; _files; "
      "return; fi\n"
      "  local command=$words[2]\n"
      "  (( $+commands[(r)$command:*] )) || command=convert\n"
      "  case $command in\n";
  for (size_t k = 0; k < commands.size(); ++k) {
    const std::string rest =
        words[k] == kHelp ? fmt::format("*:command:({})", fmt::join(words, " ")) : "*:file:_files";
    fmt::format_to(sink, "    {})\n      _arguments {}", words[k], Quoted(rest));
    for (const OptionHelp& option : commands[k].options) {
      if (option.is_positional) continue;
      for (const std::string& name : option.names) {
        // The star: it may be given more than once.
        std::string spec = "*" + name + "[" + ZshText(option.text) + "]";
        if (!option.value.empty())
          spec += ":" + ZshText(option.value) + ":" + ZshAction(option, presets);
        out += " \\\n        " + Quoted(spec);
      }
    }
    out += "\n      ;;\n";
  }
  return out + "  esac\n}\n_qconvert \"$@\"\n";
}

std::string FishCompletion(const std::vector<CommandHelp>& commands,
                           const std::vector<std::string>& presets) {
  std::string out = "# fish completion of qconvert; made from its table of commands.\n";
  auto sink = std::back_inserter(out);
  const std::vector<std::string> words = WordsOf(commands);
  const std::string all = fmt::format("{}", fmt::join(words, " "));
  for (size_t k = 0; k < commands.size(); ++k)
    fmt::format_to(sink, "complete -c qconvert -n __fish_is_first_arg -a {} -d {}\n", words[k],
                   Quoted(FirstSentence(commands[k].text)));
  fmt::format_to(sink, "complete -c qconvert -n '__fish_seen_subcommand_from {}' -f -a '{}'\n",
                 kHelp, all);
  for (size_t k = 0; k < commands.size(); ++k) {
    // The first one also where no command's word was given.
    const std::string others =
        fmt::format("not __fish_seen_subcommand_from {}", all.substr(all.find(' ') + 1));
    const std::string when = k == 0 ? others : "__fish_seen_subcommand_from " + words[k];
    for (const OptionHelp& option : commands[k].options) {
      if (option.is_positional) continue;
      std::string line = "complete -c qconvert -n " + Quoted(when);
      for (const std::string& name : option.names)
        line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!option.value.empty()) line += " -r";
      std::vector<std::string> choices = option.choices;
      if (TakesConfig(option)) choices.insert(choices.end(), presets.begin(), presets.end());
      if (!choices.empty()) line += fmt::format(" -a '{}'", fmt::join(choices, " "));
      out += line + " -d " + Quoted(option.text) + "\n";
    }
  }
  return out;
}

}  // namespace qconvert
