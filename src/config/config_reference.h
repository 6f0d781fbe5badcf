// What editors and people look up, written from the tables that the readers check files against.
#ifndef QCONVERT_CONFIG_CONFIG_REFERENCE_H_
#define QCONVERT_CONFIG_CONFIG_REFERENCE_H_

#include <string>
#include <vector>

namespace qconvert {

// "Vitis", ...
std::vector<std::string> DialectNames();

// "Vitis" -> "vitis.schema.json"
std::string SchemaFileName(std::string dialect);

// JSON Schema (draft 2020-12) of a dialect.
std::string JsonSchema(const std::string& name);

// `page` (Markdown) with every table between "<!-- keys: NAME -->" and "<!-- end -->" written anew;
// "rules of Vitis" are what does not go together. Throws InternalError when a marker names no
// table.
std::string FillReference(const std::string& page);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_CONFIG_REFERENCE_H_
