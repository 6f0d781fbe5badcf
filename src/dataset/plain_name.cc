#include "qconvert/dataset/plain_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace qconvert {
namespace {

bool LeadsElsewhere(char c) {
  return c == '/' || c == '\\' || c == ':' || std::iscntrl(static_cast<unsigned char>(c)) != 0;
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::string PlainName(const std::string& name) {
  if (name.empty()) return "_";
  std::string plain = name;
  std::replace_if(plain.begin(), plain.end(), LeadsElsewhere, '_');
  if (plain == "." || plain == "..") plain[0] = '_';
  return plain;
}

std::vector<std::string> PlainNames(const std::vector<std::string>& names) {
  std::set<std::string> taken;
  std::vector<std::string> plain;
  for (const std::string& name : names) {
    const std::string base = PlainName(name);
    std::string own = base;
    for (int copy = 2; !taken.insert(Lower(own)).second; ++copy)
      own = fmt::format("{}_{}", base, copy);
    plain.push_back(std::move(own));
  }
  return plain;
}

}  // namespace qconvert
