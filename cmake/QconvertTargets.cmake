# Options that every target of ours shares, and the function that makes a stage.

add_library(qconvert_options INTERFACE)
target_compile_options(qconvert_options INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers
                       -fno-math-errno -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(qconvert_options INTERFACE -Wno-restrict)  # GCC 12 misjudges std::string +
endif()
if(QCONVERT_WARNINGS_AS_ERRORS)
  target_compile_options(qconvert_options INTERFACE -Werror)
endif()
if(QCONVERT_SANITIZE)
  target_compile_options(qconvert_options INTERFACE -fsanitize=${QCONVERT_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)  # GCC 12 misjudges instrumented <regex>
  target_link_options(qconvert_options INTERFACE -fsanitize=${QCONVERT_SANITIZE})
endif()

if(QCONVERT_TIDY)
  find_program(CLANG_TIDY NAMES clang-tidy-14 clang-tidy REQUIRED)
endif()

# qconvert_stage(NAME SOURCES file... [LINK target...])
# Library qconvert_NAME (alias qconvert::NAME) from src/NAME; LINK lists the stages and packages it may use.
function(qconvert_stage name)
  cmake_parse_arguments(STAGE "" "" "SOURCES;LINK" ${ARGN})
  add_library(qconvert_${name} STATIC ${STAGE_SOURCES})
  add_library(qconvert::${name} ALIAS qconvert_${name})
  target_include_directories(qconvert_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(qconvert_${name} PUBLIC ${STAGE_LINK} PRIVATE $<BUILD_INTERFACE:qconvert_options>)
  target_compile_features(qconvert_${name} PUBLIC cxx_std_20)  # the headers need it, whoever includes them
  set_target_properties(qconvert_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  if(QCONVERT_TIDY)
    set_target_properties(qconvert_${name} PROPERTIES CXX_CLANG_TIDY "${CLANG_TIDY};--quiet")
  endif()
  set_property(GLOBAL APPEND PROPERTY QCONVERT_STAGES qconvert_${name})
endfunction()
