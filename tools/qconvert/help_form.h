// What a command's options are, in the forms of manual pages and of shells' completions.
#ifndef QCONVERT_TOOLS_QCONVERT_HELP_FORM_H_
#define QCONVERT_TOOLS_QCONVERT_HELP_FORM_H_

#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace qconvert {

struct OptionHelp {
  std::vector<std::string> names;  // "-o", "--output"; the word itself of what has no dash
  std::string value;               // "FILE"; empty for a flag
  std::vector<std::string> choices;
  std::string text;
  bool is_positional = false;
};

struct CommandHelp {
  std::string name;  // "qconvert calibrate"
  std::string text;
  std::vector<OptionHelp> options;
  std::string footer;  // "Examples:\n  ..."
};

// All that CLI11 knows of a command line.
CommandHelp DescribeCommand(const CLI::App& app);

// While one of these lives, --help gives its command to it instead of printing it.
class HelpCapture {
 public:
  HelpCapture();
  ~HelpCapture();
  HelpCapture(const HelpCapture&) = delete;
  HelpCapture& operator=(const HelpCapture&) = delete;

  const std::vector<CommandHelp>& commands() const { return commands_; }
  // False when nobody captures.
  static bool Take(const CLI::App& app);

 private:
  std::vector<CommandHelp> commands_;
};

// A manual page, roff with man(7)'s macros: "qconvert-calibrate.1". `others` are all pages.
std::string ManPage(const CommandHelp& command, const std::string& version,
                    const std::vector<std::string>& others);
// "qconvert-calibrate".
std::string PageName(const CommandHelp& command);

// Scripts for all commands; the first one needs no word. `presets` are what --config takes besides
// files.
std::string BashCompletion(const std::vector<CommandHelp>& commands,
                           const std::vector<std::string>& presets);
std::string ZshCompletion(const std::vector<CommandHelp>& commands,
                          const std::vector<std::string>& presets);
std::string FishCompletion(const std::vector<CommandHelp>& commands,
                           const std::vector<std::string>& presets);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_HELP_FORM_H_
