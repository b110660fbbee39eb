# SPDX-License-Identifier: Apache-2.0
# platform_test(NAME): a unit test with bare guests.
function(platform_test name)
    unit_test(${name} platform base)
    target_sources(test_${name} PRIVATE
        ${CMAKE_SOURCE_DIR}/tests/unit/guest_world.c ${CMAKE_SOURCE_DIR}/tests/unit/guest_text.S)
endfunction()

platform_test(platform)
platform_test(platform_aspace)
platform_test(platform_contexts)
platform_test(platform_attacks)
platform_test(platform_death)
platform_test(platform_host)
target_link_libraries(test_platform_host PRIVATE PkgConfig::SECCOMP)
