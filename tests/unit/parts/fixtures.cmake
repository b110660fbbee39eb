# SPDX-License-Identifier: Apache-2.0
# Every kind of object by its fixture. Their sources are written with the types.
file(GLOB fixtures CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fixtures/*.c)
if(TARGET kernel)
    add_library(fixtures OBJECT fixtures.c coverage.c ${fixtures})
    target_link_libraries(fixtures PUBLIC kernel vfs snapshot platform base PkgConfig::CMOCKA)
    unit_test(fixtures fixtures)
    unit_test(epoll fixtures)
    add_executable(fuzz_load fuzz_load.c)
    target_link_libraries(fuzz_load PRIVATE fixtures)
    add_test(NAME fuzz.load COMMAND fuzz_load 5000)
endif()
