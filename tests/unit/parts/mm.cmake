# SPDX-License-Identifier: Apache-2.0
# Address spaces without the rest of core: a kernel of nothing but memory and a platform.
file(GLOB mm_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/core/mm/*.c)
sbx_library(mm_alone ${mm_sources} ${CMAKE_SOURCE_DIR}/core/pager.c $<TARGET_OBJECTS:vdso_image>)
target_link_libraries(mm_alone PUBLIC vfs snapshot platform base)

# mm_test(NAME): with mm_world.
function(mm_test name)
    unit_test(${name} mm_alone)
    target_sources(test_${name} PRIVATE mm_world.c guest_text.S)
endfunction()

unit_test(elf mm_alone)
mm_test(vma)
mm_test(pma)
mm_test(mm)
mm_test(mm_cow)
mm_test(mm_pin)
mm_test(mm_exec)
mm_test(mm_random)
mm_test(mm_threads)
mm_test(vdso)
