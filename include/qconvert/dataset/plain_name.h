// Names of tensors and samples as file names.
#ifndef QCONVERT_DATASET_PLAIN_NAME_H_
#define QCONVERT_DATASET_PLAIN_NAME_H_

#include <string>
#include <vector>

namespace qconvert {

// A name of one path component, never a way out of a folder: '/', '\', ':' and control characters
// are '_', and so are the first dot of "." and "..", and nothing at all. Of more than 230 bytes the
// beginning.
std::string PlainName(const std::string& name);

// The same for each of several names, which stay apart whatever the case of letters counts for:
// "a/b", "a_b" -> "a_b", "a_b_2".
std::vector<std::string> PlainNames(const std::vector<std::string>& names);

}  // namespace qconvert

#endif  // QCONVERT_DATASET_PLAIN_NAME_H_
