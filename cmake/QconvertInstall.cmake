# cmake --install: the tool, its presets, the engine's library beside it, and the library for find_package(qconvert).
include(CMakePackageConfigHelpers)

get_property(stages GLOBAL PROPERTY QCONVERT_STAGES)
install(TARGETS qconvert RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${stages} qconvert_onnx EXPORT qconvertTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/qconvert DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/qconvert/configs)
install(FILES ${OnnxRuntime_LIBRARY} DESTINATION ${CMAKE_INSTALL_LIBDIR} RENAME libonnxruntime.so.1)
install(EXPORT qconvertTargets NAMESPACE qconvert:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/qconvert)
configure_package_config_file(cmake/qconvertConfig.cmake.in ${PROJECT_BINARY_DIR}/qconvertConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/qconvert)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/qconvertConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/qconvertConfig.cmake ${PROJECT_BINARY_DIR}/qconvertConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/qconvert)

# Licences: ours, and those of what is installed with us (THIRD_PARTY_NOTICES.md names the files).
install(FILES LICENSE THIRD_PARTY_NOTICES.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
file(GLOB page_licences third_party/report_page/*.LICENSE)
install(FILES ${page_licences} DESTINATION ${CMAKE_INSTALL_DOCDIR}/report_page)
install(FILES ${OnnxRuntime_NOTICES} DESTINATION ${CMAKE_INSTALL_DOCDIR}/onnxruntime)

# Made when the program is built.
install(DIRECTORY ${PROJECT_BINARY_DIR}/pages/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
install(DIRECTORY ${PROJECT_BINARY_DIR}/pages/completions/bash/ DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(DIRECTORY ${PROJECT_BINARY_DIR}/pages/completions/zsh/ DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(DIRECTORY ${PROJECT_BINARY_DIR}/pages/completions/fish/ DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
