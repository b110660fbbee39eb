# SPDX-License-Identifier: Apache-2.0
# Pipes, host streams, descriptors and the read and write calls, without the rest of core: actor.c
# stands for it.
foreach(name pipe host_stream files rw copy)
    add_executable(test_${name} test_${name}.c actor.c pipe_scene.c ${CMAKE_SOURCE_DIR}/core/files.c
        ${CMAKE_SOURCE_DIR}/core/rw.c ${CMAKE_SOURCE_DIR}/core/ranges.c
        ${CMAKE_SOURCE_DIR}/core/message.c ${CMAKE_SOURCE_DIR}/core/message_header.c
        ${CMAKE_SOURCE_DIR}/core/syscall/sys_copy.c)
    add_dependencies(test_${name} syscall_table)
    target_link_libraries(test_${name} PRIVATE netstack vfs snapshot platform base PkgConfig::CMOCKA)
    add_test(NAME unit.${name} COMMAND test_${name})
endforeach()
unit_test(pseudofs vfs snapshot platform base)
unit_test(procfs kernel vfs snapshot platform base)
