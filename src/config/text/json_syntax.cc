#include "text/json_syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace qconvert {
namespace {

using Json = nlohmann::json;

// Looks at nothing but the depth; keeps the parser's first complaint.
class SyntaxChecker : public nlohmann::json_sax<Json> {
 public:
  explicit SyntaxChecker(int max_depth) : max_depth_(max_depth) {}

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool key(string_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*elements*/) override { return ++depth_ <= max_depth_; }
  bool start_array(std::size_t /*elements*/) override { return ++depth_ <= max_depth_; }
  bool end_object() override { return --depth_, true; }
  bool end_array() override { return --depth_, true; }
  bool parse_error(std::size_t position, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& error) override {
    position_ = position;
    // A number past what a double holds is JSON; the settings refuse it where it stands.
    out_of_range_ = error.id == kNumberOutOfRange;
    return false;
  }

  bool too_deep() const { return depth_ > max_depth_; }
  bool out_of_range() const { return out_of_range_; }
  size_t position() const { return position_; }

 private:
  static constexpr int kNumberOutOfRange = 406;
  int max_depth_;
  int depth_ = 0;
  bool out_of_range_ = false;
  size_t position_ = 0;
};

// What probably went wrong at `byte`.
std::string Hint(std::string_view text, size_t byte) {
  const std::string_view rest = text.substr(byte);
  if (rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with("#"))
    return "JSON has no comments; rename the file to .yaml and write them with #";
  const size_t before = text.substr(0, byte).find_last_not_of(" \t\r\n");
  if (!rest.empty() && (rest[0] == '}' || rest[0] == ']') && before != std::string_view::npos &&
      text[before] == ',') {
    return "a comma before the closing bracket is not JSON, remove it";
  }
  if (rest.empty()) return "the text ends too early for JSON";
  return fmt::format("is not JSON at '{}'", rest.substr(0, 1));
}

}  // namespace

std::optional<JsonError> FindJsonError(const std::string& text, int max_depth) {
  std::string_view body = text;
  size_t skipped = 0;
  // Editors of Windows write it; the YAML parser passes over it by itself.
  if (body.starts_with("\xEF\xBB\xBF")) skipped = 3;
  body.remove_prefix(skipped);
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return std::nullopt;  // empty
  SyntaxChecker checker(max_depth);
  if (Json::sax_parse(body.begin(), body.end(), &checker)) return std::nullopt;
  if (checker.too_deep()) {
    return JsonError{skipped, fmt::format("is nested deeper than {} levels", max_depth)};
  }
  if (checker.out_of_range()) {
    // The parser stands behind the number.
    return JsonError{skipped + std::min(body.size(), checker.position()) - 1,
                     "a number is too large"};
  }
  const size_t first = body.find_first_not_of(" \t\r\n");
  const bool comment = body[first] == '#' || body[first] == '/';
  if (body[first] != '{' && body[first] != '[' && !comment)
    return JsonError{skipped + first, "is not JSON, expected '{'; a file of YAML is named .yaml"};
  // The parser stops behind the token it did not expect.
  const size_t end = std::min(body.size(), checker.position() > 0 ? checker.position() - 1 : 0);
  return JsonError{skipped + end, Hint(body, end)};
}

}  // namespace qconvert
