# SPDX-License-Identifier: Apache-2.0
# The registry, built once more against a schema and object types of the tests' own.
set(toys ${CMAKE_CURRENT_SOURCE_DIR}/toys)
set(toys_gen ${CMAKE_BINARY_DIR}/toys)
file(MAKE_DIRECTORY ${toys_gen}/snapshot)
add_custom_command(
    OUTPUT ${toys_gen}/snapshot/objects.pb-c.c ${toys_gen}/snapshot/objects.pb-c.h
    COMMAND ${PROTOC_C} -I ${toys} --c_out=${toys_gen} ${toys}/snapshot/objects.proto
    DEPENDS ${toys}/snapshot/objects.proto
    VERBATIM)
set_source_files_properties(${toys_gen}/snapshot/objects.pb-c.c PROPERTIES COMPILE_OPTIONS -w)
set(registry report message kernel_image saver save_field loader load_field wait_message)
list(TRANSFORM registry PREPEND ${CMAKE_SOURCE_DIR}/snapshot/)
list(TRANSFORM registry APPEND .c)
add_library(toys STATIC toys/node.c toys/sleeper.c toys/toys.c coverage.c ${registry}
    ${toys_gen}/snapshot/objects.pb-c.c ${toys_gen}/snapshot/objects.pb-c.h)
target_include_directories(toys BEFORE PUBLIC ${toys_gen})
target_link_libraries(toys PUBLIC base PkgConfig::PROTOBUF_C PkgConfig::ZSTD PkgConfig::CMOCKA)

foreach(name objects loader kernel_image)
    unit_test(${name} toys)
endforeach()
