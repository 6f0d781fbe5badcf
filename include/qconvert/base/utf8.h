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

// Code points of valid UTF-8; elsewhere bytes that go on with no other are counted.
size_t CountCodePoints(std::string_view text);

// Index of the byte where code point `n` begins, from 0; the size of the text where it has no more.
size_t OffsetOfCodePoint(std::string_view text, size_t n);

}  // namespace qconvert

#endif  // QCONVERT_BASE_UTF8_H_
