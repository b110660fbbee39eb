# SPDX-License-Identifier: Apache-2.0
foreach(name lock host uio gate wait events)
    unit_test(${name} base)
endforeach()

# Random freezes: test_freeze FREEZES SEED.
add_executable(test_freeze test_freeze.c)
target_link_libraries(test_freeze PRIVATE base)
add_test(NAME unit.freeze COMMAND test_freeze 1000)
set_tests_properties(unit.freeze PROPERTIES TIMEOUT 300)
