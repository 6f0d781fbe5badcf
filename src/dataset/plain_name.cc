#include "qconvert/dataset/plain_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

#include "qconvert/base/utf8.h"

namespace qconvert {
namespace {

bool LeadsElsewhere(char c) {
  return c == '/' || c == '\\' || c == ':' || std::iscntrl(static_cast<unsigned char>(c)) != 0;
}

// File systems take 255 bytes: numbers in front, a copy's number and an extension come to it.
constexpr size_t kMostBytes = 230;

// Where the last character that ends within `bytes` ends.
size_t WholeCharacters(std::string_view text, size_t bytes) {
  size_t end = 0;
  for (size_t next = 0; next <= bytes; next += std::max<size_t>(Utf8Length(text, next), 1))
    end = next;
  return end;
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
  if (plain.size() > kMostBytes) plain.resize(WholeCharacters(plain, kMostBytes));
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
