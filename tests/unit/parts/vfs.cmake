# SPDX-License-Identifier: Apache-2.0
# Names and file systems without a kernel: vfs_world.c stands for it.
foreach(name namei tmpfs hostfs overlay vfs_save vfs_like_host)
    unit_test(${name} vfs snapshot platform base)
    target_sources(test_${name} PRIVATE vfs_world.c)
endforeach()
unit_test(file_lock vfs snapshot platform base)
