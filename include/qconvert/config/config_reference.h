// What editors and people look up, written from the tables that the readers check files against.
#ifndef QCONVERT_CONFIG_CONFIG_REFERENCE_H_
#define QCONVERT_CONFIG_CONFIG_REFERENCE_H_

#include <string>

#include "qconvert/config/read_config.h"

namespace qconvert {

// "vitis.schema.json"
std::string SchemaFileName(ConfigLanguage language);

// JSON Schema (draft 2020-12) of a language.
std::string JsonSchema(ConfigLanguage language);

// `page` (Markdown) with every table between "<!-- keys: NAME -->" and "<!-- end -->" written anew.
// Throws InternalError when a marker names no table.
std::string FillReference(const std::string& page);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_CONFIG_REFERENCE_H_
