# SPDX-License-Identifier: Apache-2.0
# The vDSO is linked alone, by its own flags (no sanitizer, no library), then made a part of the kernel.
set(vdso_dir ${CMAKE_CURRENT_SOURCE_DIR}/mm/vdso)
set(vdso_file ${CMAKE_BINARY_DIR}/gen/core/mm/vdso.so)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/gen/core/mm)
add_custom_command(
    OUTPUT ${vdso_file}
    COMMAND ${CMAKE_C_COMPILER} -std=gnu17 -O2 -g0 -Wall -Wextra -Werror -I ${CMAKE_SOURCE_DIR} -D_GNU_SOURCE
        -fPIC -shared -nostdlib -nodefaultlibs -ffreestanding -fno-builtin -fno-stack-protector -fcf-protection=none
        -fasynchronous-unwind-tables -mno-sse -mno-avx -U_FORTIFY_SOURCE
        -Wl,-T,${vdso_dir}/vdso.lds -Wl,-soname,linux-vdso.so.1 -Wl,--hash-style=both -Wl,--build-id=sha1
        -Wl,--eh-frame-hdr -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,-Bsymbolic -Wl,--no-undefined -Wl,-s
        ${vdso_dir}/vdso.c -o ${vdso_file}
    DEPENDS ${vdso_dir}/vdso.c ${vdso_dir}/vdso.lds ${vdso_dir}/vdso_data.h
    VERBATIM)
set_source_files_properties(${vdso_dir}/vdso_image.S PROPERTIES
    COMPILE_DEFINITIONS "VDSO_FILE=\"${vdso_file}\""
    OBJECT_DEPENDS ${vdso_file})
add_library(vdso_image OBJECT ${vdso_dir}/vdso_image.S)
