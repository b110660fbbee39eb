# SPDX-License-Identifier: Apache-2.0
# Every kind of object by its fixture. Their sources are written with the types.
file(GLOB fixtures CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fixtures/*.c)
if(TARGET kernel)
    foreach(name test_fixtures fuzz_load)
        add_executable(${name} ${name}.c fixtures.c ${fixtures})
        target_link_libraries(${name} PRIVATE kernel vfs snapshot platform base PkgConfig::CMOCKA)
    endforeach()
    add_test(NAME unit.fixtures COMMAND test_fixtures)
    add_test(NAME fuzz.load COMMAND fuzz_load 5000)
endif()
