# SPDX-License-Identifier: Apache-2.0
# Warnings and hardening, the same for everything of ours; sanitizers by option.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(JSON_C REQUIRED IMPORTED_TARGET json-c)
pkg_check_modules(BSD REQUIRED IMPORTED_TARGET libbsd)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wswitch -Wvla
    -Wshadow $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation> -fno-omit-frame-pointer -fstack-protector-strong -g)
add_link_options(-Wl,-z,relro,-z,now)

if(SBX_ASAN)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
elseif(SBX_TSAN)
    add_compile_options(-fsanitize=thread)
    add_link_options(-fsanitize=thread)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_options(-O2 -D_FORTIFY_SOURCE=2)
endif()
if(SBX_STALL)
    add_compile_definitions(HOST_STALL)
endif()
# An impossible state is an assert, on in release builds too.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_definitions(LOCK_CHECKS)
endif()

# sbx_library(NAME dir-relative sources…): a static library that sees the tree from its root.
function(sbx_library name)
    add_library(${name} STATIC ${ARGN})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/gen)
    target_link_libraries(${name} PUBLIC Threads::Threads)
endfunction()
