# SPDX-License-Identifier: Apache-2.0
find_program(PROTOC_C protoc-c REQUIRED)
file(GLOB SBX_PROTOS RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/snapshot/*.proto)
set(SBX_PROTO_C)
set(SBX_PROTO_H)
foreach(proto ${SBX_PROTOS})
    string(REGEX REPLACE "\\.proto$" ".pb-c" stem ${proto})
    list(APPEND SBX_PROTO_C ${CMAKE_BINARY_DIR}/gen/${stem}.c)
    list(APPEND SBX_PROTO_H ${CMAKE_BINARY_DIR}/gen/${stem}.h)
endforeach()
list(TRANSFORM SBX_PROTOS PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE SBX_PROTO_FILES)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/gen)
add_custom_command(
    OUTPUT ${SBX_PROTO_C} ${SBX_PROTO_H}
    COMMAND ${PROTOC_C} -I ${CMAKE_SOURCE_DIR} --c_out=${CMAKE_BINARY_DIR}/gen ${SBX_PROTO_FILES}
    DEPENDS ${SBX_PROTO_FILES}
    VERBATIM)
add_library(messages STATIC ${SBX_PROTO_C} ${SBX_PROTO_H})
target_compile_options(messages PRIVATE -w)
target_include_directories(messages PUBLIC ${CMAKE_BINARY_DIR}/gen ${CMAKE_SOURCE_DIR})
target_link_libraries(messages PUBLIC PkgConfig::PROTOBUF_C)
