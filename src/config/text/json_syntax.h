// Whether a text is JSON (RFC 8259), with hints for what people write instead.
#ifndef QCONVERT_CONFIG_TEXT_JSON_SYNTAX_H_
#define QCONVERT_CONFIG_TEXT_JSON_SYNTAX_H_

#include <cstddef>
#include <optional>
#include <string>

namespace qconvert {

struct JsonError {
  size_t byte = 0;  // where in the text
  std::string message;
};

// The first reason why `text` is not one JSON value nested at most `max_depth` deep. A byte-order
// mark is allowed.
std::optional<JsonError> FindJsonError(const std::string& text, int max_depth);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_TEXT_JSON_SYNTAX_H_
