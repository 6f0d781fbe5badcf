// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#ifndef QCONVERT_BASE_UTF8_H_
#define QCONVERT_BASE_UTF8_H_

#include <cstddef>
#include <string_view>

namespace qconvert {

// Bytes of the valid sequence that begins at text[i], 0 when there is none.
size_t Utf8Length(std::string_view text, size_t i);

// Index of the first byte that belongs to no valid sequence, npos when all is valid.
size_t FindInvalidUtf8(std::string_view text);

// Columns that a terminal takes for valid UTF-8: two for the wide letters of East Asia and for
// pictures, one for all others, as fmt pads. Elsewhere bytes that go on with no other are counted.
size_t CountColumns(std::string_view text);

// As much of the beginning, or of the end, as `columns` hold; no code point is cut in two.
std::string_view FirstColumns(std::string_view text, size_t columns);
std::string_view LastColumns(std::string_view text, size_t columns);

}  // namespace qconvert

#endif  // QCONVERT_BASE_UTF8_H_
